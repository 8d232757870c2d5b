// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
)

// LeaseName is the name of the Lease for leader election.
const LeaseName = "netlab-controller"

// agentPodLabels are on every agent's pod.
var agentPodLabels = client.MatchingLabels{"app.kubernetes.io/name": "netlab-agent"}

// Setup adds to a manager made with Cache the controllers that write the status of NetLabs and that keep a
// NetLabNodeState for each Node.
func Setup(mgr manager.Manager) error {
	s := newSummary(mgr.GetClient(), mgr.GetEventRecorder("netlab-controller"))
	registerControllerMetrics()
	collector := &clusterCollector{labs: mgr.GetClient(), agents: s.agents, elected: mgr.Elected()}
	collector.register()
	return errors.Join(s.setup(mgr), setupNodeStates(mgr))
}

func newSummary(c client.Client, recorder events.EventRecorder) *Summary {
	return &Summary{client: c, recorder: recorder, now: time.Now, roster: newRoster(), memory: newMemory()}
}

// setup relies on the order of controller-runtime: every handler has seen the existing objects before the
// first reconcile, so the roster is complete then.
func (s *Summary) setup(mgr manager.Manager) error {
	err := builder.ControllerManagedBy(mgr).
		Named("summary").
		Watches(&v1alpha1.NetLab{}, s.labEvents()).
		Watches(&v1alpha1.NetLabNodeState{}, s.reportEvents()).
		Watches(&corev1.Pod{}, s.podEvents()).
		WatchesMetadata(cluster.NodeMetadata(), s.nodeEvents()).
		WithOptions(controllerOptions()).
		Complete(s)
	if err != nil {
		return fmt.Errorf("set up controller summary: %w", err)
	}
	return nil
}

func setupNodeStates(mgr manager.Manager) error {
	never := predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
	err := builder.ControllerManagedBy(mgr).
		Named("nodestates").
		WatchesMetadata(cluster.NodeMetadata(), &handler.EnqueueRequestForObject{}, builder.WithPredicates(never)).
		Watches(&v1alpha1.NetLabNodeState{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(never)).
		WithOptions(controllerOptions()).
		Complete(&nodeStates{client: mgr.GetClient()})
	if err != nil {
		return fmt.Errorf("set up controller nodestates: %w", err)
	}
	return nil
}

// controllerWorkers is the number of objects reconciled at once: they wait for the API server.
const controllerWorkers = 8

func controllerOptions() controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: controllerWorkers, RateLimiter: cluster.RetryLimiter(), SkipNameValidation: new(true),
	}
}
