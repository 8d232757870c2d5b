// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// LeaseName is what controllers take turns by.
const LeaseName = "netlab-controller"

// agentPodLabels are on every agent's pod.
var agentPodLabels = client.MatchingLabels{"app.kubernetes.io/name": "netlab-agent"}

// ControllerOptions are what a controller is told once.
type ControllerOptions struct {
	// Namespace is where the agents' pods are.
	Namespace string
}

// ControllerCache limits what a controller's manager keeps in memory: of Nodes their labels, of
// Pods the agents'.
func ControllerCache(namespace string) cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			nodeMetadata(): {Transform: keepLabels},
			&corev1.Pod{}: {
				Namespaces: map[string]cache.Config{namespace: {}},
				Label:      labels.SelectorFromSet(labels.Set(agentPodLabels)),
				Transform:  keepReadiness,
			},
		},
	}
}

// keepReadiness drops all of a pod but where it is and whether it is Ready.
func keepReadiness(o any) (any, error) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return o, nil
	}
	slim := &corev1.Pod{TypeMeta: pod.TypeMeta, ObjectMeta: pod.ObjectMeta}
	slim.ManagedFields, slim.Annotations = nil, nil
	slim.Spec.NodeName = pod.Spec.NodeName
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			slim.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime}}
		}
	}
	return slim, nil
}

// SetupController adds to a manager made with ControllerCache what sums labs up and what keeps a
// NetLabNodeState for each Node.
func SetupController(mgr manager.Manager, options ControllerOptions) error {
	s := &Summary{
		client:    mgr.GetClient(),
		namespace: options.Namespace,
		recorder:  mgr.GetEventRecorder("netlab-controller"),
		now:       time.Now,
		departed:  map[string]departure{},
	}
	return errors.Join(s.setup(mgr), setupNodeStates(mgr))
}

func (s *Summary) setup(mgr manager.Manager) error {
	every := handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, _ client.Object) []reconcile.Request {
		return s.everyLab(ctx)
	})
	err := builder.ControllerManagedBy(mgr).
		Named("summary").
		For(&v1alpha1.NetLab{}).
		Watches(&v1alpha1.NetLabNodeState{}, s.reportEvents()).
		Watches(&corev1.Pod{}, every, builder.WithPredicates(s.podEvents())).
		WatchesMetadata(nodeMetadata(), every, builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WithOptions(controllerOptions()).
		Complete(s)
	if err != nil {
		return fmt.Errorf("set up the summary: %w", err)
	}
	return nil
}

func setupNodeStates(mgr manager.Manager) error {
	never := predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
	err := builder.ControllerManagedBy(mgr).
		Named("nodestates").
		WatchesMetadata(nodeMetadata(), &handler.EnqueueRequestForObject{}, builder.WithPredicates(never)).
		Watches(&v1alpha1.NetLabNodeState{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(never)).
		WithOptions(controllerOptions()).
		Complete(&nodeStates{client: mgr.GetClient()})
	if err != nil {
		return fmt.Errorf("set up the NetLabNodeStates: %w", err)
	}
	return nil
}

func controllerOptions() controller.Options {
	return controller.Options{RateLimiter: retryLimiter(), SkipNameValidation: new(true)}
}

// reportEvents enqueues the labs that a node reports differently on than before.
func (s *Summary) reportEvents() handler.EventHandler {
	none := v1alpha1.NetLabNodeStateStatus{}
	add := func(q workQueue, before, after v1alpha1.NetLabNodeStateStatus) {
		for _, request := range requestsFor(labsIn(before, after)) {
			q.Add(request)
		}
	}
	status := func(o client.Object) v1alpha1.NetLabNodeStateStatus { return o.(*v1alpha1.NetLabNodeState).Status }
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workQueue) {
			add(q, none, status(e.Object))
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workQueue) {
			add(q, status(e.Object), none)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workQueue) {
			before, after := status(e.ObjectOld), status(e.ObjectNew)
			if before.Agent != after.Agent {
				for _, request := range s.everyLab(ctx) {
					q.Add(request)
				}
				return
			}
			add(q, before, after)
		},
	}
}

// podEvents lets those through that change where an agent is or whether it is Ready, and notes
// departures before they are acted on.
func (s *Summary) podEvents() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, after := e.ObjectOld.(*corev1.Pod), e.ObjectNew.(*corev1.Pod)
			was, _ := podReady(before)
			is, _ := podReady(after)
			return was != is || before.Spec.NodeName != after.Spec.NodeName
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			s.departs(e.Object.(*corev1.Pod))
			return true
		},
	}
}
