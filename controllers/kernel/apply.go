// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
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
	if len(ops) == 0 {
		return 0, nil
	}
	if err := k.checkFeatures(ops); err != nil {
		return 0, err
	}
	err = k.visit(func(v *visit) error {
		for applied < len(ops) {
			n, err := k.applyRun(ctx, v, ops[applied:])
			applied += n
			if err != nil {
				return &OpError{Op: ops[applied], Err: err}
			}
		}
		return nil
	})
	return applied, err
}

// applyRun performs the first operation, and those after it that may go with it.
func (k *Kernel) applyRun(ctx context.Context, v *visit, ops []state.Op) (applied int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if run := leadingDeletions(ops); len(run) > 1 && k.options.BeforeOp == nil && k.options.AfterOp == nil {
		return k.deleteAtOnce(ctx, v, run)
	}
	op := ops[0]
	if k.options.BeforeOp != nil {
		k.options.BeforeOp(op)
	}
	if err := k.perform(v, op); err != nil {
		return 0, err
	}
	k.log.DebugContext(ctx, op.String())
	if k.options.AfterOp != nil {
		k.options.AfterOp(op)
	}
	return 1, nil
}

// mostDeletions is how many links are deleted at once.
const mostDeletions = 256

func leadingDeletions(ops []state.Op) []state.Op {
	for i, op := range ops {
		if _, ok := op.(state.DeleteLink); !ok || i == mostDeletions {
			return ops[:i]
		}
	}
	return ops
}

// deleteAtOnce deletes links, each on a socket of its own. All of them are tried; what counts as
// applied ends with the first that failed.
func (k *Kernel) deleteAtOnce(ctx context.Context, v *visit, ops []state.Op) (applied int, err error) {
	defer v.forgetIndexes()
	results := make([]error, len(ops))
	var deletions sync.WaitGroup
	for i, op := range ops {
		deletion, err := v.prepareDeletion(op.(state.DeleteLink))
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
	}
	return len(ops), nil
}

func (k *Kernel) perform(v *visit, op state.Op) error {
	switch op := op.(type) {
	case state.CreateNamespace:
		return v.createNamespace(op)
	case state.DeleteNamespace:
		return v.deleteNamespace(k, op.Name)
	case state.AddSymlink:
		return addSymlink(op)
	case state.DeleteSymlink:
		return deleteSymlink(op)
	case state.SetSysctl:
		return v.setSysctl(op)
	case state.AddLink:
		return v.addLink(op)
	case state.DeleteLink:
		return v.deleteLink(op)
	case state.SetAdmin:
		return v.setAdmin(op)
	case state.SetMTU:
		return v.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_MTU, uint32(op.MTU)))
	case state.SetMAC:
		return v.setLink(op.LinkID, nl.NewRtAttr(unix.IFLA_ADDRESS, op.MAC[:]))
	case state.SetGroup:
		return v.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_GROUP, op.Group))
	case state.ReleaseLink:
		return v.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_MASTER, 0))
	case state.AddBridge:
		return v.addBridge(op)
	case state.SetBridge:
		return v.setBridge(op)
	case state.AddVLANLink:
		return v.addVLANLink(op)
	case state.SetMaster:
		return v.setMaster(op)
	case state.SetPortVLAN:
		return v.setPortVLAN(op)
	case state.DeletePortVLAN:
		return v.deletePortVLAN(op)
	case state.ReplaceQdisc:
		return v.replaceQdisc(op)
	case state.DeleteQdisc:
		return v.deleteQdisc(op)
	case state.DeleteChildQdisc:
		return v.deleteChildQdisc(op)
	case state.ResetAttribute:
		return v.resetAttribute(op)
	case state.AddAddress:
		return v.addAddress(op)
	case state.DeleteAddress:
		return v.deleteAddress(op)
	case state.AddPrefixRoute:
		return v.addPrefixRoute(op)
	case state.ReplaceRoute:
		return v.replaceRoute(op)
	case state.DeleteRoute:
		return v.deleteRoute(op)
	}
	return fmt.Errorf("an operation of type %T is unknown", op)
}
