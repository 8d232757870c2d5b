// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// labRequest is a request for namespace/name. A name with "large" in it is that of a large lab.
func labRequest(name string) reconcile.Request {
	namespace, name, _ := strings.Cut(name, "/")
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

func isLarge(r reconcile.Request) bool { return strings.Contains(r.Name, "large") }

// serve reconciles with some workers until the test ends. Reconciles of large labs take 10 s, others 100 ms, unless
// they are interrupted. It returns the order in which they started.
func serve(t *turns, workers int) func() []string {
	var mu sync.Mutex
	var order []string
	for range workers {
		go func() {
			for {
				request, stopped := t.Get()
				if stopped {
					return
				}
				mu.Lock()
				order = append(order, request.String())
				mu.Unlock()
				work(t, request)
				t.Done(request)
			}
		}()
	}
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return order
	}
}

func work(t *turns, request reconcile.Request) {
	length := 100 * time.Millisecond
	if isLarge(request) {
		length = 10 * time.Second
	}
	turn, end := t.begin(context.Background(), request)
	defer end()
	select {
	case <-turn.Done():
		t.Add(request)
	case <-time.After(length):
	}
}

// While one namespace has more to do than the workers can, the lab of another one waits for no more than one
// reconcile of a small lab.
func TestANamespaceDoesNotDelayAnother(t *testing.T) {
	for _, crowd := range []string{"a/small", "a/large"} {
		synctest.Test(t, func(t *testing.T) {
			q := newTurns(3, isLarge)
			defer time.Sleep(time.Hour) // until the workers have ended
			defer q.ShutDown()
			for i := range 100 {
				q.Add(labRequest(fmt.Sprintf("%s%d", crowd, i)))
			}
			started := serve(q, 3)
			for i := range 20 {
				time.Sleep(70 * time.Millisecond)
				name := fmt.Sprintf("b/repair%d", i)
				q.Add(labRequest(name))
				time.Sleep(101 * time.Millisecond)
				if order := started(); !strings.Contains(strings.Join(order, " "), name) {
					t.Fatalf("behind %s, %s has not started after 101 ms; started are %v", crowd, name, order)
				}
			}
		})
	}
}

// Large labs of two namespaces take turns. One is not interrupted while no other waits.
func TestLargeLabsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(3, isLarge)
		defer time.Sleep(time.Hour)
		defer q.ShutDown()
		started := serve(q, 3)
		q.Add(labRequest("a/large1"))
		time.Sleep(5 * time.Second)
		if got := started(); len(got) != 1 {
			t.Fatalf("alone, a/large1 was interrupted: %v", got)
		}
		q.Add(labRequest("a/large2"))
		q.Add(labRequest("b/large"))
		time.Sleep(4500 * time.Millisecond)
		if got := fmt.Sprint(started()); got != "[a/large1 b/large]" {
			t.Errorf("b has used less time than a, and started are %s", got)
		}
		time.Sleep(5 * time.Second)
		if got := fmt.Sprint(started()); got != "[a/large1 b/large a/large2 b/large]" {
			t.Errorf("started are %s", got)
		}
	})
}

// An edit ends the change of a large lab that is out of date now.
func TestAnEditInterruptsTheChangeOfALargeLab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(3, isLarge)
		defer q.ShutDown()
		q.Add(labRequest("a/large"))
		request, _ := q.Get()
		turn, end := q.begin(t.Context(), request)
		q.Add(request)
		q.interrupt(request)
		if !errors.Is(context.Cause(turn), errInterrupted) {
			t.Errorf("the cause is %v", context.Cause(turn))
		}
		end()
		q.Done(request)
		if again, _ := q.Get(); again != request {
			t.Errorf("the edited lab is not next, but %v", again)
		}
	})
}

