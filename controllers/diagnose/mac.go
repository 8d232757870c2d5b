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

// byEntry crosses a segment by a permanent neighbour entry: the node then asks for no MAC address, so that it
// does not matter whether the next hop answers. It does nothing without an entry, and if no node has the address.
func (w walker) byEntry(ctx context.Context, out state.LinkID, wanted netip.Addr, neighbours []neighbour) (next neighbour, cause Cause, ok bool) {
	entry, ok := w.entryFor(ctx, out, wanted, true)
	holders := w.holders(neighbours, wanted)
	if !ok || len(holders) == 0 {
		return next, cause, false
	}
	for _, l := range holders {
		if w.link(l.in).MAC == entry.MAC {
			return l, cause, true
		}
	}
	return neighbour{out: out}, w.entryCause(ctx, holders[0], entry), true
}

// holders are the neighbours whose nodes have an address.
func (w walker) holders(neighbours []neighbour, address netip.Addr) (all []neighbour) {
	for _, l := range neighbours {
		if w.has(l.in.Namespace, address) && w.link(l.in).MAC != (state.MAC{}) {
			all = append(all, l)
		}
	}
	return all
}

// entryFor is a node's neighbour entry for an address. With ARP disabled the kernel makes entries with the
// MAC address of the interface itself (arp_constructor), which are not meant; with ARP such an entry was written by hand.
func (w walker) entryFor(ctx context.Context, out state.LinkID, address netip.Addr, permanent bool) (state.NeighbourEntry, bool) {
	entries, err := w.kernel.Neighbours(ctx, out.Namespace)
	_, noARP := w.State[out.Namespace].AttributeDrift[state.AttributeKey{Link: out.Name, Attribute: arpAttribute}]
	i := slices.IndexFunc(entries, func(e state.NeighbourEntry) bool {
		return e.Link == out.Name && e.Address == address && !e.Proxy && e.Permanent == permanent && (e.MAC != w.link(out).MAC || !noARP)
	})
	if err != nil || i < 0 {
		return state.NeighbourEntry{}, false
	}
	return entries[i], true
}

// wrongEntry is the cause if a neighbour entry that the kernel has made, or may replace, has a MAC address that
// no holder has. It is used until the kernel finds out, which takes up to a minute.
func (w walker) wrongEntry(ctx context.Context, c crossing) Cause {
	entry, ok := w.entryFor(ctx, c.out, c.wanted, false)
	neighbours := newFlood(w.view, 0, nothing).from(c.out)
	right := w.link(c.in).MAC
	if !ok || right == (state.MAC{}) || right == entry.MAC {
		return Cause{}
	}
	if slices.ContainsFunc(w.holders(neighbours, c.wanted), func(l neighbour) bool { return w.link(l.in).MAC == entry.MAC }) {
		return Cause{}
	}
	return w.entryCause(ctx, c.neighbour, entry)
}

// entryCause names a neighbour entry with a wrong MAC address, or the interface whose own has changed.
func (w walker) entryCause(ctx context.Context, l neighbour, entry state.NeighbourEntry) Cause {
	node, other, right := state.NodeOf(l.out.Namespace), state.NodeOf(l.in.Namespace), w.link(l.in).MAC
	if cause := w.groupEntry(ctx, l, entry); cause.Found() {
		return cause
	}
	if op, ok := w.driftedMAC(l.in); ok && op.MAC == entry.MAC {
		return Cause{
			Reason:  v1alpha1.ReasonHostUnreachable,
			Node:    other,
			Message: shorten(fmt.Sprintf("interface %s of %s has MAC address %s instead of %s, to which %s sends packets for %s", l.in.Name, other, right, entry.MAC, node, entry.Address)),
			Fix:     w.drifted(op),
		}
	}
	if cause := w.stranger(ctx, l, entry); cause.Found() && !entry.Permanent {
		return cause
	}
	kind, intended := "a neighbour entry", "resolve the address again"
	if entry.Permanent {
		kind, intended = "a permanent neighbour entry", "undo it unless it is intended"
	}
	fix := fit(intended, fmt.Sprintf("ip -n %s neighbour delete %s dev %s", l.out.Namespace, entry.Address, l.out.Name))
	if op, ok := w.driftedEntry(l.out, entry.Address); ok {
		fix = w.drifted(op)
	}
	return Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: shorten(fmt.Sprintf("%s has %s, %s is %s on %s, but the MAC address of %s is %s", node, kind, entry.Address, entry.MAC, l.out.Name, other, right)),
		Fix:     fix,
	}
}

