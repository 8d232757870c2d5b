// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// DefaultNeighborShare is the part of the node's neighbour table, in percent, that labs may use.
const DefaultNeighborShare = 50

// neighbourBudget admits labs up to a share of the node's neighbour table, which the kernel has once for all its
// network namespaces: a lab that fills it takes it from the node. What a lab needs is known before it is built.
//
// A lab that is on this machine stays, also if the limit is lowered. Of labs that wait, the older one is admitted first.
type neighbourBudget struct {
	// share is in percent; 0 is no limit.
	share int
	use   func(probe.Family) (used, limit int, err error)
	// first returns the labs that the agent finds when it starts.
	first func(ctx context.Context) ([]candidate, error)

	mu       sync.Mutex
	started  bool
	admitted map[state.Identity]lab.NeighbourCount
	// waiting are labs that were refused, or that the agent found when it started and has not reached yet.
	waiting map[state.Identity]candidate
}

// candidate is a lab that wants to be admitted.
type candidate struct {
	id state.Identity
	// arrived is the lab's place among those that came since the agent started, 0 for one that was there.
	arrived int
	created time.Time
	need    lab.NeighbourCount
	// here says that the lab is on this machine.
	here bool
}

// compare puts the older lab first.
func (c candidate) compare(o candidate) int {
	return cmp.Or(cmp.Compare(c.arrived, o.arrived), c.created.Compare(o.created), strings.Compare(c.id.String(), o.id.String()), strings.Compare(string(c.id.Owner), string(o.id.Owner)))
}

func newNeighbourBudget(share int, use func(probe.Family) (used, limit int, err error)) *neighbourBudget {
	return &neighbourBudget{share: share, use: use, admitted: map[state.Identity]lab.NeighbourCount{}, waiting: map[state.Identity]candidate{}}
}

// admit adds a lab, or says why there is no room for it. A lab that is admitted already keeps what it had then.
func (b *neighbourBudget) admit(ctx context.Context, c candidate) (overLimit string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.start(ctx); err != nil {
		return "", err
	}
	if had, here := b.admitted[c.id]; b.share == 0 || within(c.need, lab.NeighbourCount{}) || here && within(c.need, had) {
		b.add(c)
		return "", nil
	}
	budget, limit, err := b.budget()
	if err != nil {
		return "", err
	}
	free := less(budget, b.reserved(c, budget))
	if !within(c.need, free) {
		b.waiting[c.id] = c
		return b.refusal(c.need, budget, limit, free), nil
	}
	b.add(c)
	return "", nil
}

func (b *neighbourBudget) add(c candidate) {
	b.admitted[c.id] = c.need
	delete(b.waiting, c.id)
	b.publish()
}

// start reads the labs that are there when the agent starts, once: until then it is not known how much they need.
func (b *neighbourBudget) start(ctx context.Context) error {
	if b.started || b.first == nil {
		return nil
	}
	found, err := b.first(ctx)
	if err != nil {
		return fmt.Errorf("count the neighbour entries of the labs: %w", err)
	}
	for _, c := range found {
		if c.here {
			b.admitted[c.id] = c.need
		} else {
			b.waiting[c.id] = c
		}
	}
	b.started = true
	return nil
}

// reserved is what the labs need that come before another one: those that are admitted, and older ones that wait and
// have room.
func (b *neighbourBudget) reserved(c candidate, budget lab.NeighbourCount) (sum lab.NeighbourCount) {
	for id, need := range b.admitted {
		if id != c.id {
			sum = plus(sum, need)
		}
	}
	for _, other := range slices.SortedFunc(maps.Values(b.waiting), candidate.compare) {
		if other.compare(c) < 0 && within(plus(sum, other.need), budget) {
			sum = plus(sum, other.need)
		}
	}
	return sum
}

// budget is what labs may use, and the limit of the kernel.
func (b *neighbourBudget) budget() (budget, limit lab.NeighbourCount, err error) {
	_, limit.IPv4, err = b.use(probe.IPv4)
	if err == nil {
		_, limit.IPv6, err = b.use(probe.IPv6)
	}
	return lab.NeighbourCount{IPv4: limit.IPv4 * b.share / 100, IPv6: limit.IPv6 * b.share / 100}, limit, err
}

// refusal names the family that lacks room.
func (b *neighbourBudget) refusal(need, budget, limit, free lab.NeighbourCount) string {
	family, n, has, most, left := v1alpha1.IPv4, need.IPv4, budget.IPv4, limit.IPv4, free.IPv4
	if need.IPv4 <= free.IPv4 {
		family, n, has, most, left = v1alpha1.IPv6, need.IPv6, budget.IPv6, limit.IPv6, free.IPv6
	}
	return fmt.Sprintf("neighbour table: the lab's probes need %d %s entries; the labs of this node may use %d of %d (--neighbor-share=%d), of which %d are free; write neighbors: Static, which needs none",
		n, family, has, most, b.share, max(0, left))
}

