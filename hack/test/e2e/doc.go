// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the promises that need a whole cluster: real kubelets, real pods, and an
// installation from install.yaml.
//
// The name of each test states the promise. A test counts what it observes and leaves no lab behind;
// at the end the suite prints all counts as a table. Tests run one after another, in any order, because
// some stop a node or the API server. Tests that look only at their own labs run last, four at a time.
//
// Two build tags select the tests:
//
//	e2e          tests for any cluster: install.yaml, rights, quotas, the command line
//	e2e,nodes    tests that need access to the nodes: kernels, kubelets, the API server's process.
//	             They use hack/cluster, through the program in $NETLAB_CLUSTER.
//
// run.sh builds the programs and selects the tag. NETLAB_E2E_LONG=1 makes outages and quiet periods as
// long as in production.
package e2e
