// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/status"
)

var statusWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "netlab_status_writes_total",
	Help: "Writes of the status of NetLabs to the API server, by result.",
}, []string{"result"})

// resultConflict: the lab was changed or deleted during the write, which changed nothing.
const resultConflict = "conflict"

func countStatusWrite(err error) {
	result := cluster.ResultLabel(err)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		result = resultConflict
	}
	statusWrites.WithLabelValues(result).Inc()
}

var registerControllerMetrics = sync.OnceFunc(func() {
	metrics.Registry.MustRegister(statusWrites)
	cluster.StartAtZero(statusWrites, cluster.ResultOK, resultConflict, cluster.ResultError)
})

// labLabels name a lab. Prometheus sets a label "namespace" on every target, so it is not used here.
var labLabels = []string{"lab_namespace", "lab"}

var (
	labReady = prometheus.NewDesc("netlab_lab_ready",
		"1 if the lab is Ready, else 0, with the reason of Ready; one series for each NetLab of the cluster.",
		append(labLabels, "reason"), nil)
	labNodes = prometheus.NewDesc("netlab_lab_nodes",
		"Selected nodes of the lab, and how many of them are realized, reachable and unknown; four series for each NetLab of the cluster.",
		append(labLabels, "state"), nil)
	labFailingProbes = prometheus.NewDesc("netlab_lab_failing_probes",
		"Probes of the lab that fail on a node; one series for each NetLab of the cluster.",
		labLabels, nil)
	nodesKnown = prometheus.NewDesc("netlab_nodes",
		"Nodes with an agent that reports, and with one that does not (silent): the state of their labs is unknown; two series.",
		[]string{"agent"}, nil)
)

// clusterCollector computes its metrics when they are scraped, so a deleted lab leaves no series. Only the
// leading controller exports them: each lab appears once.
type clusterCollector struct {
	labs    client.Reader
	agents  func() (reporting, silent int)
	elected <-chan struct{}
}

// register replaces the collector of this process. Only tests have an earlier one.
func (c *clusterCollector) register() {
	metrics.Registry.Unregister(c)
	metrics.Registry.MustRegister(c)
}

// Describe implements prometheus.Collector.
func (c *clusterCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{labReady, labNodes, labFailingProbes, nodesKnown} {
		descs <- d
	}
}

// collectTimeout bounds reads from the cache. They take this long only while it stops.
const collectTimeout = 5 * time.Second

// Collect implements prometheus.Collector.
func (c *clusterCollector) Collect(found chan<- prometheus.Metric) {
	select {
	case <-c.elected:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	if err := c.collectLabs(ctx, found); err != nil {
		found <- prometheus.NewInvalidMetric(labReady, err)
	}
	c.collectNodes(found)
}

func (c *clusterCollector) collectLabs(ctx context.Context, found chan<- prometheus.Metric) error {
	var list v1alpha1.NetLabList
	if err := c.labs.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list NetLabs: %w", err)
	}
	for i := range list.Items {
		collectLab(&list.Items[i], found)
	}
	return nil
}

func collectLab(lab *v1alpha1.NetLab, found chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value int32, more ...string) {
		found <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), append([]string{lab.Namespace, lab.Name}, more...)...)
	}
	ready, reason := false, v1alpha1.ReasonPending
	if c := meta.FindStatusCondition(lab.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		ready, reason = c.Status == metav1.ConditionTrue, c.Reason
	}
	gauge(labReady, status.CountTrue(ready), reason)
	nodes := lab.Status.Nodes
	gauge(labNodes, nodes.Selected, "selected")
	gauge(labNodes, nodes.Realized, "realized")
	gauge(labNodes, nodes.Reachable, "reachable")
	gauge(labNodes, nodes.Unknown, "unknown")
	gauge(labFailingProbes, lab.Status.Probes.Failing)
}

func (c *clusterCollector) collectNodes(found chan<- prometheus.Metric) {
	reporting, silent := c.agents()
	found <- prometheus.MustNewConstMetric(nodesKnown, prometheus.GaugeValue, float64(reporting), "reporting")
	found <- prometheus.MustNewConstMetric(nodesKnown, prometheus.GaugeValue, float64(silent), "silent")
}

// agents counts the nodes that have an agent, by whether its report counts.
func (s *Summary) agents() (reporting, silent int) { return s.roster.agents(s.now()) }

func (r *roster) agents(now time.Time) (reporting, silent int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, entry := range r.entries {
		agent := entry.agent(now)
		switch {
		case !entry.node || !agent.present:
		case agent.counts:
			reporting++
		default:
			silent++
		}
	}
	return reporting, silent
}
