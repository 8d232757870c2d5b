// SPDX-License-Identifier: Apache-2.0

// Package observability tests config/prometheus. The code of Prometheus, Grafana and Prometheus Operator
// reads alert rules, dashboard and the operator's objects. They may use only the metrics and labels
// that config/prometheus/README.md lists. hack/test/acceptance tests that the programs export these.
//
// It is a separate module, because Prometheus is one of hundreds of modules, and users of NetLab need
// none of them.
package observability