// groupEntry is the cause if a route makes the next hop an address of broadcasts or multicasts. The kernel makes a permanent
// entry for it (arp_constructor), which stays after the route is gone.
func (w walker) groupEntry(ctx context.Context, l neighbour, entry state.NeighbourEntry) Cause {
	route, ok := w.localRoute(ctx, l.out.Namespace, entry.Address)
	if !ok || entry.MAC[0]&1 == 0 || route.Undo == "" {
		return Cause{}
	}
	node := state.NodeOf(l.out.Namespace)
	return Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: shorten(fmt.Sprintf("%s sends packets for %s to %s on %s: it has %s", node, entry.Address, entry.MAC, l.out.Name, route.What)),
		Fix:     undo(route) + fmt.Sprintf("; ip -n %s neighbour delete %s dev %s", l.out.Namespace, entry.Address, l.out.Name),
	}
}

// driftedEntry is the planned operation on a neighbour entry.
func (v view) driftedEntry(out state.LinkID, address netip.Addr) (state.Op, bool) {
	id := state.NeighbourID{Namespace: out.Namespace, NeighbourKey: state.NeighbourKey{Link: out.Name, Address: address}}
	if op, ok := planned(v, func(o state.ReplaceNeighbour) bool { return o.NeighbourID == id }); ok {
		return op, true
	}
	op, ok := planned(v, func(o state.DeleteNeighbour) bool { return o.NeighbourID == id })
	return op, ok
}

// driftedMAC is the planned operation that gives an interface its MAC address again.
func (v view) driftedMAC(id state.LinkID) (state.SetMAC, bool) {
	return planned(v, func(o state.SetMAC) bool { return o.LinkID == id })
}

// duplicateMAC is the cause if another interface on a segment has the MAC address of either end of a crossing:
// switches send frames to the one that sent last. On a cable without a switch it does no harm.
func (w walker) duplicateMAC(c crossing) Cause {
	if len(c.through()) == 0 {
		return Cause{}
	}
	members := w.members(c)
	for _, end := range []state.LinkID{c.in, c.out} {
		for _, other := range members {
			if other.Namespace != end.Namespace && w.link(other).MAC == w.link(end).MAC && w.link(end).MAC != (state.MAC{}) {
				return w.duplicateMACCause(c, end, other)
			}
		}
	}
	return Cause{}
}

// members are the interfaces on a segment, and those of the switches on the path.
func (w walker) members(c crossing) []state.LinkID {
	members := []state.LinkID{c.out}
	for _, l := range newFlood(w.view, 0, nothing).from(c.out) {
		members = append(members, l.in)
	}
	for _, p := range c.positions {
		if p.direction == inside {
			members = append(members, w.links[p.link.Namespace]...)
		}
	}
	return members
}

func (w walker) duplicateMACCause(c crossing, end, other state.LinkID) Cause {
	culprit, fix := other, fmt.Sprintf("in the spec, give %s and %s different MAC addresses", state.NodeOf(end.Namespace), state.NodeOf(other.Namespace))
	for _, id := range []state.LinkID{end, other} {
		if op, ok := w.driftedMAC(id); ok {
			culprit = id
			fix = w.drifted(op) + fmt.Sprintf("; ip -n %s neighbour flush to %s", c.out.Namespace, c.wanted) // its entry has the other address
		}
	}
	return Cause{
		Reason: v1alpha1.ReasonDuplicateAddress,
		Node:   state.NodeOf(culprit.Namespace),
		Message: shorten(fmt.Sprintf("duplicate MAC address %s on link %s of %s: interface %s of %s and %s of %s both have it", w.link(end).MAC, c.out.Name, state.NodeOf(c.out.Namespace),
			end.Name, state.NodeOf(end.Namespace), other.Name, state.NodeOf(other.Namespace))),
		Fix: fix,
	}
}
