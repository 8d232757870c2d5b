// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// No label below carries a name that users choose: the number of series does not depend on
// what labs there are.
var (
	repairs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_repairs_total",
		Help: "Operations that put back what something else had changed, by kind.",
	}, []string{"op"})
	operations = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_operations_total",
		Help: "Operations applied to the kernel, repairs included, by kind.",
	}, []string{"op"})
	convergeSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "netlab_converge_seconds",
		Help:    "How long one look at a lab took, changes included.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
	})
	labsCarried = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_labs",
		Help: "Labs on this node.",
	})
	namespacesCarried = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_namespaces",
		Help: "Network namespaces of labs on this node.",
	})
	probeAttempts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_probe_attempts_total",
		Help: "Attempts of probes, by address family and outcome.",
	}, []string{"family", "outcome"})
	probeRTT = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "netlab_probe_rtt_seconds",
		Help:    "Round-trip times of answered attempts, by address family.",
		Buckets: prometheus.ExponentialBuckets(0.00001, 4, 10),
	}, []string{"family"})
	reportWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_report_writes_total",
		Help: "Writes of this node's report to the API server, by result.",
	}, []string{"result"})
	namespacesHeld = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "netlab_namespaces_held_total",
		Help: "Deleted network namespaces that a process outside kept alive for more than 2 seconds.",
	})
	labsSwept = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "netlab_labs_swept_total",
		Help: "Labs removed because the API server no longer knew them, their deletion having been missed.",
	})
)

func init() {
	metrics.Registry.MustRegister(repairs, operations, convergeSeconds, labsCarried, namespacesCarried,
		probeAttempts, probeRTT, reportWrites, labsSwept, namespacesHeld)
}

// opKind is the name of an operation's type, of which there are few: "AddLink".
func opKind(op topology.Op) string {
	_, kind, _ := strings.Cut(fmt.Sprintf("%T", op), ".")
	return kind
}

func countOperations(counter *prometheus.CounterVec, ops []topology.Op) {
	for _, op := range ops {
		counter.WithLabelValues(opKind(op)).Inc()
	}
}

// countAttempt is a probe.Observe function.
func countAttempt(spec probe.Spec, rtt time.Duration, outcome probe.Outcome) {
	probeAttempts.WithLabelValues(spec.Family().String(), outcome.String()).Inc()
	if outcome == probe.Reply {
		probeRTT.WithLabelValues(spec.Family().String()).Observe(rtt.Seconds())
	}
}

func resultLabel(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}
