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

// enqueue asks for a summary of each lab, of one that was summed up a moment ago after a while.
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

// enqueueAll asks for a summary of every lab. One that is not remembered has not been looked at
// yet, and will be.
func (s *Summary) enqueueAll(q cluster.WorkQueue) { s.enqueue(q, s.memory.names()) }

// labEvents enqueues a lab: at once when its spec is new, and like a report when only its status
// is.
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

// reportEvents enqueues the labs that a node reports differently on than before: every lab if
// another agent reports.
func (s *Summary) reportEvents() handler.EventHandler {
	none := v1alpha1.NetLabNodeStateStatus{}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q cluster.WorkQueue) {
			state := e.Object.(*v1alpha1.NetLabNodeState)
			s.roster.enterState(state)
			s.enqueueAfter(q, none, state.Status)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q cluster.WorkQueue) {
			before, after := e.ObjectOld.(*v1alpha1.NetLabNodeState), e.ObjectNew.(*v1alpha1.NetLabNodeState)
			s.roster.enterState(after)
			s.enqueueAfter(q, before.Status, after.Status)
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			state := e.Object.(*v1alpha1.NetLabNodeState)
			s.roster.strikeState(state.Name)
			s.enqueueAfter(q, state.Status, none)
		},
	}
}

// enqueueAfter asks for summaries of the labs that a node's new report is news for.
func (s *Summary) enqueueAfter(q cluster.WorkQueue, before, after v1alpha1.NetLabNodeStateStatus) {
	if before.Agent != after.Agent {
		s.enqueueAll(q)
		return
	}
	s.enqueue(q, labsIn(before, after))
}

// podEvents enqueues every lab when an agent comes, goes, or changes whether it is Ready.
func (s *Summary) podEvents() handler.EventHandler {
	enter := func(o client.Object, q cluster.WorkQueue) {
		if s.roster.enterPod(o.(*corev1.Pod)) {
			s.enqueueAll(q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q cluster.WorkQueue) { enter(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q cluster.WorkQueue) { enter(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			s.roster.strikePod(e.Object.(*corev1.Pod), s.now())
			s.enqueueAll(q)
		},
	}
}

// nodeEvents enqueues every lab when a Node comes, goes, or gets other labels.
func (s *Summary) nodeEvents() handler.EventHandler {
	enter := func(o client.Object, q cluster.WorkQueue) {
		if s.roster.enterNode(o.(*metav1.PartialObjectMetadata)) {
			s.enqueueAll(q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q cluster.WorkQueue) { enter(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q cluster.WorkQueue) { enter(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			s.roster.strikeNode(e.Object.GetName())
			s.enqueueAll(q)
		},
	}
}
