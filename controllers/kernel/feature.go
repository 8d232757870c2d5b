// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"strings"
	"sync"

	"github.com/netlab-dev/netlab/controllers/topology"
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

// trials are operations that succeed in a new namespace of a kernel with the feature. They go
// the same way as a lab's, and so does the error of one that is missing.
var trials = map[feature][]topology.Op{
	featureVeth:          {trialPair},
	featureBridge:        {topology.AddBridge{LinkEnd: trialEnd("br0")}},
	featureVLANFiltering: {topology.AddBridge{LinkEnd: trialEnd("br0"), Bridge: topology.Bridge{VLANFiltering: true}}},
	featureVLAN:          {trialPair, topology.AddVLANLink{LinkEnd: trialEnd("v1"), Parent: "a", VLAN: 1}},
	featureIPv6:          {topology.SetSysctl{Namespace: trialNamespace, Name: topology.SysctlDisableIPv6, Value: "0"}},
	featureNetem:         {trialPair, topology.ReplaceQdisc{LinkID: trialEnd("a").LinkID, Qdisc: topology.Qdisc{Kind: topology.Netem, Limit: 1}}},
	featureTBF: {trialPair, topology.ReplaceQdisc{
		LinkID: trialEnd("a").LinkID,
		Qdisc:  topology.Qdisc{Kind: topology.TBF, Rate: 1 << 20, Burst: 1 << 15, Limit: 1 << 16},
	}},
}

var trialPair = topology.AddLink{Ends: [2]topology.LinkEnd{trialEnd("a"), trialEnd("b")}}

func trialEnd(name string) topology.LinkEnd {
	mac := topology.MAC{2, 0, 0, 0, 0, name[0]}
	return topology.LinkEnd{LinkID: topology.LinkID{Namespace: trialNamespace, Name: name}, MAC: mac, MTU: 1500}
}

// needs is the feature that an operation cannot do without; ok is false where every kernel has it.
func needs(op topology.Op) (f feature, ok bool) {
	switch op := op.(type) {
	case topology.AddLink:
		return featureVeth, true
	case topology.AddBridge:
		if op.Bridge.VLANFiltering {
			return featureVLANFiltering, true
		}
		return featureBridge, true
	case topology.SetBridge:
		return featureVLANFiltering, op.Bridge.VLANFiltering
	case topology.AddVLANLink:
		return featureVLAN, true
	case topology.ReplaceQdisc:
		if op.Qdisc.Kind == topology.TBF {
			return featureTBF, true
		}
		return featureNetem, true
	case topology.SetSysctl:
		return featureIPv6, strings.HasPrefix(op.Name, ipv6Prefix)
	case topology.AddAddress:
		return featureIPv6, op.Prefix.Addr().Is6()
	}
	return 0, false
}

// features remembers what this kernel has. What it lacks is tried again: a module may have come.
type features struct {
	mu  sync.Mutex
	has map[feature]bool
}

// checkFeatures fails with ErrFeatureMissing if some operation needs what this kernel lacks, so
// that nothing of a lab is built rather than half of it.
func (k *Kernel) checkFeatures(ops []topology.Op) error {
	asked := map[feature]bool{}
	for _, op := range ops {
		f, ok := needs(op)
		if !ok || asked[f] {
			continue
		}
		asked[f] = true
		if err := k.tryFeature(f); err != nil {
			return &OpError{Op: op, Err: err}
		}
	}
	return nil
}

// HasNetem reports whether this kernel can impair packets; where it cannot, a rate is all it can
// limit. It is tried once: labs that were built without it are not to change, and to look at them
// is to write nothing.
func (k *Kernel) HasNetem() bool { return k.hasNetem() }

// tryFeature performs a trial in a namespace without a name, which ends with it.
func (k *Kernel) tryFeature(f feature) error {
	k.features.mu.Lock()
	defer k.features.mu.Unlock()
	if k.features.has[f] {
		return nil
	}
	err := k.visit(func(v *visit) error {
		ns, err := v.thread.unshare()
		if err != nil {
			return fmt.Errorf("try a feature: %w", err)
		}
		if _, err := v.furnish(trialNamespace, ns); err != nil {
			return err
		}
		for _, op := range trials[f] {
			if err := k.perform(v, op); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		k.features.has[f] = true
	}
	return err
}
