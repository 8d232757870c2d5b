// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
)

// enqueue requests a summary of each lab, after the debounce window of one that was just summarized.
func (s *Summary) enqueue(q cluster.WorkQueue, labs []types.NamespacedName) {
	now := s.now()
	for _, lab := range labs {
		request := reconcile.Request{NamespacedName: lab}
		if wait := s.memory.due(lab, now); wait > 0 {
			q.AddAfter(request, wait)
		} else {
			q.Add(request)
		}
	}
}

// enqueueAll requests a summary of every remembered lab. Another one has not been summarized yet, and will
// be.
func (s *Summary) enqueueAll(q cluster.WorkQueue) { s.enqueue(q, s.memory.names()) }

// labEvents enqueues a lab: at once for a new spec, debounced for a new status.
func (s *Summary) labEvents() handler.EventHandler {
	at := handler.EnqueueRequestForObject{}
	return handler.Funcs{
		CreateFunc: at.Create,
		DeleteFunc: at.Delete,
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q cluster.WorkQueue) {
			if cluster.SpecChanged.Update(e) {
				at.Update(ctx, e, q)
				return
			}
			s.enqueue(q, []types.NamespacedName{client.ObjectKeyFromObject(e.ObjectNew)})
		},
	}
}

// reportEvents enqueues the labs whose report from a node has changed, or every lab if another agent
// reports.
func (s *Summary) reportEvents() handler.EventHandler {
	none := v1alpha1.NetLabNodeStateStatus{}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q cluster.WorkQueue) {
			state := e.Object.(*v1alpha1.NetLabNodeState)
			s.roster.setNodeState(state)
			s.enqueueAfter(q, none, state.Status)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q cluster.WorkQueue) {
			before, after := e.ObjectOld.(*v1alpha1.NetLabNodeState), e.ObjectNew.(*v1alpha1.NetLabNodeState)
			s.roster.setNodeState(after)
			s.enqueueAfter(q, before.Status, after.Status)
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			state := e.Object.(*v1alpha1.NetLabNodeState)
			s.roster.deleteNodeState(state.Name)
			s.enqueueAfter(q, state.Status, none)
		},
	}
}

// enqueueAfter enqueues the labs whose report differs between two statuses of a node.
func (s *Summary) enqueueAfter(q cluster.WorkQueue, before, after v1alpha1.NetLabNodeStateStatus) {
	if before.Agent != after.Agent {
		s.enqueueAll(q)
		return
	}
	s.enqueue(q, labsIn(before, after))
}

// podEvents enqueues every lab when an agent's Pod is created, deleted, or changes its readiness.
func (s *Summary) podEvents() handler.EventHandler {
	enter := func(o client.Object, q cluster.WorkQueue) {
		if s.roster.setPod(o.(*corev1.Pod), s.now()) {
			s.enqueueAll(q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q cluster.WorkQueue) { enter(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q cluster.WorkQueue) { enter(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			s.roster.deletePod(e.Object.(*corev1.Pod), s.now())
			s.enqueueAll(q)
		},
	}
}

// nodeEvents enqueues every lab when a Node is created, deleted, or changes its labels.
func (s *Summary) nodeEvents() handler.EventHandler {
	enter := func(o client.Object, q cluster.WorkQueue) {
		if s.roster.setNode(o.(*metav1.PartialObjectMetadata)) {
			s.enqueueAll(q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q cluster.WorkQueue) { enter(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q cluster.WorkQueue) { enter(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			s.roster.deleteNode(e.Object.GetName())
			s.enqueueAll(q)
		},
	}
}
