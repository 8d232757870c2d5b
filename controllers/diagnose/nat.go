// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// translated ends a walk at the node behind which the packet may have other addresses: no lookup says what NAT
// makes of it. What was found before that node stays. If only its source is translated, so does what depends
// on the destination.
func (w walker) translated(ctx context.Context, q Question, walk Walk) Walk {
	for i, hop := range walk.Forward {
		nat, destination, ok := w.natAt(ctx, walk, i, q.To)
		if !ok {
			continue
		}
		stays := i == 0 && hop.Outgoing == "" || !destination && len(walk.Back) == 0 && !slices.Contains(aboutSource, walk.Cause.Reason)
		if stays && walk.Cause.Found() {
			return walk
		}
		if walk.Forward[i].NAT = nat.What; destination {
			walk.Forward = append(walk.Forward[:i:i], Hop{Node: hop.Node, Incoming: hop.Incoming, NAT: nat.What})
		}
		walk.Back, walk.Warnings, walk.OnOtherLeg = nil, nil, false
		if walk.Cause.Found() {
			walk.Cause = natCause(q.To, hop.Node, nat)
		}
		return walk
	}
	return walk
}

// aboutSource are the reasons of causes that depend on a packet's source.
var aboutSource = []string{v1alpha1.ReasonSourceFiltered, v1alpha1.ReasonDuplicateAddress, v1alpha1.ReasonNoReply, v1alpha1.ReasonProbeError}

// natAt is the NAT that a request meets at a node, and whether its destination may be another from there on.
// Replies have the NAT of their request.
func (w walker) natAt(ctx context.Context, walk Walk, i int, like netip.Addr) (nat state.Unmanaged, destination, ok bool) {
	hop := walk.Forward[i]
	found, err := w.kernel.Unmanaged(ctx, w.namespaces()[hop.Node])
	if err != nil {
		return nat, false, false
	}
	isLast := hop.Decision.Verdict == state.DeliverLocally
	for _, u := range found {
		if !u.NAT.Translates(like) {
			continue
		}
		if u.NAT.Before && i > 0 || u.NAT.Sent && i == 0 {
			return u, true, true
		}
		if source := u.NAT.After && !isLast || u.NAT.Delivered && isLast; source && !ok {
			nat, ok = u, true
		}
	}
	return nat, false, ok
}

func natCause(to netip.Addr, node string, nat state.Unmanaged) Cause {
	return Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: shorten(fmt.Sprintf("no reply from %s; %s has %s, which may give packets other addresses, so their path from there is unknown", to, node, nat.What)),
		Fix:     undo(nat),
	}
}
