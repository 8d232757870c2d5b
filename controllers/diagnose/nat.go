// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
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
		if other, known := w.explainTranslated(ctx, q); known && (walk.Cause.Found() || q.Replied) {
			if q.Replied {
				other.Cause = Cause{}
			}
			return w.better(walk, other, nat)
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

// better is the walk of the packets with the addresses that NAT gave them. If it gave them none, it is the first.
// NAT is the cause if packets arrive without it and not with it.
func (w walker) better(walk, other Walk, nat state.Unmanaged) Walk {
	i := slices.IndexFunc(other.Forward, func(h Hop) bool { return h.NAT != "" })
	if i < 0 {
		if walk.Cause.Reason == v1alpha1.ReasonNoReply {
			walk.Cause = other.Cause
		}
		return walk
	}
	arrives := walk.Cause.Reason == v1alpha1.ReasonNoReply && len(walk.Back) > 0
	nowhere := other.ReplyTo.IsValid() && !w.holds(other.ReplyTo) // whatever else is wrong on the way back
	if (arrives || nowhere) && other.Cause.Found() && other.Cause.Reason != v1alpha1.ReasonNoReply {
		node := other.Forward[i].Node
		other.Cause = Cause{
			Reason: other.Cause.Reason, Node: node, Fix: undo(nat),
			Message: shorten(fmt.Sprintf("%s changes the addresses of packets to %s by %s; %s", node, walk.To, other.Forward[i].NAT, other.Cause.Message)),
		}
	}
	return other
}

// mayTranslate excludes NAT of the other family, and any if connection tracking has told what it does.
func (w walker) mayTranslate(u state.Unmanaged, destination netip.Addr) bool {
	return u.NAT == (state.NAT{}) || u.NAT.Translates(destination) && !w.followsNAT
}

// explainTranslated follows packets whose addresses NAT changes, as connection tracking says. It is not known
// where it says nothing: packets that a node dropped have no connection.
func (w walker) explainTranslated(ctx context.Context, q Question) (walk Walk, known bool) {
	w.crossings, w.followsNAT = map[departing]crossed{}, true
	request := w.travel(ctx, packet{start: q.From, source: q.Source, destination: q.To, size: size(q), oneWhole: true, over: q.Link})
	walk = Walk{From: state.NodeOf(q.From), Source: request.sent, To: q.To, Forward: request.hops, Cause: request.cause}
	if request.lost || request.cause.Found() {
		return walk, !request.lost
	}
	if walk.Cause = w.echoIgnored(ctx, request); walk.Cause.Found() || request.end == q.From || !request.source.IsValid() {
		return walk, walk.Cause.Found()
	}
	reply := w.travel(ctx, request.reply())
	walk.Back, walk.ReplyTo, walk.Cause = reply.hops, request.source, reply.cause
	if reply.lost || reply.cause.Found() {
		return walk, !reply.lost
	}
	if reply.end != q.From || reply.source != q.To {
		return walk, false
	}
	walk.Cause = cmp.Or(w.wrongMAC(ctx, request, reply), w.unmanaged(ctx, request, reply), noReply(q, request))
	return walk, true
}

// stepTranslated is plainStep with what NAT makes of the packet at the node: destinations before the route is
// looked up, sources after.
func (w walker) stepTranslated(ctx context.Context, t *trace, at ingress) (next ingress) {
	before := state.AddressPair{Source: t.source, Destination: t.destination}
	after, nat, known := w.translate(ctx, t.packet, at.namespace)
	if !known {
		t.lost, t.cause = true, natCause(t.destination, state.NodeOf(at.namespace), nat)
		return ingress{}
	}
	if t.cause = w.noRouteBeforeNAT(ctx, *t, at, after, nat); t.cause.Found() {
		t.hops = append(t.hops, Hop{Node: state.NodeOf(at.namespace), NAT: nat.What})
		return ingress{}
	}
	t.destination = after.Destination
	next = w.plainStep(ctx, t, at)
	if len(t.hops) == 1 {
		t.sent, before.Source = t.source, t.source
	}
	if nat.What == "" {
		return next
	}
	if t.cause.Found() { // it has not left
		after.Source = before.Source
	}
	t.source = after.Source
	t.hops[len(t.hops)-1].NAT = natWords(nat, before, after)
	return next
}

// noRouteBeforeNAT is the cause if a node has no route for a reply of its own to an address that NAT (input) gave the request: it
// looks the route up before NAT gives the reply its destination back.
func (w walker) noRouteBeforeNAT(ctx context.Context, t trace, at ingress, after state.AddressPair, nat state.Unmanaged) Cause {
	if !t.isReply || at.incoming != "" || after.Destination == t.destination {
		return Cause{}
	}
	decision, err := w.kernel.LookupRoute(ctx, t.query(at))
	if err != nil || decision.Verdict == state.Forward || decision.Verdict == state.DeliverLocally {
		return Cause{}
	}
	node := state.NodeOf(at.namespace)
	return Cause{
		Reason: v1alpha1.ReasonNoReturnRoute,
		Node:   node,
		Message: shorten(fmt.Sprintf("%s has no route back to %s, to which it changes the source of packets from %s by %s",
			node, t.destination, after.Destination, nat.What)),
		Fix: undo(nat),
	}
}

// natWords is what NAT changes, empty for nothing.
func natWords(nat state.Unmanaged, before, after state.AddressPair) (words string) {
	if before.Source != after.Source {
		words += " from " + after.Source.String()
	}
	if before.Destination != after.Destination {
		words += " to " + after.Destination.String()
	}
	if words == "" {
		return ""
	}
	return nat.What + ":" + words
}

// translate is what NAT makes of a packet at a node. It is not known without an entry of connection tracking.
func (w walker) translate(ctx context.Context, p packet, namespace string) (after state.AddressPair, nat state.Unmanaged, known bool) {
	after = state.AddressPair{Source: p.source, Destination: p.destination}
	nat, ok := w.firstInterference(ctx, namespace, func(u state.Unmanaged) bool { return u.NAT.Translates(p.destination) })
	if !ok {
		return after, nat, true
	}
	translations, err := w.kernel.Translations(ctx, namespace)
	if err != nil {
		return after, nat, false
	}
	for _, translation := range translations {
		if translated, ok := translation.Of(after, p.isReply); ok {
			return translated, nat, true
		}
	}
	return after, nat, false
}
