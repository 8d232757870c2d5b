// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// feature is something that not every kernel has.
type feature int

const (
	featureVeth feature = iota
	featureBridge
	featureVLANFiltering
	featureVLAN
	featureNetem
	featureTBF
	featureIPv6
)

// trialNamespace is what operations of a trial call the namespace they are tried in. No file
// has this name: a lab's have dots.
const trialNamespace = "trial"

// trialMaxAge is a bridge's, the smallest that the kernel takes: it refuses 0 (ERANGE).
const trialMaxAge = 600

// trials succeed in a new namespace of a kernel with the feature. What they do goes the same way as a
// lab's operations, and so does the error of one that is missing. They make as little as they can,
// because what they made goes with the namespace while the lab is built: a bridge that goes keeps
// everybody from changing links for some 20 ms.
var trials = map[feature]func(*Kernel, *session) error{
	featureVeth:          tryKind("veth"),
	featureBridge:        tryKind("bridge"),
	featureVLANFiltering: try(state.AddBridge{LinkEnd: trialEnd("br0"), Bridge: state.Bridge{MaxAge: trialMaxAge, VLANFiltering: true}}),
	featureVLAN:          try(trialPair, state.AddVLANLink{LinkEnd: trialEnd("v1"), Parent: "a", VLAN: 1}),
	featureIPv6: try(state.SetSysctl{
		SettingID: state.SettingID{Namespace: trialNamespace, SettingKey: state.SettingKey{Setting: state.DisableIPv6}}, Value: state.Off,
	}),
	featureNetem: try(trialPair, state.ReplaceQdisc{LinkID: trialEnd("a").LinkID, Qdisc: state.Qdisc{Kind: state.Netem, Limit: 1}}),
	featureTBF: try(trialPair, state.ReplaceQdisc{
		LinkID: trialEnd("a").LinkID,
		Qdisc:  state.Qdisc{Kind: state.TBF, Rate: 1 << 20, Burst: 1 << 15, Limit: 1 << 16},
	}),
}

var trialPair = state.AddLink{Ends: [2]state.LinkEnd{trialEnd("a"), trialEnd("b")}}

func trialEnd(name string) state.LinkEnd {
	mac := state.MAC{2, 0, 0, 0, 0, name[0]}
	return state.LinkEnd{LinkID: state.LinkID{Namespace: trialNamespace, Name: name}, MAC: mac, MTU: 1500}
}

// try performs operations.
func try(ops ...state.Op) func(*Kernel, *session) error {
	return func(k *Kernel, s *session) error {
		for _, op := range ops {
			if err := k.perform(s, op); err != nil {
				return err
			}
		}
		return nil
	}
}

// tryKind asks for a link of a kind that has no queue to send from, which there cannot be. A kernel that
// does not know the kind says so (EOPNOTSUPP), after it has looked for a module; any other refuses
// the queues.
func tryKind(kind string) func(*Kernel, *session) error {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte(kind))
	return func(_ *Kernel, s *session) error {
		err := s.newLink(trialEnd(kind), info, rtnl.Uint32Attribute(unix.IFLA_NUM_TX_QUEUES, 0))
		if errors.Is(err, unix.EOPNOTSUPP) {
			return featureMissing(kind, err)
		}
		return nil
	}
}

// needs is the feature that an operation cannot do without; ok is false where every kernel has it.
func needs(op state.Op) (f feature, ok bool) {
	switch op := op.(type) {
	case state.AddLink:
		return featureVeth, true
	case state.AddBridge:
		if op.Bridge.VLANFiltering {
			return featureVLANFiltering, true
		}
		return featureBridge, true
	case state.SetBridge:
		return featureVLANFiltering, op.Bridge.VLANFiltering
	case state.AddVLANLink:
		return featureVLAN, true
	case state.ReplaceQdisc:
		if op.Qdisc.Kind == state.TBF {
			return featureTBF, true
		}
		return featureNetem, true
	case state.SetSysctl:
		return featureIPv6, op.IsIPv6()
	case state.AddAddress:
		return featureIPv6, op.Prefix.Addr().Is6()
	case state.ReplaceNeighbour:
		return featureIPv6, op.Address.Is6()
	case state.MoveAddress:
		return featureIPv6, op.To.Prefix.Addr().Is6()
	case state.CreateNamespace, state.DeleteNamespace, state.AddSymlink, state.DeleteSymlink, state.DeleteLink, state.SetAdmin, state.SetMTU,
		state.SetMAC, state.SetGroup, state.SetMaster, state.ReleaseLink, state.SetPortVLAN, state.DeletePortVLAN, state.DeleteQdisc,
		state.DeleteChildQdisc, state.ResetAttribute, state.DeleteAddress, state.AddPrefixRoute, state.ReplaceRoute, state.DeleteRoute, state.DeleteNextHop,
		state.DeleteNeighbour:
	}
	return 0, false
}

// features remembers what this kernel has. What it lacks is tried again: a module may have come.
type features struct {
	mu  sync.Mutex
	has map[feature]bool
}

// need is an operation that cannot do without a feature.
type need struct {
	feature feature
	op      state.Op
}

// untried are the first needs of features that this kernel is not known to have.
func (f *features) untried(ops []state.Op) []need {
	var list []need
	listed := map[feature]bool{}
	for _, op := range ops {
		if wanted, ok := needs(op); ok && !listed[wanted] && !f.has[wanted] {
			listed[wanted] = true
			list = append(list, need{wanted, op})
		}
	}
	return list
}

// checkFeatures fails with ErrFeatureMissing if some operation needs what this kernel lacks, so
// that nothing of a lab is built rather than half of it.
func (k *Kernel) checkFeatures(ops []state.Op) error {
	k.features.mu.Lock()
	defer k.features.mu.Unlock()
	untried := k.features.untried(ops)
	if len(untried) == 0 {
		return nil
	}
	return k.onTrial(func(s *session) error {
		for _, n := range untried {
			if err := trials[n.feature](k, s); err != nil {
				return &OpError{Op: n.op, Err: err}
			}
			k.features.has[n.feature] = true
		}
		return nil
	})
}

// HasNetem reports whether this kernel can impair packets; where it cannot, a rate is all it can
// limit. It is tried once: labs that were built without it are not to change, and to look at them
// is to write nothing.
func (k *Kernel) HasNetem() bool { return k.hasNetem() }

// tryFeature tries one that this kernel is not known to have.
func (k *Kernel) tryFeature(f feature) error {
	k.features.mu.Lock()
	defer k.features.mu.Unlock()
	if k.features.has[f] {
		return nil
	}
	err := k.onTrial(func(s *session) error { return trials[f](k, s) })
	k.features.has[f] = err == nil
	return err
}

// onTrial runs do in a namespace without a name, which ends with it.
func (k *Kernel) onTrial(do func(*session) error) error {
	return k.withSession(func(s *session) error {
		ns, err := s.thread.Unshare()
		if err != nil {
			return fmt.Errorf("try a kernel feature: %w", err)
		}
		if _, err := s.newHandle(trialNamespace, ns); err != nil {
			return err
		}
		return do(s)
	})
}
