// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// rewatchPause is the time between two attempts to open the watch.
const rewatchPause = time.Second

// queue is the agent's work queue. It exists once the controller has started. Nothing needs to be added
// before: the controller begins with every lab.
type queue struct {
	mu sync.Mutex
	q  cluster.WorkQueue
}

// open is a source.Func.
func (q *queue) open(_ context.Context, opened cluster.WorkQueue) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.q = opened
	opened.Add(heartbeat)
	return nil
}

// addAfter enqueues a lab. Requests for one lab before it is due are merged.
func (q *queue) addAfter(lab types.NamespacedName, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.q != nil {
		q.q.AddAfter(reconcile.Request{NamespacedName: lab}, delay)
	}
}

// watchKernel turns kernel events into requests until ctx ends. Events are hints: after a possible loss,
// every lab is compared.
func (a *Agent) watchKernel(ctx context.Context) error {
	for ctx.Err() == nil {
		changes, err := a.Machine.Watch(ctx)
		if err != nil {
			logf.FromContext(ctx).Error(err, "Failed to watch kernel events; trying again")
		} else {
			a.compareAll(ctx)
			a.relay(ctx, changes)
		}
		wait(ctx, nil, rewatchPause)
	}
	return nil
}

func (a *Agent) relay(ctx context.Context, changes <-chan string) {
	for namespace := range changes {
		if namespace == "" {
			eventResyncs.Inc()
			a.compareAll(ctx)
			continue
		}
		if lab, ok := a.Touch(namespace); ok {
			a.queue.addAfter(lab, a.EventDelay)
		}
	}
}

// Touch notes that something may have changed in a network namespace: the next inspection of the lab, if it is one's,
// looks there, and its probes ask after that.
func (a *Agent) Touch(namespace string) (lab types.NamespacedName, ok bool) {
	ns, name, _, ok := state.SplitNetworkNamespace(namespace)
	if lab = (types.NamespacedName{Namespace: ns, Name: name}); ok {
		a.known.touch(lab, namespace)
		a.disturbed.add(lab.String())
	}
	return lab, ok
}

// compareAll enqueues every lab.
func (a *Agent) compareAll(ctx context.Context) {
	names, err := a.labNames(ctx)
	if err != nil {
		logf.FromContext(ctx).Error(err, "Failed to enqueue every lab; the next periodic comparison will find differences")
		return
	}
	a.known.touchAll(names...)
	for _, name := range names {
		a.queue.addAfter(name, a.EventDelay)
	}
}

func (a *Agent) labNames(ctx context.Context) ([]types.NamespacedName, error) {
	var list v1alpha1.NetLabList
	if err := a.client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list NetLabs: %w", err)
	}
	return namesOf(list.Items), nil
}

func namesOf(labs []v1alpha1.NetLab) []types.NamespacedName {
	names := make([]types.NamespacedName, len(labs))
	for i := range labs {
		names[i] = client.ObjectKeyFromObject(&labs[i])
	}
	return names
}

// labEvents enqueues labs. Only a received delete event proves that a lab is deleted. If the informer
// missed the event and found the lab missing, the sweep decides.
func (a *Agent) labEvents(sweep func()) handler.EventHandler {
	enqueue := handler.EnqueueRequestForObject{}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q cluster.WorkQueue) {
			a.measure(e.Object)
			if !e.IsInInitialList {
				a.arrivals.add(a.identity(e.Object))
			}
			enqueue.Create(ctx, e, q)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q cluster.WorkQueue) {
			a.measure(e.ObjectNew)
			enqueue.Update(ctx, e, q)
			a.turns.interrupt(requestOf(e.ObjectNew))
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			if e.DeleteStateUnknown {
				sweep()
			} else {
				a.capacity.markDeleted(a.identity(e.Object))
			}
			a.arrivals.forget(a.identity(e.Object))
			enqueue.Delete(ctx, e, q)
			a.turns.interrupt(requestOf(e.Object))
		},
	}
}

func requestOf(lab client.Object) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(lab)}
}

// measure estimates how large a lab is, until it is compiled.
func (a *Agent) measure(object client.Object) {
	if netlab, ok := object.(*v1alpha1.NetLab); ok {
		a.sizes.set(requestOf(netlab), lab.EstimateRows(&netlab.Spec))
	}
}

// allLabs enqueues every lab on any event.
func (a *Agent) allLabs(ctx context.Context, _ client.Object) []reconcile.Request {
	names, err := a.labNames(ctx)
	if err != nil {
		logf.FromContext(ctx).Error(err, "Failed to enqueue every lab; the next periodic comparison will find differences")
	}
	return requestsFor(names)
}

func requestsFor(names []types.NamespacedName) []reconcile.Request {
	requests := make([]reconcile.Request, len(names))
	for i, name := range names {
		requests[i] = reconcile.Request{NamespacedName: name}
	}
	return requests
}

// subscriptions knows the network namespaces whose changes Watch reports.
type subscriptions struct {
	follow func(namespace string) error

	mu         sync.Mutex
	namespaces map[state.Identity]map[string]bool
}

func newSubscriptions(follow func(string) error) *subscriptions {
	return &subscriptions{follow: follow, namespaces: map[state.Identity]map[string]bool{}}
}

// add subscribes to the lab's namespaces that are new or were created again, and returns them: earlier changes in them
// have no event, so the caller inspects the lab again. The next inspection retries a subscription that failed.
func (f *subscriptions) add(id state.Identity, out converge.Outcome) (added []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.namespaces[id]
	if known == nil {
		known = map[string]bool{}
		f.namespaces[id] = known
	}
	for _, op := range out.Applied {
		if made, ok := op.(state.CreateNamespace); ok {
			delete(known, made.Name)
		}
	}
	for name, ns := range out.State {
		if ns.Mounted && !known[name] && f.follow(name) == nil {
			known[name] = true
			added = append(added, name)
		}
	}
	return added
}

func (f *subscriptions) forget(id state.Identity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.namespaces, id)
}
