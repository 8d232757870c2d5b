// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// The agent's metrics have no names that users choose: the number of series of a node does not depend on
// its labs (agent/metrics.go). The leading controller exports series per lab, once for the whole
// cluster (summary/metrics.go). config/prometheus/README.md lists all metrics; a test compares it with
// the exported ones.

// MetricsServer returns the options of a program's metrics endpoint. With secure it serves HTTPS with a
// certificate created at start, and answers only callers whose token the API server authenticates and
// authorizes to get /metrics. Otherwise it serves HTTP without authentication. The address "0" turns it
// off.
func MetricsServer(address string, secure bool) server.Options {
	options := server.Options{BindAddress: address, SecureServing: secure}
	if secure {
		options.FilterProvider = authorize
	}
	return options
}

// ExportBuildInfo adds a metric with the version of the program.
func ExportBuildInfo(version string) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "netlab_build_info",
		Help:        "Always 1; the labels are the version of the program and of the Go that built it.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	info.Set(1)
	metrics.Registry.MustRegister(info)
}

// The values of the label result.
const (
	ResultOK    = "ok"
	ResultError = "error"
)

func ResultLabel(err error) string {
	if err != nil {
		return ResultError
	}
	return ResultOK
}

// StartAtZero creates series before the first event, so increase() counts that event too.
func StartAtZero(counter *prometheus.CounterVec, values ...string) {
	for _, value := range values {
		counter.WithLabelValues(value)
	}
}
