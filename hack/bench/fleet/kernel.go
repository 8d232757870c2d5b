// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/netlab-dev/netlab/controllers/state"
)

// lab is what network namespaces are named after.
type lab struct{ namespace, name string }

func labOf(id state.Identity) lab { return lab{id.Namespace, id.Name} }

// plans holds one copy of what each lab wants, for all nodes: a thousand agents compile the same.
type plans struct {
	mu     sync.Mutex
	latest map[state.Identity]state.State
}

func newPlans() *plans { return &plans{latest: map[state.Identity]state.State{}} }

func (p *plans) share(id state.Identity, want state.State) state.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.latest[id]; ok && known.Equal(want) {
		return known
	}
	p.latest[id] = want
	return want
}

// obedientKernel is a kernel in which every plan works: after Edit, the lab is there as it was
// wanted when it was last observed. It exists because a machine of a thousand kernels would not fit
// into one process; what plans do to a kernel is tested elsewhere.
type obedientKernel struct {
	plans *plans

	mu      sync.Mutex
	held    map[state.Identity]state.State
	asked   map[lab]order
	records map[lab][]byte
}

// order is what was wanted of a lab that is not there like that.
type order struct {
	id   state.Identity
	want state.State
}

func newKernel(shared *plans) *obedientKernel {
	return &obedientKernel{
		plans: shared, held: map[state.Identity]state.State{}, asked: map[lab]order{}, records: map[lab][]byte{},
	}
}

// Observe returns the lab, and remembers what was wanted if that differs.
func (k *obedientKernel) Observe(_ context.Context, id state.Identity, want state.State) (state.Observation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	have, ok := k.held[id]
	if !ok {
		have = state.State{}
	}
	if !have.Equal(want) {
		k.asked[labOf(id)] = order{id, want}
	}
	return state.Observation{State: have}, nil
}

// ObserveIn looks at all of the lab, which costs nothing here.
func (k *obedientKernel) ObserveIn(ctx context.Context, id state.Identity, want state.State, last state.Observation, _ []string) (state.Observation, []string, error) {
	found, err := k.Observe(ctx, id, want)
	return found, slices.Concat(slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(last.State))), err
}

// Apply does what was asked of the lab that the operations are about.
func (k *obedientKernel) Edit(_ context.Context, ops []state.Op, _ map[int][]state.Neighbour) (applied int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, op := range ops {
		for _, namespace := range op.Namespaces() {
			if of, name, _, ok := state.SplitNetworkNamespace(namespace); ok {
				k.obey(lab{of, name})
				return len(ops), nil
			}
		}
	}
	return len(ops), nil
}

// Forget does nothing: there are no neighbours.
func (k *obedientKernel) ForgetMACs(context.Context, []string) error       { return nil }
func (k *obedientKernel) ForgetExceptions(context.Context, []string) error { return nil }

func (k *obedientKernel) obey(l lab) {
	asked := k.asked[l]
	delete(k.asked, l)
	if len(asked.want) == 0 {
		delete(k.held, asked.id)
		return
	}
	k.held[asked.id] = k.plans.share(asked.id, asked.want)
}

// Labs lists what is there.
func (k *obedientKernel) Labs(context.Context) ([]state.Identity, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ids := make([]state.Identity, 0, len(k.held))
	for id := range k.held {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b state.Identity) int { return strings.Compare(a.String(), b.String()) })
	return ids, nil
}

// LookupRoute is called only for probes that fail.
func (k *obedientKernel) LookupRoute(context.Context, state.ForwardingQuery) (state.ForwardingDecision, error) {
	return state.ForwardingDecision{}, nil
}

// Unmanaged finds nothing: no other program changes this machine.
func (k *obedientKernel) Unmanaged(context.Context, string) ([]state.Unmanaged, error) {
	return nil, nil
}

// ChangedSettings finds none.
func (k *obedientKernel) ChangedSettings(context.Context, string) ([]state.Unmanaged, error) {
	return nil, nil
}

// Policy finds the kernel's own rules only.
func (k *obedientKernel) Policy(context.Context, string) (state.Policy, error) {
	return state.Policy{}, nil
}

// Neighbours finds none.
func (k *obedientKernel) Neighbours(context.Context, string) ([]state.NeighbourEntry, error) {
	return nil, nil
}

// MACTable has no entries.
func (k *obedientKernel) MACTable(context.Context, string) ([]state.MACEntry, error) {
	return nil, nil
}

// Translations finds none.
func (k *obedientKernel) Translations(context.Context, string) ([]state.Translation, error) {
	return nil, nil
}

// Lock never waits: no other agent is on this machine.
func (k *obedientKernel) Lock(state.Identity) (unlock func(), err error) { return func() {}, nil }

// SaveRecord keeps a note.
func (k *obedientKernel) SaveRecord(id state.Identity, record []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records[labOf(id)] = record
	return nil
}

// LoadRecord returns the note.
func (k *obedientKernel) LoadRecord(id state.Identity) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	record, ok := k.records[labOf(id)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return record, nil
}

// DeleteRecord forgets the note.
func (k *obedientKernel) DeleteRecord(id state.Identity) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.records, labOf(id))
	return nil
}
