// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// crossing is a segment that a packet crossed, to the interface that answers for an address.
type crossing struct {
	neighbour
	wanted netip.Addr
}

const arpAttribute = state.LinkAttribute("arp")

// withoutARP is the cause if ARP is disabled at either end of a segment. That end sends frames to its own MAC
// address (arp_constructor, ndisc_constructor) and receives no ARP.
func (w walker) withoutARP(l neighbour, wanted netip.Addr) Cause {
	for _, id := range []state.LinkID{l.out, l.in} {
		off := state.AttributeID{Namespace: id.Namespace, AttributeKey: state.AttributeKey{Link: id.Name, Attribute: arpAttribute}}
		if _, ok := w.State[off.Namespace].AttributeDrift[off.AttributeKey]; !ok || id == l.in && wanted.Is6() {
			continue
		}
		node, other := state.NodeOf(l.out.Namespace), state.NodeOf(l.in.Namespace)
		message := fmt.Sprintf("%s does not resolve %s: ARP is disabled on its interface %s", node, wanted, id.Name)
		if id == l.in {
			message = fmt.Sprintf("%s does not answer ARP for %s from %s: ARP is disabled on its interface %s", other, wanted, node, id.Name)
		}
		return Cause{
			Reason:  v1alpha1.ReasonHostUnreachable,
			Node:    state.NodeOf(id.Namespace),
			Message: message,
			Fix:     w.drifted(state.ResetAttribute{AttributeID: off}),
		}
	}
	return Cause{}
}

// sourceOn is the address from which a node resolves another on a link: the one in the same subnet, else the
// first.
func (v view) sourceOn(out state.LinkID, wanted netip.Addr) netip.Addr {
	own, _ := v.addressOf(out, wanted)
	if near, ok := v.covering(out, wanted); ok {
		own = near
	}
	return own.Addr()
}

// noLinkLocal is the cause if a node cannot resolve a neighbour: for forwarded packets the kernel sends
// solicitations from the interface's link-local address (ndisc_send_ns), which disappears when the interface
// is set down.
func (w walker) noLinkLocal(p packet, l neighbour, wanted netip.Addr) Cause {
	if wanted.Is4() || w.linkLocal(l.out).IsValid() || w.linkHas(l.out, p.source) {
		return Cause{}
	}
	node := state.NodeOf(l.out.Namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: fmt.Sprintf("%s cannot resolve %s: its interface %s has no link-local address", node, wanted, l.out.Name),
	}
	op, ok := planned(w.view, func(o state.AddAddress) bool {
		return o.Namespace == l.out.Namespace && o.Link == l.out.Name && state.IsLinkLocal(o.Prefix.Addr())
	})
	if !ok {
		usual := state.AddressKey{Link: l.out.Name, Prefix: lab.LinkLocal(w.link(l.out).MAC)}
		op = state.AddAddress{AddressID: state.AddressID{Namespace: l.out.Namespace, AddressKey: usual}}
	}
	cause.Fix = w.drifted(op)
	return cause
}

// wrongMAC is the cause if every kernel forwards but frames go to a wrong MAC address.
func (w walker) wrongMAC(ctx context.Context, request, reply trace) Cause {
	for _, t := range []trace{request, reply} {
		for _, c := range t.crossed {
			cause := cmp.Or(w.filtersARP(ctx, t.packet, c), w.ignoresARP(ctx, t.packet, c), w.ignoresNDP(ctx, t.packet, c), w.duplicateOnLink(c), w.answersToo(ctx, t.packet, c), w.wrongEntry(ctx, c), w.duplicateMAC(c), w.wrongPort(ctx, c))
			if cause.Found() {
				return cause
			}
		}
	}
	return Cause{}
}

// filtersARP is the cause if arp_filter is set: a node then answers only ARP requests that arrive on the
// interface of its route to the sender.
func (w walker) filtersARP(ctx context.Context, p packet, c crossing) Cause {
	if c.wanted.Is6() {
		return Cause{}
	}
	filter, ok := w.firstInterference(ctx, c.in.Namespace, func(i state.Unmanaged) bool {
		name := i.Setting.Name
		return name == "net.ipv4.conf.all.arp_filter" || name == "net.ipv4.conf."+c.in.Name+".arp_filter"
	})
	if !ok {
		return Cause{}
	}
	asker := w.askerOf(p.source, c.out, c.wanted)
	back, err := w.kernel.LookupRoute(ctx, state.ForwardingQuery{Namespace: c.in.Namespace, Source: c.wanted, Destination: asker})
	if err != nil || back.Verdict != state.Forward || back.Link == c.in.Name {
		return Cause{}
	}
	node, other := state.NodeOf(c.out.Namespace), state.NodeOf(c.in.Namespace)
	return Cause{
		Reason: v1alpha1.ReasonHostUnreachable,
		Node:   other,
		Message: shorten(fmt.Sprintf("%s does not answer ARP for %s from %s: %s is %s, and its route to %s is over %s",
			other, c.wanted, node, filter.Setting.Name, filter.Setting.Value, asker, back.Link)),
		Fix: undo(filter),
	}
}

