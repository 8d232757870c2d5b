// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Apply performs the operations in order and stops at the first that fails; applied says how
// many before it succeeded, and the error is an *OpError. Adding what is there and deleting what
// is gone succeed, so operations may be repeated after a crash.
//
// Where the kernel lacks what some operation needs, none is performed.
//
// Links to be deleted one after the other are deleted at once: each deletion waits some 20 ms for
// every CPU to let go of the link, and they can wait together.
func (k *Kernel) Apply(ctx context.Context, ops []state.Op) (applied int, err error) {
	return k.Edit(ctx, ops, nil)
}

// Edit is Apply for a lab that packets go through. Right after each operation it updates the neighbour entries that
// the operation made wrong, given by its index (see state.StaleNeighbours); and before packets may take another
// way, it waits until what is new of the way carries them.
func (k *Kernel) Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (applied int, err error) {
	if len(ops) == 0 {
		return 0, nil
	}
	if err := k.checkFeatures(ops); err != nil {
		return 0, err
	}
	err = k.withSession(func(s *session) error {
		for applied < len(ops) {
			n, err := k.applyRun(ctx, s, ops[applied:], func(i int) error { return s.updateNeighbours(stale[applied+i]) })
			applied += n
			if err != nil {
				return &OpError{Op: ops[min(applied, len(ops)-1)], Err: err}
			}
		}
		return s.rouseAll(ctx)
	})
	return applied, err
}

// applyRun performs the first operation, and those after it that may go with it. It calls update with the index
// of each.
func (k *Kernel) applyRun(ctx context.Context, s *session, ops []state.Op, update func(int) error) (applied int, err error) {
	if err := errors.Join(ctx.Err(), s.rouse(ctx, ops[0])); err != nil {
		return 0, err
	}
	if run := leadingDeletions(ops); len(run) > 1 && k.options.BeforeOp == nil && k.options.AfterOp == nil {
		return k.deleteAtOnce(ctx, s, run, update)
	}
	op := ops[0]
	if k.options.BeforeOp != nil {
		k.options.BeforeOp(op)
	}
	if err := k.perform(s, op); err != nil {
		return 0, err
	}
	if err := errors.Join(s.note(ctx, op), update(0)); err != nil {
		return 1, err
	}
	k.log.DebugContext(ctx, op.String())
	if k.options.AfterOp != nil {
		k.options.AfterOp(op)
	}
	return 1, nil
}

// maxDeletions is how many links are deleted at once. Each holds the RTNL for milliseconds, and others get it after
// all that asked before: with 256, the repair of another lab waited up to 26 s on a busy machine, with 32 up to 2 s.
const maxDeletions = 32

func leadingDeletions(ops []state.Op) []state.Op {
	for i, op := range ops {
		if _, ok := op.(state.DeleteLink); !ok || i == maxDeletions {
			return ops[:i]
		}
	}
	return ops
}

// deleteAtOnce deletes links, each on a socket of its own. All of them are tried; what counts as
// applied ends with the first that failed.
func (k *Kernel) deleteAtOnce(ctx context.Context, s *session, ops []state.Op, update func(int) error) (applied int, err error) {
	defer s.forgetIndexes()
	results := make([]error, len(ops))
	var deletions sync.WaitGroup
	for i, op := range ops {
		deletion, err := s.prepareDeletion(op.(state.DeleteLink))
		if err != nil {
			results[i] = ignoreGone(err)
			continue
		}
		deletions.Go(func() { results[i] = ignoreGone(deletion()) })
	}
	deletions.Wait()
	for i, err := range results {
		if err != nil {
			return i, err
		}
		k.log.DebugContext(ctx, ops[i].String())
		if err := update(i); err != nil {
			return i + 1, err
		}
	}
	return len(ops), nil
}

func (k *Kernel) perform(s *session, op state.Op) error {
	switch op := op.(type) {
	case state.CreateNamespace:
		return s.createNamespace(op)
	case state.DeleteNamespace:
		s.neighbours.forget(op.Name)
		return s.deleteNamespace(k, op.Name)
	case state.AddSymlink:
		return addSymlink(op)
	case state.DeleteSymlink:
		return deleteSymlink(op)
	case state.SetSysctl:
		return s.setSysctl(op)
	case state.AddLink:
		return s.addLink(op)
	case state.DeleteLink:
		return s.deleteLink(op)
	case state.SetAdmin:
		return s.setAdmin(op)
	case state.SetMTU:
		return s.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_MTU, uint32(op.MTU)))
	case state.SetMAC:
		return s.setLink(op.LinkID, nl.NewRtAttr(unix.IFLA_ADDRESS, op.MAC[:]))
	case state.SetGroup:
		return s.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_GROUP, op.Group))
	case state.ReleaseLink:
		return s.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_MASTER, 0))
	case state.AddBridge:
		return s.addBridge(op)
	case state.SetBridge:
		return s.setBridge(op)
	case state.AddVLANLink:
		return s.addVLANLink(op)
	case state.SetMaster:
		return s.setMaster(op)
	case state.SetPortVLAN:
		return s.setPortVLAN(op)
	case state.DeletePortVLAN:
		return s.deletePortVLAN(op)
	case state.ReplaceQdisc:
		return s.replaceQdisc(op)
	case state.DeleteQdisc:
		return s.deleteQdisc(op)
	case state.DeleteChildQdisc:
		return s.deleteChildQdisc(op)
	case state.ResetAttribute:
		return s.resetAttribute(op)
	case state.AddAddress:
		return s.addAddress(op)
	case state.DeleteAddress:
		return s.deleteAddress(op)
	case state.MoveAddress:
		return s.moveAddress(op)
	case state.AddPrefixRoute:
		return s.addPrefixRoute(op)
	case state.ReplaceRoute:
		return s.replaceRoute(op)
	case state.DeleteNextHop:
		return s.deleteNextHop(op)
	case state.DeleteRoute:
		return s.deleteRoute(op)
	case state.ReplaceNeighbour:
		return s.replaceNeighbour(op)
	case state.DeleteNeighbour:
		return s.deleteNeighbour(op)
	}
	return fmt.Errorf("unknown operation %T", op)
}
