// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// ignoresNDP is the cause if policy rules keep a node from resolving an IPv6 neighbour. The kernel looks up a route for a
// solicitation, to the multicast address of the target, and for the advertisement, to the address from which the node
// asked (ip6_rcv_finish): without a local one they are dropped.
func (w walker) ignoresNDP(ctx context.Context, p packet, c crossing) Cause {
	if c.wanted.Is4() {
		return Cause{}
	}
	if _, known := w.entryFor(ctx, c.out, c.wanted, true); known {
		return Cause{}
	}
	asker := p.source
	if !w.linkHas(c.out, asker) { // ndisc_solicit
		asker = w.linkLocal(c.out)
	}
	node, other := state.NodeOf(c.out.Namespace), state.NodeOf(c.in.Namespace)
	solicitation := state.ForwardingQuery{Namespace: c.in.Namespace, Incoming: c.in.Name, Source: asker, Destination: solicitedNode(c.wanted)}
	if why, fix, ok := w.notDelivered(ctx, solicitation, c.wanted); ok {
		return Cause{
			Reason:  v1alpha1.ReasonHostUnreachable,
			Node:    other,
			Message: shorten(fmt.Sprintf("%s does not answer neighbour solicitations for %s from %s: %s", other, c.wanted, node, why)),
			Fix:     fix,
		}
	}
	advertisement := state.ForwardingQuery{Namespace: c.out.Namespace, Incoming: c.out.Name, Source: c.wanted, Destination: asker}
	if why, fix, ok := w.notDelivered(ctx, advertisement, asker); ok {
		return Cause{
			Reason:  v1alpha1.ReasonHostUnreachable,
			Node:    node,
			Message: shorten(fmt.Sprintf("%s drops the neighbour advertisements of %s for %s: %s", node, other, c.wanted, why)),
			Fix:     fix,
		}
	}
	return Cause{}
}

// solicitedNode is the multicast address to which solicitations for an address are sent (RFC 4291, section 2.7.1).
func solicitedNode(address netip.Addr) netip.Addr {
	last := address.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 2, 11: 1, 12: 0xff, 13: last[13], 14: last[14], 15: last[15]})
}

// notDelivered is the policy rule because of which a node does not take a packet for itself. The kernel ignores rules
// of IPv6 as long as none was ever added (fib6_has_custom_rules): then its lookup for the node's own address, which
// the rules do not deliver either, does.
func (w walker) notDelivered(ctx context.Context, q state.ForwardingQuery, own netip.Addr) (why, fix string, ok bool) {
	policy, err := w.kernel.Policy(ctx, q.Namespace)
	if err != nil || !w.has(q.Namespace, own) {
		return "", "", false
	}
	rule, without, ok := policy.Culprit(q)
	if !ok || policy.Lookup(q).Verdict == state.DeliverLocally || without.Lookup(q).Verdict != state.DeliverLocally {
		return "", "", false
	}
	toOwn := q
	toOwn.Destination = own
	decision, err := w.kernel.LookupRoute(ctx, toOwn)
	if ignored := decision.Verdict == state.DeliverLocally && policy.Lookup(toOwn).Verdict != state.DeliverLocally; err != nil || ignored {
		return "", "", false
	}
	return "it has " + rule.What, undo(rule), true
}
