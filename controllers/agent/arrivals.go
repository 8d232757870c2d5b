// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/controllers/state"
)

// arrivals has the order in which the API server told of new labs. A watch has the same order on every node, and
// reconciles have not: with admission in this order, nodes with the same limits admit the same labs.
type arrivals struct {
	mu   sync.Mutex
	last int
	// number is a lab's place in the order. Labs that the agent found when it started have none.
	number map[state.Identity]int
	// undecided are labs for whose admission nobody has asked yet.
	undecided map[state.Identity]bool
}

func newArrivals() *arrivals {
	return &arrivals{number: map[state.Identity]int{}, undecided: map[state.Identity]bool{}}
}

func (a *arrivals) add(id state.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.number[id], a.undecided[id] = a.last, true
}

func (a *arrivals) forget(id state.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.number, id)
	delete(a.undecided, id)
}

func (a *arrivals) decide(id state.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.undecided, id)
}

// of is a lab's place, 0 without one: before all that have one.
func (a *arrivals) of(id state.Identity) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.number[id]
}

// before are the undecided labs that came before another one, the first of them first.
func (a *arrivals) before(id state.Identity) (earlier []state.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for other := range a.undecided {
		if a.number[other] < a.number[id] {
			earlier = append(earlier, other)
		}
	}
	slices.SortFunc(earlier, func(x, y state.Identity) int { return cmp.Compare(a.number[x], a.number[y]) })
	return earlier
}

// admitEarlier decides about labs that came before another one, and whose reconciles come later. A large lab would make
// the others wait until it is compiled: it is decided in its own turn.
func (a *Agent) admitEarlier(ctx context.Context, id state.Identity) error {
	for _, other := range a.arrivals.before(id) {
		if a.sizes.large(requestFor(other)) {
			continue
		}
		if err := a.decideNow(ctx, other); err != nil {
			return err
		}
		a.arrivals.decide(other)
	}
	return nil
}

// decideNow decides about a lab as it is in the cache.
func (a *Agent) decideNow(ctx context.Context, id state.Identity) error {
	netlab, err := a.find(ctx, nameOf(id))
	if err != nil || netlab == nil || a.identity(netlab) != id || netlab.Spec.Suspend {
		return err
	}
	if selected, err := a.selected(ctx, netlab); err != nil || !selected {
		return err
	}
	if compiled, problems := compile(id, &netlab.Spec, a.compileOptions()); len(problems) == 0 {
		_, err = a.decide(ctx, netlab, compiled)
	}
	return err
}

func requestFor(id state.Identity) reconcile.Request {
	return reconcile.Request{NamespacedName: nameOf(id)}
}
