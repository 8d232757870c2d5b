// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"

	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Kernel is the agent's interface to the kernel of its machine.
type Kernel interface {
	converge.Kernel

	// Labs lists every lab that has labelled namespaces on this machine, sorted.
	Labs(ctx context.Context) ([]state.Identity, error)
	// LookupRoute returns the forwarding decision of a namespace for a packet.
	LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error)
	// Unmanaged lists unmanaged objects in a namespace that can decide about packets there.
	Unmanaged(ctx context.Context, namespace string) ([]state.Unmanaged, error)
	// Policy lists a namespace's policy rules, and the routes of all tables if one of them is not the kernel's own.
	Policy(ctx context.Context, namespace string) (state.Policy, error)
	// Neighbours lists the entries of a namespace's neighbour tables.
	Neighbours(ctx context.Context, namespace string) ([]state.NeighbourEntry, error)
	// ChangedSettings lists the settings of a namespace and its links that differ from a new namespace's and that no lab
	// can have.
	ChangedSettings(ctx context.Context, namespace string) ([]state.Unmanaged, error)
	// MACTable lists what the bridges of a namespace have learnt.
	MACTable(ctx context.Context, namespace string) ([]state.MACEntry, error)
	// Translations lists what NAT in a namespace has made of the addresses of pings, the latest first.
	Translations(ctx context.Context, namespace string) ([]state.Translation, error)
	// Lock makes the caller the only writer of the lab, until unlock.
	Lock(id state.Identity) (unlock func(), err error)

	// SaveRecord keeps a record of the lab that outlives the agent but not the machine.
	SaveRecord(id state.Identity, record []byte) error
	// LoadRecord returns the record. Without one it fails with fs.ErrNotExist, or returns nothing.
	LoadRecord(id state.Identity) ([]byte, error)
	// DeleteRecord deletes the record, if there is one.
	DeleteRecord(id state.Identity) error
}

// Machine is the agent's machine: its kernel, and functions whose types are outside the interface.
type Machine struct {
	Kernel
	// Watch yields the network namespaces in which something changed, and "" when everything
	// should be compared. The channel is closed when ctx ends or events may have been lost.
	Watch func(ctx context.Context) (<-chan string, error)
	// Follow subscribes Watch to a network namespace.
	Follow func(namespace string) error
	// Dial opens a raw ICMP socket in a network namespace.
	Dial probe.Dialer
	// NeighborTableFull tells whether the machine's neighbour table of a family is full: then an error of
	// the kernel, or no reply, may have that cause. It may be nil.
	NeighborTableFull func(probe.Family) bool
	// NeighborUse returns how many entries of the machine's neighbour table of a family count towards its limit, and
	// the limit. It may be nil: then labs are not limited by it.
	NeighborUse func(probe.Family) (used, limit int, err error)
	// Reap waits a moment for deleted namespaces to end, and returns those that another process keeps
	// alive. It may be nil.
	Reap func(ctx context.Context) (held []string, err error)
	// HasNetem tells whether the kernel has netem. It may be nil: then it has.
	HasNetem func() bool
	// FeatureMissing tells whether an error means that the kernel lacks a feature.
	FeatureMissing func(error) bool
}

// lockedKernel holds the lab's lock around writes. Reading needs no lock: an agent and a command line
// never change each other's namespaces, so an earlier observation is still the plan's.
type lockedKernel struct {
	Kernel
	id state.Identity
	// begin starts a turn, which may be over before all operations are done.
	begin func(context.Context) (turn context.Context, end func())
}

// Edit fails if another writer holds the lock, and with errInterrupted at the end of a turn. It counts its operations.
func (k lockedKernel) Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (applied int, err error) {
	unlock, err := k.Lock(k.id)
	if err != nil {
		return 0, err
	}
	defer unlock()
	turn, end := k.begin(ctx)
	defer end()
	applied, err = k.Kernel.Edit(turn, ops, stale)
	if err != nil && errors.Is(context.Cause(turn), errInterrupted) {
		countOperations(ops, applied, nil)
		return applied, errInterrupted
	}
	countOperations(ops, applied, err)
	return applied, err
}
