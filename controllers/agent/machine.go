// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"

	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel is what the agent needs of its machine's kernel.
type Kernel interface {
	converge.Kernel

	// Labs lists every lab that has marked namespaces on this machine, sorted.
	Labs(ctx context.Context) ([]state.Identity, error)
	// LookupRoute asks a namespace's kernel what it would do with a packet.
	LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error)
	// Interferences lists what others put into a namespace that can decide about packets there.
	Interferences(ctx context.Context, namespace string) ([]state.Interference, error)
	// Lock makes the caller the only one who changes the lab, until unlock.
	Lock(id state.Identity) (unlock func(), err error)

	// SaveRecord keeps a note on the lab that outlives the agent but not the machine.
	SaveRecord(id state.Identity, record []byte) error
	// LoadRecord returns the note. Where there is none it fails with fs.ErrNotExist, or returns nothing.
	LoadRecord(id state.Identity) ([]byte, error)
	// DeleteRecord forgets the note; there need not be one.
	DeleteRecord(id state.Identity) error
}

// Machine is the agent's machine: its kernel, and what of it has types of its own.
type Machine struct {
	Kernel
	// Watch yields the network namespaces in which something changed, and "" when everything
	// should be compared. The channel is closed when ctx ends or events may have been lost.
	Watch func(ctx context.Context) (<-chan string, error)
	// Follow makes changes in a network namespace arrive at Watch.
	Follow func(namespace string) error
	// Dial opens a raw ICMP socket in a network namespace.
	Dial probe.Dialer
	// NeighborTableFull says whether the machine has no room for more neighbours of a family: then an error
	// of the kernel, or silence, may mean just that. It may be nil.
	NeighborTableFull func(probe.Family) bool
	// Reap waits a moment for deleted namespaces to end, and returns those that something else
	// keeps alive. It may be nil.
	Reap func(ctx context.Context) (held []string, err error)
	// HasNetem says whether the kernel can impair packets. It may be nil: then it can.
	HasNetem func() bool
	// FeatureMissing tells an error that says the kernel lacks something from others.
	FeatureMissing func(error) bool
}

// lockedKernel holds the lab's lock around writes. Looking needs none: an agent and a command
// line never change each other's namespaces, so what was observed before is still the plan's.
type lockedKernel struct {
	Kernel
	id state.Identity
}

// Apply fails if somebody else is at work on the lab. What it does is counted.
func (k lockedKernel) Apply(ctx context.Context, ops []state.Op) (applied int, err error) {
	unlock, err := k.Lock(k.id)
	if err != nil {
		return 0, err
	}
	defer unlock()
	applied, err = k.Kernel.Apply(ctx, ops)
	countOperations(ops, applied, err)
	return applied, err
}
