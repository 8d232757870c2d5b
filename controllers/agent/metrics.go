// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

var (
	labsHere = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netlab_labs",
		Help: "Labs on this node, by the reason of Realized; at most a dozen reasons.",
	}, []string{"reason"})
	labsLimit = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_labs_limit",
		Help: "Limit of labs on this node (--max-labs); 0 is no limit.",
	})
	namespacesHere = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_namespaces",
		Help: "Network namespaces of labs on this node.",
	})
	namespacesLimit = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_namespaces_limit",
		Help: "Limit of network namespaces of labs on this node (--max-namespaces); 0 is no limit.",
	})
	rowsHere = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_rows",
		Help: "Rows of the labs on this node: links, addresses, routes and the like.",
	})
	rowsLimit = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_rows_limit",
		Help: "Limit of rows of labs on this node (--max-rows); 0 is no limit.",
	})
	queueLength = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_queue_labs",
		Help: "Labs that wait for a worker of this node's agent.",
	})
	neighboursUsed = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netlab_neighbor_entries",
		Help: "Entries of this node's neighbour table that count towards its limit, by address family; all network namespaces of the node share the table.",
	}, []string{"family"})
	neighboursReserved = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netlab_neighbor_entries_reserved",
		Help: "Entries that the admitted labs need, by address family; labs with neighbors: Static need none.",
	}, []string{"family"})
	neighboursBudget = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netlab_neighbor_entries_budget",
		Help: "Entries that labs on this node may need together (--neighbor-share), by address family; 0 is no limit.",
	}, []string{"family"})
	neighboursLimit = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netlab_neighbor_entries_limit",
		Help: "Limit of this node's neighbour table (gc_thresh3), by address family.",
	}, []string{"family"})
	probesFailing = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netlab_probes_failing",
		Help: "Probes on this node whose outcome is not the expected one, by cause; about a dozen causes.",
	}, []string{"reason"})

	operations = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_operations_total",
		Help: "Operations on the kernel, repairs included, by kind and result; about 20 kinds.",
	}, []string{"op", "result"})
	repairs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_repairs_total",
		Help: "Operations that corrected drift, by kind; about 20 kinds.",
	}, []string{"op"})
	convergeSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "netlab_converge_seconds",
		Help:    "Duration of one comparison of a lab with the kernel, corrections included.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
	})
	eventResyncs = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "netlab_event_resyncs_total",
		Help: "Comparisons of every lab after a loss of kernel events, for example because the socket's buffer was full.",
	})
	namespacesHeld = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "netlab_namespaces_held_total",
		Help: "Deleted network namespaces that another process kept alive for more than 2 seconds.",
	})

	probeAttempts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_probe_attempts_total",
		Help: "Attempts of probes, by address family and outcome; two families, ten outcomes.",
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
	reportOmitted = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "netlab_report_omitted_labs",
		Help: "Labs missing from the last report because it was full; for them this node counts as unknown.",
	})
	sweeps = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "netlab_sweeps_total",
		Help: "Searches for labs whose deletion was missed, by result; a search with an error removes nothing.",
	}, []string{"result"})
	labsSwept = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "netlab_labs_swept_total",
		Help: "Labs removed after their deletion was missed: the API server has them no more.",
	})
)

// registerAgentMetrics registers once, even if several agents run in this process.
var registerAgentMetrics = sync.OnceFunc(func() {
	metrics.Registry.MustRegister(labsHere, labsLimit, namespacesHere, namespacesLimit, rowsHere, rowsLimit, queueLength, probesFailing,
		neighboursUsed, neighboursReserved, neighboursBudget, neighboursLimit,
		operations, repairs, convergeSeconds, eventResyncs, namespacesHeld,
		probeAttempts, probeRTT, reportWrites, reportOmitted, sweeps, labsSwept)
	labsHere.WithLabelValues(v1alpha1.ReasonRealized)
	cluster.StartAtZero(reportWrites, cluster.ResultOK, cluster.ResultError)
	cluster.StartAtZero(sweeps, cluster.ResultOK, cluster.ResultError)
})

// countReport adds a report to the gauges, or removes it with by = -1.
func countReport(report v1alpha1.LabReport, by float64) {
	labsHere.WithLabelValues(status.ConditionsIn(&report).Realized.Reason).Add(by)
	for _, p := range report.FailingProbes {
		probesFailing.WithLabelValues(p.Reason).Add(by)
	}
}

// opKind is the name of an operation's type: "AddLink".
func opKind(op state.Op) string {
	_, kind, _ := strings.Cut(fmt.Sprintf("%T", op), ".")
	return kind
}

// countOperations counts the applied operations of a plan, and the one that the kernel refused.
func countOperations(ops []state.Op, applied int, err error) {
	for _, op := range ops[:applied] {
		operations.WithLabelValues(opKind(op), cluster.ResultOK).Inc()
	}
	if err != nil && applied < len(ops) {
		operations.WithLabelValues(opKind(ops[applied]), cluster.ResultError).Inc()
	}
}

func countRepairs(ops []state.Op) {
	for _, op := range ops {
		repairs.WithLabelValues(opKind(op)).Inc()
	}
}

// countAttempt is a probe.Observe function.
func countAttempt(spec probe.Spec, rtt time.Duration, outcome probe.Outcome) {
	probeAttempts.WithLabelValues(spec.Family().String(), outcome.String()).Inc()
	if outcome == probe.Reply {
		probeRTT.WithLabelValues(spec.Family().String()).Observe(rtt.Seconds())
	}
}
