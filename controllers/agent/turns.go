// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/controllers/cluster"
)

const (
	// largeRows is the number of rows from which a lab is large: it takes more than a tenth of a second to build.
	largeRows = 4000
	// turnLength is the time for which a large lab may be changed while another namespace's waits.
	turnLength = time.Second
)

// errInterrupted ends a change of a lab between two operations.
var errInterrupted = errors.New("interrupted between two operations")

// turns is the agent's work queue. It is a workqueue.TypedInterface: a lab is reconciled once at a time, and once
// more if it is added meanwhile. Namespaces of the cluster take turns:
//
//   - The next worker goes to the namespace that has used the least time, of those with a lab that waits.
//   - One worker at most reconciles a large lab, so that the plan of one such lab is in memory.
//   - One namespace leaves a worker to the others.
//   - A large lab is changed for a second; then another namespace's goes on.
type turns struct {
	workers int
	large   func(reconcile.Request) bool

	mu      sync.Mutex
	changed *sync.Cond
	tenants map[string]*tenant
	queued  map[reconcile.Request]bool
	running map[reconcile.Request]*run
	// added counts requests, so that the oldest comes first of two that are equal otherwise.
	added int
	// used is what the namespace that was last served had used: one that comes back has no more credit than that.
	used    time.Duration
	stopped bool
	drained bool
}

// tenant is a namespace of the cluster with labs that wait or are reconciled.
type tenant struct {
	waiting []waiting
	running int
	used    time.Duration
}

type waiting struct {
	request reconcile.Request
	since   int
}

// run is a reconcile under way.
type run struct {
	started time.Time
	large   bool
	// again: the lab was added meanwhile.
	again bool
	// until is the end of its turn, and cancel interrupts it; zero unless it changes the lab.
	until  time.Time
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func newTurns(workers int, large func(reconcile.Request) bool) *turns {
	t := &turns{
		workers: workers, large: large, tenants: map[string]*tenant{},
		queued: map[reconcile.Request]bool{}, running: map[reconcile.Request]*run{},
	}
	t.changed = sync.NewCond(&t.mu)
	return t
}

// newQueue is a controller's NewQueue.
func (t *turns) newQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) cluster.WorkQueue {
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
		Name: name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{
			Name: name, Queue: t,
		}),
	})
}

// Add implements workqueue.TypedInterface.
func (t *turns) Add(request reconcile.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if r := t.running[request]; r != nil {
		r.again = true
		return
	}
	t.push(request)
}

// push is called with the lock held.
func (t *turns) push(request reconcile.Request) {
	if t.queued[request] {
		return
	}
	t.queued[request] = true
	own := t.tenant(request.Namespace)
	t.added++
	own.waiting = append(own.waiting, waiting{request, t.added})
	t.measure()
	t.preempt()
	t.changed.Broadcast()
}

func (t *turns) tenant(namespace string) *tenant {
	own := t.tenants[namespace]
	if own == nil {
		own = &tenant{used: t.used}
		t.tenants[namespace] = own
	}
	return own
}

// Get implements workqueue.TypedInterface.
func (t *turns) Get() (request reconcile.Request, shutdown bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if own, at := t.next(); own != nil {
			return t.start(own, at), false
		}
		if t.stopped && (!t.drained || len(t.queued) == 0) {
			return reconcile.Request{}, true
		}
		t.changed.Wait()
	}
}

// next is the request to start now, by its tenant and place; nil if none may start.
func (t *turns) next() (best *tenant, at int) {
	for _, own := range t.tenants {
		i := t.first(own)
		if i >= 0 && (best == nil || own.before(i, best, at)) {
			best, at = own, i
		}
	}
	return best, at
}

// first is the place of the tenant's first request that may start, -1 if there is none.
func (t *turns) first(own *tenant) int {
	if own.running >= max(1, t.workers-1) {
		return -1
	}
	busy := t.largeRunning() != nil
	for i, w := range own.waiting {
		if !busy || !t.large(w.request) {
			return i
		}
	}
	return -1
}

func (own *tenant) before(i int, other *tenant, j int) bool {
	if own.used != other.used {
		return own.used < other.used
	}
	return own.waiting[i].since < other.waiting[j].since
}