// ignoresARP is the cause if the next hop drops packets from the address with which the node asks for it: it answers no ARP
// request then (arp_process looks up a route with that source).
func (w walker) ignoresARP(ctx context.Context, p packet, c crossing) Cause {
	asker := w.askerOf(p.source, c.out, c.wanted)
	if _, known := w.entryFor(ctx, c.out, c.wanted, true); known || c.wanted.Is6() || !asker.IsValid() {
		return Cause{}
	}
	at := ingress{c.in.Namespace, c.in.Name}
	request := packet{start: c.out.Namespace, source: asker, destination: c.wanted}
	decision, err := w.kernel.LookupRoute(ctx, state.ForwardingQuery{Namespace: at.namespace, Incoming: at.incoming, Source: asker, Destination: c.wanted})
	isProxy := decision.Verdict == state.Forward && !w.has(at.namespace, c.wanted)
	if err != nil || decision.Verdict == state.DeliverLocally || isProxy {
		return Cause{}
	}
	cause := w.refusal(ctx, request, at, decision)
	if cause.Found() {
		cause.Message = shorten(fmt.Sprintf("%s does not answer ARP for %s: %s", state.NodeOf(at.namespace), c.wanted, cause.Message))
	}
	return cause
}

// duplicateOnLink is the cause if two nodes on a segment have the address: the first to answer gets the
// packets.
func (w walker) duplicateOnLink(c crossing) Cause {
	var holders []string
	for _, l := range newFlood(w.view, 0, nothing).from(c.out) {
		if w.linkHas(l.in, c.wanted) && !slices.Contains(holders, l.in.Namespace) {
			holders = append(holders, l.in.Namespace)
		}
	}
	if len(holders) < 2 {
		return Cause{}
	}
	one, other := state.NodeOf(holders[0]), state.NodeOf(holders[1])
	spec := fmt.Sprintf("in the spec, give %s and %s different addresses", one, other)
	fix := spec
	for _, namespace := range holders {
		if fix == spec {
			fix = w.withoutAddress(namespace, c.wanted, spec)
		}
	}
	if fix != spec { // the neighbour entry stays until the address is resolved again
		fix += fmt.Sprintf("; ip -n %s neighbour flush to %s", c.out.Namespace, c.wanted)
	}
	return Cause{
		Reason:  v1alpha1.ReasonDuplicateAddress,
		Node:    other,
		Message: fmt.Sprintf("duplicate address %s on link %s of %s: %s and %s both have it", c.wanted, c.out.Name, state.NodeOf(c.out.Namespace), one, other),
		Fix:     fix,
	}
}

// answersToo is the cause if another node on a segment, or a switch on the path, takes an IPv4 address for its own by a
// rule or a route, and has not the address: it answers ARP for it (arp_process).
func (w walker) answersToo(ctx context.Context, p packet, c crossing) Cause {
	if c.wanted.Is6() {
		return Cause{}
	}
	for _, id := range w.listeners(c) {
		q := state.ForwardingQuery{Namespace: id.Namespace, Incoming: id.Name, Source: w.askerOf(p.source, c.out, c.wanted), Destination: c.wanted}
		d, err := w.kernel.LookupRoute(ctx, q)
		if err != nil || d.Verdict != state.DeliverLocally || w.has(id.Namespace, c.wanted) {
			continue
		}
		node, owner := state.NodeOf(id.Namespace), state.NodeOf(c.in.Namespace)
		why, fix := w.whyLocal(ctx, id.Namespace, c.wanted)
		if policy, err := w.kernel.Policy(ctx, id.Namespace); err == nil {
			if rule, _, ok := policy.Culprit(q); ok {
				why, fix = fmt.Sprintf("%s has %s", node, rule.What), undo(rule)
			}
		}
		return Cause{
			Reason:  v1alpha1.ReasonDuplicateAddress,
			Node:    node,
			Message: shorten(fmt.Sprintf("%s answers ARP for %s from %s, and %s has the address: %s", node, c.wanted, state.NodeOf(c.out.Namespace), owner, why)),
			Fix:     fix,
		}
	}
	return Cause{}
}

// listeners are the interfaces on a segment but for its ends, and the bridges on the path.
func (w walker) listeners(c crossing) (ids []state.LinkID) {
	for _, l := range newFlood(w.view, 0, nothing).from(c.out) {
		ids = append(ids, l.in)
	}
	for _, p := range c.positions {
		if p.direction == inside {
			ids = append(ids, p.link)
		}
	}
	return slices.DeleteFunc(ids, func(id state.LinkID) bool { return id.Namespace == c.in.Namespace || id.Namespace == c.out.Namespace })
}
