// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel is a machine's kernel. Its methods may be called by several goroutines.
type Kernel struct {
	mu           sync.Mutex
	state        state.State
	dead         map[leg]bool
	index        map[state.LinkID]int
	lastIndex    int
	switches     switches
	conflicts    []state.Conflict
	settling     []state.LinkID
	blocked      []state.LinkID
	failOn       func(state.Op) error
	observing    error
	looks        int
	looksIn      []string
	applied      []state.Op
	watchers     map[*watcher]bool
	others       map[string][]state.Unmanaged
	tables       map[string][]state.TableRoute
	neighbours   map[string][]state.NeighbourEntry
	translations map[string][]state.Translation
	macTables    map[string][]state.MACEntry
	records      map[string][]byte
	locks        map[string]chan struct{}
}

// New returns the kernel of an empty machine.
func New() *Kernel {
	return &Kernel{
		state:        state.State{},
		dead:         map[leg]bool{},
		index:        map[state.LinkID]int{},
		switches:     newSwitches(),
		watchers:     map[*watcher]bool{},
		others:       map[string][]state.Unmanaged{},
		tables:       map[string][]state.TableRoute{},
		neighbours:   map[string][]state.NeighbourEntry{},
		translations: map[string][]state.Translation{},
		macTables:    map[string][]state.MACEntry{},
		records:      map[string][]byte{},
		locks:        map[string]chan struct{}{},
	}
}

// OpError is an operation the kernel refused.
type OpError struct {
	Op  state.Op
	Err error
}

// Error is the operation as an ip command and the kernel's reason.
func (e *OpError) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }

// Unwrap returns the kernel's reason, a syscall.Errno unless FailOn gave another.
func (e *OpError) Unwrap() error { return e.Err }

// ForgetExceptions does nothing: nobody here learns any.
func (k *Kernel) ForgetExceptions(ctx context.Context, _ []string) error { return ctx.Err() }

// ForgetMACs does nothing: no bridge here learns any.
func (k *Kernel) ForgetMACs(ctx context.Context, _ []string) error { return ctx.Err() }

// Edit is Apply: nobody here remembers a neighbour.
func (k *Kernel) Edit(ctx context.Context, ops []state.Op, _ map[int][]state.Neighbour) (applied int, err error) {
	return k.Apply(ctx, ops)
}

// Apply does the operations in order and stops at the first that fails.
func (k *Kernel) Apply(ctx context.Context, ops []state.Op) (applied int, err error) {
	for i, op := range ops {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		if err := k.applyOne(op); err != nil {
			return i, &OpError{Op: op, Err: err}
		}
	}
	return len(ops), nil
}

func (k *Kernel) applyOne(op state.Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failOn != nil {
		if err := k.failOn(op); err != nil {
			return err
		}
	}
	halves := state.Halves([]state.Op{op})
	if err := k.refuse(op); err != nil {
		return err
	}
	for _, half := range halves {
		if err := k.refuse(half); err != nil {
			return err
		}
		k.become(k.after(half))
	}
	k.applied = append(k.applied, op)
	k.notify(op.Namespaces()...)
	return nil
}

// become makes next the machine's state. Links that were not there get new indexes.
func (k *Kernel) become(next state.State) {
	for id := range k.index {
		if _, there := next.Link(id); !there {
			delete(k.index, id)
		}
	}
	for id := range next.Links() {
		if _, known := k.index[id]; !known {
			k.lastIndex++
			k.index[id] = k.lastIndex
		}
	}
	k.state = next
}

// FailOn lets decide refuse operations before the kernel sees them; nil ends that. It runs
// under the kernel's lock and must not call its methods.
func (k *Kernel) FailOn(decide func(state.Op) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failOn = decide
}

// FailObserve makes every Observe fail with err until it is called with nil.
func (k *Kernel) FailObserve(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.observing = err
}

// Mutate changes the machine from outside, as somebody with ip would. It counts as no
// write, and is announced to those who watch.
func (k *Kernel) Mutate(change func(state.State)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.state.Clone()
	change(next)
	changed := namespacesThatDiffer(k.state, next)
	k.become(next)
	k.notify(changed...)
}

// State returns a copy of everything the machine holds.
func (k *Kernel) State() state.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.Clone()
}

// Writes counts the operations done, also those that found nothing left to do.
func (k *Kernel) Writes() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.applied)
}

// Applied returns the operations done, in order.
func (k *Kernel) Applied() []state.Op {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.applied)
}

// ForgetWrites sets Writes and Applied back to nothing.
func (k *Kernel) ForgetWrites() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.applied = nil
}

// PlantConflict gives a name that a lab needs to somebody else. Observations of the lab
// whose name it contains report it until RemoveConflicts.
func (k *Kernel) PlantConflict(c state.Conflict) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conflicts = append(k.conflicts, c)
}

// RemoveConflicts removes what PlantConflict planted.
func (k *Kernel) RemoveConflicts() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conflicts = nil
}

// Settle says for which ports a spanning tree has not decided yet, and which it keeps from
// forwarding: here every port forwards from the start. What is no port does not count.
func (k *Kernel) Settle(settling, blocked []state.LinkID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.settling, k.blocked = settling, blocked
}

// Settling are the ports for which a spanning tree has not decided yet.
func (k *Kernel) Settling() []state.LinkID {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settling
}

// AddUnmanaged puts an unmanaged object into a namespace. Only policy rules change decisions here.
func (k *Kernel) AddUnmanaged(namespace string, i state.Unmanaged) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.others[namespace] = append(k.others[namespace], i)
}

// Unmanaged lists what AddUnmanaged put there.
func (k *Kernel) Unmanaged(ctx context.Context, namespace string) ([]state.Unmanaged, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.others[namespace]), ctx.Err()
}

// ChangedSettings finds none: here are only those that labs have.
func (k *Kernel) ChangedSettings(ctx context.Context, _ string) ([]state.Unmanaged, error) {
	return nil, ctx.Err()
}

// Labs lists every lab that has marked namespaces here, sorted.
func (k *Kernel) Labs(ctx context.Context) ([]state.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var labs []state.Identity
	for name, ns := range k.state {
		namespace, lab, _, ok := state.SplitNetworkNamespace(name)
		owner, _, marked := state.ParseLabel(ns.Label)
		if ok && marked {
			labs = append(labs, state.Identity{Namespace: namespace, Name: lab, Owner: owner})
		}
	}
	slices.SortFunc(labs, compareIdentities)
	return slices.Compact(labs), nil
}

func compareIdentities(a, b state.Identity) int {
	return strings.Compare(a.String()+" "+string(a.Owner), b.String()+" "+string(b.Owner))
}