func (t *turns) largeRunning() *run {
	for _, r := range t.running {
		if r.large {
			return r
		}
	}
	return nil
}

func (t *turns) start(own *tenant, at int) reconcile.Request {
	request := own.waiting[at].request
	own.waiting = append(own.waiting[:at], own.waiting[at+1:]...)
	own.running++
	t.used = max(t.used, own.used)
	delete(t.queued, request)
	t.running[request] = &run{started: time.Now(), large: t.large(request)}
	t.measure()
	return request
}

// Done implements workqueue.TypedInterface.
func (t *turns) Done(request reconcile.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.running[request]
	if r == nil {
		return
	}
	delete(t.running, request)
	own := t.tenant(request.Namespace)
	own.running--
	own.used += time.Since(r.started)
	if r.again {
		t.push(request)
	}
	if own.running == 0 && len(own.waiting) == 0 {
		delete(t.tenants, request.Namespace)
	}
	t.changed.Broadcast()
}

// Len implements workqueue.TypedInterface.
func (t *turns) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queued)
}

// busy reports whether small labs wait.
func (t *turns) busy() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for request := range t.queued {
		if !t.large(request) {
			return true
		}
	}
	return false
}

// ShutDown implements workqueue.TypedInterface.
func (t *turns) ShutDown() { t.shutDown(false) }

// ShutDownWithDrain implements workqueue.TypedInterface.
func (t *turns) ShutDownWithDrain() { t.shutDown(true) }

func (t *turns) shutDown(drain bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped, t.drained = true, drain
	t.changed.Broadcast()
	for drain && len(t.queued)+len(t.running) > 0 && t.drained {
		t.changed.Wait()
	}
}

// ShuttingDown implements workqueue.TypedInterface.
func (t *turns) ShuttingDown() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped
}

// begin starts the change of a lab. Its context is cancelled at the end of the turn, if a large lab of another
// namespace waits, and when the lab itself is edited or deleted.
func (t *turns) begin(ctx context.Context, request reconcile.Request) (turn context.Context, end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.running[request]
	if r == nil || !r.large {
		return ctx, func() {}
	}
	turn, r.cancel = context.WithCancelCause(ctx)
	r.until = time.Now().Add(turnLength)
	r.timer = time.AfterFunc(turnLength, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if r.cancel != nil {
			t.preempt()
			r.timer.Reset(turnLength)
		}
	})
	return turn, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		r.timer.Stop()
		r.cancel(nil)
		r.cancel = nil
	}
}

// preempt ends turns of which another namespace is next. It is called with the lock held.
func (t *turns) preempt() {
	for request, r := range t.running {
		if r.cancel != nil && !time.Now().Before(r.until) && t.largeWaits(t.tenant(request.Namespace), time.Since(r.started)) {
			r.cancel(errInterrupted)
		}
	}
}

// largeWaits reports whether a large lab waits of a namespace that has used less than another, which is using some.
func (t *turns) largeWaits(own *tenant, using time.Duration) bool {
	for request := range t.queued {
		if other := t.tenant(request.Namespace); other != own && other.used < own.used+using && t.large(request) {
			return true
		}
	}
	return false
}

// interrupt ends the change of a lab whose description is no longer what is being built.
func (t *turns) interrupt(request reconcile.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.running[request]; r != nil && r.cancel != nil {
		r.cancel(errInterrupted)
	}
}

// measure is called with the lock held.
func (t *turns) measure() { queueLength.Set(float64(len(t.queued))) }

// sizes has the numbers of rows of labs: as counted when they are compiled, estimated before.
type sizes struct {
	mu   sync.Mutex
	rows map[reconcile.Request]int
}

func newSizes() *sizes { return &sizes{rows: map[reconcile.Request]int{}} }

func (s *sizes) set(request reconcile.Request, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[request] = rows
}

func (s *sizes) forget(request reconcile.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, request)
}

func (s *sizes) of(request reconcile.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[request]
}

func (s *sizes) large(request reconcile.Request) bool { return s.of(request) >= largeRows }