// release removes a lab, and returns those that have room now.
func (b *neighbourBudget) release(id state.Identity) (next []types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.admitted, id)
	delete(b.waiting, id)
	b.publish()
	budget, _, err := b.budget()
	for _, c := range slices.SortedFunc(maps.Values(b.waiting), candidate.compare) {
		if err == nil && within(plus(b.reserved(c, budget), c.need), budget) {
			next = append(next, types.NamespacedName{Namespace: c.id.Namespace, Name: c.id.Name})
		}
	}
	return next
}

// withdraw removes a lab that does not want to be admitted any more: it is not to be built here.
func (b *neighbourBudget) withdraw(name types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.waiting, func(id state.Identity, _ candidate) bool {
		return id.Namespace == name.Namespace && id.Name == name.Name
	})
}

func (b *neighbourBudget) publish() {
	sum := lab.NeighbourCount{}
	for _, need := range b.admitted {
		sum = plus(sum, need)
	}
	neighboursReserved.WithLabelValues(probe.IPv4.String()).Set(float64(sum.IPv4))
	neighboursReserved.WithLabelValues(probe.IPv6.String()).Set(float64(sum.IPv6))
}

func within(need, room lab.NeighbourCount) bool {
	return need.IPv4 <= room.IPv4 && need.IPv6 <= room.IPv6
}

func plus(a, b lab.NeighbourCount) lab.NeighbourCount {
	return lab.NeighbourCount{IPv4: a.IPv4 + b.IPv4, IPv6: a.IPv6 + b.IPv6}
}

func less(a, b lab.NeighbourCount) lab.NeighbourCount {
	return lab.NeighbourCount{IPv4: a.IPv4 - b.IPv4, IPv6: a.IPv6 - b.IPv6}
}

// candidates are the labs that select this node, with what they need.
func (a *Agent) candidates(ctx context.Context) ([]candidate, error) {
	var list v1alpha1.NetLabList
	if err := a.client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list NetLabs: %w", err)
	}
	var found []candidate
	for i := range list.Items {
		netlab := &list.Items[i]
		selected, err := a.selected(ctx, netlab)
		compiled, problems := compile(a.identity(netlab), &netlab.Spec, a.compileOptions())
		if err == nil && selected && len(problems) == 0 {
			found = append(found, a.candidate(netlab, compiled))
		}
	}
	return found, nil
}

// admit reserves what a lab needs of this machine, or names the limit that it would exceed. Labs are admitted in the
// order in which they came.
func (a *Agent) admit(ctx context.Context, netlab *v1alpha1.NetLab, compiled *lab.Lab) (overLimit string, err error) {
	a.admission.Lock()
	defer a.admission.Unlock()
	if err := a.admitEarlier(ctx, compiled.Identity); err != nil {
		return "", err
	}
	a.arrivals.decide(compiled.Identity)
	return a.decide(ctx, netlab, compiled)
}

func (a *Agent) decide(ctx context.Context, netlab *v1alpha1.NetLab, compiled *lab.Lab) (overLimit string, err error) {
	c := a.candidate(netlab, compiled)
	if overLimit, err = a.neighbours.admit(ctx, c); overLimit != "" || err != nil {
		return overLimit, err
	}
	if overLimit = a.capacity.reserve(compiled.Identity, len(compiled.Want), compiled.Want.Rows()); overLimit != "" && !c.here {
		a.neighbours.release(c.id)
	}
	return overLimit, nil
}

func (a *Agent) candidate(netlab *v1alpha1.NetLab, compiled *lab.Lab) candidate {
	return candidate{compiled.Identity, a.arrivals.of(compiled.Identity), netlab.CreationTimestamp.Time, compiled.Neighbours, a.capacity.has(compiled.Identity)}
}

// exportNeighbours keeps the gauges of the neighbour table up to date until ctx ends.
func (a *Agent) exportNeighbours(ctx context.Context) error {
	for {
		for _, family := range []probe.Family{probe.IPv4, probe.IPv6} {
			used, limit, err := a.neighbours.use(family)
			if err != nil {
				logf.FromContext(ctx).Error(err, "Failed to read the neighbour table")
				continue
			}
			neighboursUsed.WithLabelValues(family.String()).Set(float64(used))
			neighboursLimit.WithLabelValues(family.String()).Set(float64(limit))
			neighboursBudget.WithLabelValues(family.String()).Set(float64(limit * a.NeighborShare / 100))
		}
		if !wait(ctx, nil, a.ComparePeriod) {
			return nil
		}
	}
}
