// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// Apply performs the operations in order and stops at the first that fails; applied says how
// many before it succeeded, and the error is an *OpError. Adding what is there and deleting what
// is gone succeed, so operations may be repeated after a crash.
//
// Where the kernel lacks what some operation needs, none is performed.
//
// Links to be deleted one after the other are deleted at once: each deletion waits some 20 ms for
// every CPU to let go of the link, and they can wait together.
func (k *Kernel) Apply(ctx context.Context, ops []topology.Op) (applied int, err error) {
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
func (k *Kernel) applyRun(ctx context.Context, v *visit, ops []topology.Op) (applied int, err error) {
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

func leadingDeletions(ops []topology.Op) []topology.Op {
	for i, op := range ops {
		if _, ok := op.(topology.DeleteLink); !ok || i == mostDeletions {
			return ops[:i]
		}
	}
	return ops
}

// deleteAtOnce deletes links, each on a socket of its own. All of them are tried; what counts as
// applied ends with the first that failed.
func (k *Kernel) deleteAtOnce(ctx context.Context, v *visit, ops []topology.Op) (applied int, err error) {
	defer v.forgetIndexes()
	results := make([]error, len(ops))
	var deletions sync.WaitGroup
	for i, op := range ops {
		deletion, err := v.prepareDeletion(op.(topology.DeleteLink))
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

func (k *Kernel) perform(v *visit, op topology.Op) error {
	switch op := op.(type) {
	case topology.CreateNamespace:
		return v.createNamespace(op)
	case topology.DeleteNamespace:
		return v.deleteNamespace(k, op.Name)
	case topology.AddSymlink:
		return addSymlink(op)
	case topology.DeleteSymlink:
		return deleteSymlink(op)
	case topology.SetSysctl:
		return v.setSysctl(op)
	case topology.AddLink:
		return v.addLink(op)
	case topology.DeleteLink:
		return v.deleteLink(op)
	case topology.SetAdmin:
		return v.setAdmin(op)
	case topology.SetMTU:
		return v.setLink(op.LinkID, uint32Attribute(unix.IFLA_MTU, uint32(op.MTU)))
	case topology.SetMAC:
		return v.setLink(op.LinkID, nl.NewRtAttr(unix.IFLA_ADDRESS, op.MAC[:]))
	case topology.SetGroup:
		return v.setLink(op.LinkID, uint32Attribute(unix.IFLA_GROUP, op.Group))
	case topology.ReleaseLink:
		return v.setLink(op.LinkID, uint32Attribute(unix.IFLA_MASTER, 0))
	case topology.AddBridge:
		return v.addBridge(op)
	case topology.SetBridge:
		return v.setBridge(op)
	case topology.AddVLANLink:
		return v.addVLANLink(op)
	case topology.SetMaster:
		return v.setMaster(op)
	case topology.SetPortVLAN:
		return v.setPortVLAN(op)
	case topology.DeletePortVLAN:
		return v.deletePortVLAN(op)
	case topology.ReplaceQdisc:
		return v.replaceQdisc(op)
	case topology.DeleteQdisc:
		return v.deleteQdisc(op)
	case topology.DeleteChildQdisc:
		return v.deleteChildQdisc(op)
	case topology.ResetAttribute:
		return v.resetAttribute(op)
	case topology.AddAddress:
		return v.addAddress(op)
	case topology.DeleteAddress:
		return v.deleteAddress(op)
	case topology.AddPrefixRoute:
		return v.addPrefixRoute(op)
	case topology.ReplaceRoute:
		return v.replaceRoute(op)
	case topology.DeleteRoute:
		return v.deleteRoute(op)
	}
	return fmt.Errorf("an operation of type %T is unknown", op)
}
