// SPDX-License-Identifier: Apache-2.0

// Package e2e holds the promises that only a whole cluster can keep, as stories with real
// kubelets, real pods, and the installation a user gets from install.yaml.
//
// Each story says in its name what is promised, counts what it saw, and leaves no lab behind;
// at the end the suite prints all of it as a table. Stories run one after another and in any
// order: some take a node or the API server away. Those that look only at labs of their own run
// last, four at a time.
//
// Two build tags select the stories:
//
//	e2e          what any cluster can show: install.yaml, rights, quotas, the command line
//	e2e,nodes    what needs hands on the nodes: kernels, kubelets, the API server's process.
//	             These talk to hack/cluster, by the program named in $NETLAB_CLUSTER.
//
// run.sh builds what is needed and chooses. NETLAB_E2E_LONG=1 makes outages and quiet times as
// long as they are in the field.
package e2e
