// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// noHolder is the cause if no neighbour answers for the gateway or the destination.
func (w walker) noHolder(p packet, out state.LinkID, decision state.ForwardingDecision, neighbours []neighbour) Cause {
	node, wanted := state.NodeOf(out.Namespace), nextHop(p, decision)
	cause := Cause{Reason: v1alpha1.ReasonHostUnreachable, Node: node}
	if _, gone := w.made(out); gone {
		cause.Message = fmt.Sprintf("no node on link %s has address %s: interface %s of %s %s", out.Name, wanted, out.Name, node, w.absence(out))
		cause.Fix = drift
		return cause
	}
	if lost := w.missingAtNeighbour(out, wanted, neighbours); lost.Found() {
		return lost
	}
	holder := slices.IndexFunc(neighbours, func(l neighbour) bool { return w.has(l.in.Namespace, wanted) })
	switch {
	case holder >= 0:
		return w.unanswered(out, neighbours[holder].in, wanted)
	case decision.Via.IsValid():
		cause.Message = fmt.Sprintf("no node on link %s has address %s, the gateway of %s for %s", out.Name, wanted, node, p.destination)
		cause.Fix = w.gatewayFix(p, out, wanted, neighbours)
	case len(w.owners[wanted]) > 0:
		return w.notOnLink(p, out)
	default:
		cause.Message = fmt.Sprintf("no node on link %s has address %s", out.Name, wanted)
		cause.Fix = w.addressFix(out, wanted, neighbours, "probe another address")
	}
	return cause
}

// unanswered is the cause if a neighbour has an address and does not answer for it on this interface:
// arp_ignore is set, or the address is on another interface, for which IPv6 never answers.
func (w walker) unanswered(out, in state.LinkID, wanted netip.Addr) Cause {
	node, other := state.NodeOf(out.Namespace), state.NodeOf(in.Namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    other,
		Message: fmt.Sprintf("%s does not answer %s for %s from %s: the address is on another interface", other, resolution(wanted), wanted, node),
		Fix:     fmt.Sprintf("in the spec, use a next hop that %s has on that link", other),
	}
	ignore := w.strictest(in, state.AllARPIgnore, state.ARPIgnore)
	if wanted.Is6() || ignore.value == state.Absent {
		return cause
	}
	cause.Message = fmt.Sprintf("%s does not answer ARP for %s from %s: %s is %s", other, wanted, node, ignore.key, ignore.value)
	cause.Fix = w.settingFix(in.Namespace, fmt.Sprintf("remove arp_ignore from the sysctls of %s", other), ignore.key, state.Off)
	return cause
}

// resolution is the protocol that resolves an address.
func resolution(address netip.Addr) string {
	if address.Is4() {
		return "ARP"
	}
	return "neighbour solicitations"
}

// neighbourName is the only neighbour's name.
func neighbourName(neighbours []neighbour) string {
	if len(neighbours) == 1 {
		return state.NodeOf(neighbours[0].in.Namespace)
	}
	return "a node"
}

// notOnLink is the cause if a node resolves a destination on a link where it is not: its prefix there is too
// short, so the packet goes to no gateway.
func (w walker) notOnLink(p packet, out state.LinkID) Cause {
	node, owner := state.NodeOf(out.Namespace), state.NodeOf(w.owner(p.destination))
	cause := Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: fmt.Sprintf("%s expects %s on link %s, but %s, which has it, is not on that link", node, p.destination, out.Name, owner),
		Fix:     fmt.Sprintf("in the spec, correct the routes of %s", node),
	}
	path, _ := w.path(out.Namespace, p.destination, nothing)
	own, ok := w.covering(out, p.destination)
	if gone := w.missingInterface(p, out.Namespace); gone.Found() && w.asWanted(out.Namespace, p.destination, state.ForwardingDecision{Link: out.Name}) {
		return gone
	}
	if len(path) == 1 && path[0].out != out && w.onSubnet(path[0].out, p.destination) {
		cause.Message = fmt.Sprintf("%s expects %s on link %s, but %s, which has it, is on link %s, and both links have a prefix with it",
			node, p.destination, out.Name, owner, path[0].out.Name)
		cause.Fix = w.hostRoute(path[0], p.destination)
		return cause
	}
	if !ok {
		cause.Fix = w.byAnotherWay(cause.Fix, "replace", path, p.destination)
		return cause
	}
	cause.Message = fmt.Sprintf("%s expects %s on link %s because of its prefix %s, but %s, which has it, is not on that link", node, p.destination, out.Name, own, owner)
	if op, ok := w.unwantedAddress(out.Namespace, func(p netip.Prefix) bool { return p == own }); ok {
		cause.Fix = w.drifted(op)
		return cause
	}
	cause.Fix = fmt.Sprintf("in the spec, use a longer prefix than /%d for %s on %s", own.Bits(), own.Addr(), node)
	if len(path) == 0 || path[0].out != out {
		return cause
	}
	for _, theirs := range w.addresses[path[0].in] {
		if theirs.Masked().Contains(own.Addr()) && !theirs.Masked().Contains(p.destination) {
			cause.Fix = fmt.Sprintf("in the spec, use %s on %s (%s has %s)",
				netip.PrefixFrom(own.Addr(), theirs.Bits()), node, state.NodeOf(path[0].in.Namespace), theirs)
		}
	}
	cause.Fix = w.byAnotherWay(cause.Fix, "add", path, p.destination)
	return cause
}

