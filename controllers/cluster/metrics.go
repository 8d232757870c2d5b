// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// The agent's metrics carry no name that users choose: how many series a node has does not depend
// on what labs there are (metrics_agent.go). What is said of each lab, the leading controller says
// once for the whole cluster (metrics_controller.go). config/prometheus/README.md lists them all,
// and is checked against what the programs export.

// MetricsServer is how a program serves its metrics. Secure is HTTPS with a certificate made at
// start, only for callers whose token the API server knows and lets get /metrics; otherwise it is
// HTTP for everybody. The address "0" is nowhere.
func MetricsServer(address string, secure bool) server.Options {
	options := server.Options{BindAddress: address, SecureServing: secure}
	if secure {
		options.FilterProvider = authorize
	}
	return options
}

// ExportBuildInfo adds a metric that says which version runs.
func ExportBuildInfo(version string) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "netlab_build_info",
		Help:        "Always 1; the labels say which version runs and which Go built it.",
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

// StartAtZero makes series exist before the first event, so that increase() sees that one too.
func StartAtZero(counter *prometheus.CounterVec, values ...string) {
	for _, value := range values {
		counter.WithLabelValues(value)
	}
}
