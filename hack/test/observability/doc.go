// SPDX-License-Identifier: Apache-2.0

// Package observability holds the tests of config/prometheus: alert rules, dashboard and the
// objects of Prometheus Operator are read by Prometheus's, Grafana's and the operator's own rules,
// and may only ask for metrics and labels that config/prometheus/README.md has. That these are
// what the programs export is tested in hack/test/acceptance.
//
// It is a module of its own because Prometheus is one of hundreds of modules, and no user of
// NetLab needs them.
package observability