// byAnotherWay adds to a fix the command for a host route via the first neighbour of a path.
func (v view) byAnotherWay(fix, verb string, path []neighbour, address netip.Addr) string {
	if len(path) == 0 {
		return fix
	}
	out := path[0].out
	via, ok := v.gatewayOn(path[0], address)
	if !ok {
		return fix
	}
	return fit(fix, fmt.Sprintf("ip -n %s route %s %s", out.Namespace, verb, v.hop(out, via, address, host(address).String())))
}

// owner is the network namespace of the first node with an address; empty if there is none.
func (v view) owner(address netip.Addr) (first string) {
	for namespace := range v.owners[address] {
		if first == "" || namespace < first {
			first = namespace
		}
	}
	return first
}

// covering is the address of an interface whose prefix contains another address.
func (v view) covering(id state.LinkID, address netip.Addr) (netip.Prefix, bool) {
	for _, p := range v.addresses[id] {
		if p.Contains(address) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

func host(address netip.Addr) netip.Prefix { return netip.PrefixFrom(address, address.BitLen()) }

// gatewayFix corrects a gateway that no node has: to the only neighbour, the one on the path, or one that is
// a router.
func (w walker) gatewayFix(p packet, out state.LinkID, wrong netip.Addr, neighbours []neighbour) string {
	node := state.NodeOf(out.Namespace)
	candidates := neighbours
	if path, ok := w.path(out.Namespace, p.destination, nothing); ok && path[0].out == out {
		candidates = append(path[:1:1], neighbours...)
	}
	for _, l := range candidates {
		if right, ok := w.gatewayOn(l, wrong); ok && right.Is4() == wrong.Is4() && (len(neighbours) == 1 || w.isRouter(l.in.Namespace, wrong)) {
			return w.correction(p, out, wrong, l.in.Namespace, right)
		}
	}
	return w.addressFix(out, wrong, neighbours, "correct the routes of "+node)
}

// addressFix gives a neighbour an address that no node has. Which neighbour is clear only if there is one.
func (w walker) addressFix(out state.LinkID, wanted netip.Addr, neighbours []neighbour, or string) string {
	spec := "in the spec, give %s the address %s on that link%s, or %s"
	own, ok := w.covering(out, wanted)
	if len(neighbours) != 1 || !ok || state.IsLinkLocal(wanted) {
		return fmt.Sprintf(spec, neighbourName(neighbours), wanted, "", or)
	}
	in, command := neighbours[0].in, "ip -n %s address add %s dev %s"
	if wanted.Is6() {
		command += " nodad"
	}
	missing := netip.PrefixFrom(wanted, own.Bits())
	spec = fmt.Sprintf(spec, neighbourName(neighbours), wanted, w.insteadOf(in, missing), or)
	return fit(spec, fmt.Sprintf(command, in.Namespace, missing, in.Name))
}

// insteadOf names the address of an interface that another one cannot be given in addition to: it is the network or
// broadcast address of the other's prefix, or the other way round.
func (v view) insteadOf(id state.LinkID, added netip.Prefix) string {
	for _, p := range v.addresses[id] {
		if isEdge(added, p.Addr()) || isEdge(p, added.Addr()) {
			return " instead of " + p.Addr().String()
		}
	}
	return ""
}

// isEdge reports whether an IPv4 address is the network or the broadcast address of a prefix.
func isEdge(p netip.Prefix, a netip.Addr) bool {
	if !a.Is4() || !p.Contains(a) || p.Bits() > 30 {
		return false
	}
	return a == p.Masked().Addr() || !p.Contains(a.Next())
}

// correction replaces the gateway of the route that a packet takes.
func (v view) correction(p packet, out state.LinkID, wrong netip.Addr, router string, right netip.Addr) string {
	spec := fmt.Sprintf("in the spec, correct the routes of %s: %s has %s on that link", state.NodeOf(out.Namespace), state.NodeOf(router), right)
	if op, ok := v.multipathOver(out, wrong, right, p.destination); ok {
		return fit(spec, command(op))
	}
	id, ok := v.routeOver(out, wrong, p.destination)
	if !ok {
		return spec
	}
	command := fmt.Sprintf("ip -n %s route replace %s", out.Namespace, v.hop(out, right, p.destination, prefixName(id.Prefix)))
	if usual := id.Prefix.Addr().Is6() && id.Metric == state.DefaultIPv6Metric; id.Metric != 0 && !usual {
		command += fmt.Sprintf(" metric %d", id.Metric)
	}
	return fit(spec, command)
}

// multipathOver replaces one gateway of the multipath route that a packet takes.
func (v view) multipathOver(out state.LinkID, wrong, right, address netip.Addr) (op state.ReplaceRoute, ok bool) {
	id, route, _ := bestRoute(v.State, out.Namespace, address)
	hops := slices.Clone(route.NextHops())
	i := slices.IndexFunc(hops, func(h state.NextHop) bool { return h.Link == out.Name && h.Via == wrong })
	if i < 0 || len(hops) < 2 || route.MoreHops > 0 {
		return op, false
	}
	hops[i].Via = right
	route.Hops, _ = state.GroupOf(hops...)
	return state.ReplaceRoute{RouteID: id, Route: route}, true
}

// routeOver is a node's route to an address with one next hop, over an interface via a gateway: the one with
// the longest prefix.
func (v view) routeOver(out state.LinkID, via, address netip.Addr) (best state.RouteID, ok bool) {
	best.Namespace = out.Namespace
	for key, route := range v.State[out.Namespace].Routes {
		hops := route.NextHops()
		if !key.Prefix.Contains(address) || len(hops) != 1 || hops[0].Link != out.Name || hops[0].Via != via {
			continue
		}
		if !ok || key.Prefix.Bits() > best.Prefix.Bits() || key.Prefix == best.Prefix && key.Metric < best.Metric {
			best.RouteKey, ok = key, true
		}
	}
	return best, ok
}
