// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// rewatchPause keeps a watch that cannot be opened from being tried in a loop.
const rewatchPause = time.Second

// queue is the agent's work queue, which exists once its controller has started. Until then
// nothing needs to be added: every lab is looked at first thing.
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

// busy reports whether labs wait to be looked at now.
func (q *queue) busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.q != nil && q.q.Len() > 0
}

// addAfter asks for a look at a lab. Requests for one lab that come before it is due are one.
func (q *queue) addAfter(lab types.NamespacedName, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.q != nil {
		q.q.AddAfter(reconcile.Request{NamespacedName: lab}, delay)
	}
}

// watchKernel turns kernel events into requests until ctx ends. They are hints: whenever some
// may have been lost, every lab is compared.
func (a *Agent) watchKernel(ctx context.Context) error {
	for ctx.Err() == nil {
		changes, err := a.Machine.Watch(ctx)
		if err != nil {
			logf.FromContext(ctx).Error(err, "Kernel events cannot be read")
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
		if ns, lab, _, ok := state.SplitNetworkNamespace(namespace); ok {
			a.queue.addAfter(types.NamespacedName{Namespace: ns, Name: lab}, a.EventDelay)
		}
	}
}

// compareAll asks for a look at every lab.
func (a *Agent) compareAll(ctx context.Context) {
	names, err := a.labNames(ctx)
	if err != nil {
		logf.FromContext(ctx).Error(err, "Labs will be compared later")
		return
	}
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

// labEvents enqueues labs. Only a delete event that was really received proves that a lab is
// deleted; where it was missed and the informer found the lab missing, the sweep makes sure.
func (a *Agent) labEvents(sweep func()) handler.EventHandler {
	enqueue := handler.EnqueueRequestForObject{}
	return handler.Funcs{
		CreateFunc: enqueue.Create,
		UpdateFunc: enqueue.Update,
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q cluster.WorkQueue) {
			if e.DeleteStateUnknown {
				sweep()
			} else {
				a.ledger.condemn(a.identity(e.Object))
			}
			enqueue.Delete(ctx, e, q)
		},
	}
}

// allLabs enqueues every lab, whatever the event.
func (a *Agent) allLabs(ctx context.Context, _ client.Object) []reconcile.Request {
	names, err := a.labNames(ctx)
	if err != nil {
		logf.FromContext(ctx).Error(err, "Labs will be compared later")
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

// following knows of which network namespaces changes arrive.
type following struct {
	follow func(namespace string) error

	mu         sync.Mutex
	namespaces map[state.Identity]map[string]bool
}

func newFollowing(follow func(string) error) *following {
	return &following{follow: follow, namespaces: map[state.Identity]map[string]bool{}}
}

// add follows the lab's namespaces that are not followed yet, or have been made anew since. It
// reports whether there were any: what changed in them before is not told, so the caller looks
// again. One that cannot be followed is tried again by the next look.
func (f *following) add(id state.Identity, out converge.Outcome) (any bool) {
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
			known[name], any = true, true
		}
	}
	return any
}

func (f *following) forget(id state.Identity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.namespaces, id)
}

// maxOpsTold is how many operations a Kubernetes Event lists.
const maxOpsTold = 3

// tellRepairs returns a function that writes a Kubernetes Event about what was put back.
func tellRepairs(recorder events.EventRecorder, node string) func(*v1alpha1.NetLab, []state.Op) {
	return func(lab *v1alpha1.NetLab, ops []state.Op) {
		var told []string
		for op := range slices.Values(ops[:min(len(ops), maxOpsTold)]) {
			told = append(told, op.String())
		}
		if more := len(ops) - len(told); more > 0 {
			told = append(told, fmt.Sprintf("and %d more", more))
		}
		recorder.Eventf(lab, nil, corev1.EventTypeNormal, "Repaired", "Repair", "%s", status.Note(node+": "+strings.Join(told, "; ")))
	}
}