// Whatever happens: a lab is reconciled once at a time and once more after each request, at most one large lab and at
// most all workers but one for a namespace.
func TestTurnsKeepTheirPromisesInRandomOrders(t *testing.T) {
	for seed := range uint64(200) {
		g := rand.New(rand.NewPCG(seed, 1))
		w := &turnsWalk{T: t, q: newTurns(2+g.IntN(4), isLarge), owed: map[reconcile.Request]bool{}, running: map[reconcile.Request]bool{}}
		for range 300 {
			w.step(g)
		}
		for len(w.owed)+len(w.running) > 0 {
			w.get()
			w.done()
		}
		w.q.ShutDown()
		if _, stopped := w.q.Get(); !stopped {
			t.Fatal("a request nobody made")
		}
	}
}

type turnsWalk struct {
	*testing.T
	q *turns
	// owed are requested since their last start.
	owed, running map[reconcile.Request]bool
}

func (w *turnsWalk) step(g *rand.Rand) {
	switch g.IntN(3) {
	case 0:
		request := labRequest(fmt.Sprintf("%d/%s%d", g.IntN(3), []string{"small", "large"}[g.IntN(2)], g.IntN(3)))
		w.q.Add(request)
		w.owed[request] = true
	case 1:
		w.get()
	case 2:
		w.done()
	}
}

// get starts a request if one may start, and fails if none may although a worker is free for one.
func (w *turnsWalk) get() {
	large, inNamespace := 0, map[string]int{}
	for request := range w.running {
		inNamespace[request.Namespace]++
		if isLarge(request) {
			large++
		}
	}
	may := func(r reconcile.Request) bool {
		return w.owed[r] && !w.running[r] && (!isLarge(r) || large == 0) && inNamespace[r.Namespace] < max(1, w.q.workers-1)
	}
	possible := false
	for request := range w.owed {
		possible = possible || may(request)
	}
	w.q.mu.Lock()
	own, _ := w.q.next()
	w.q.mu.Unlock()
	if (own != nil) != possible {
		w.Fatalf("running %v, owed %v: a request may start is %t, want %t", w.running, w.owed, own != nil, possible)
	}
	if len(w.running) == w.q.workers || !possible {
		return
	}
	request, _ := w.q.Get()
	if !may(request) {
		w.Fatalf("running %v, owed %v: %v started", w.running, w.owed, request)
	}
	delete(w.owed, request)
	w.running[request] = true
}

func (w *turnsWalk) done() {
	for request := range w.running {
		w.q.Done(request)
		delete(w.running, request)
		return
	}
}

// A queue that is shut down hands out what it has, and nothing more.
func TestShutDownEndsTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(2, isLarge)
		started := serve(q, 2)
		for i := range 5 {
			q.Add(labRequest(fmt.Sprintf("%d/x", i)))
		}
		q.ShutDownWithDrain()
		q.Add(labRequest("late/x"))
		if got := started(); len(got) != 5 || !q.ShuttingDown() || q.Len() != 0 {
			t.Errorf("started are %v", got)
		}
	})
}

// What is interrupted is reported as progress, enqueued again and finished.
func TestAnInterruptedLabIsFinishedLater(t *testing.T) {
	b := newBench(t, nil)
	waiting := newTestQueue(t)
	b.queue.q = waiting
	request := reconcile.Request{NamespacedName: benchName}
	b.sizes.set(request, largeRows)
	b.turns.Add(request)
	b.turns.Get()
	performed := 0
	b.kernel.FailOn(func(state.Op) error {
		if performed++; performed == 5 {
			b.turns.interrupt(request)
		}
		return nil
	})
	b.mustReconcile()
	report := b.reporter.labs[benchName]
	if got := status.ConditionsIn(&report).Realized; got.Reason != v1alpha1.ReasonProgressing || performed != 5 {
		t.Errorf("after %d operations, Realized is %+v", performed, got)
	}
	if waiting.Len() != 1 {
		t.Errorf("%d requests wait", waiting.Len())
	}
	b.mustReconcile()
	report = b.reporter.labs[benchName]
	if report.Ready == "" && status.ConditionsIn(&report).Realized.Status != "True" {
		t.Errorf("the report is %+v", report)
	}
}
