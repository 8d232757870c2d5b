// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// missing tells why a node has no route to an address, if more is known, and the fix: a route via the first
// neighbour of the shortest path, or what such a route needs.
func (v view) missing(namespace string, address netip.Addr) (why, fix string) {
	node := state.NodeOf(namespace)
	ends := v.ends(namespace)
	if len(ends) == 0 {
		return "", fmt.Sprintf("in the spec, add a link from %s to another node", node)
	}
	path, reached := v.path(namespace, address, nothing)
	if !reached {
		if _, reached = v.path(namespace, address, all); !reached && v.owner(address) != "" {
			owner := state.NodeOf(v.owner(address))
			return fmt.Sprintf(": no path of links from %s to %s", node, owner), fmt.Sprintf("in the spec, add a link on the path from %s to %s", node, owner)
		}
		path = v.onlyNeighbour(namespace, address)
	}
	if len(path) == 0 {
		return "", v.inSpec(fmt.Sprintf("add a route to %s on %s", address, node))
	}
	first := path[0]
	if len(path) == 1 && v.linkHas(first.in, address) && !state.IsLinkLocal(address) {
		return v.outsidePrefix(first, address)
	}
	if via, ok := v.gatewayOn(first, address); ok {
		return "", v.routeFixTo("add", v.destination(namespace, address), first, via, address)
	}
	return v.noGateway(first, address)
}

// routeFixTo is the fix that gives a node a route via a neighbour.
func (v view) routeFixTo(verb, to string, first neighbour, via, address netip.Addr) string {
	node := state.NodeOf(first.out.Namespace)
	hops := v.viaInSpec(first, via, address)
	quoted := fmt.Sprintf("%q", to)
	if to == defaultRoute {
		quoted = to
	}
	return fit(v.inSpec(fmt.Sprintf("add to %s routes: [{to: %s, %s}]", node, quoted, hops)),
		fmt.Sprintf("ip -n %s route %s %s", first.out.Namespace, verb, v.hop(first.out, via, address, to)))
}

// viaInSpec is a next hop as a route in the spec has it: the neighbour's name, with the link if there are several to it.
// A neighbour that has other addresses is named by the one to be used.
func (v view) viaInSpec(l neighbour, via, to netip.Addr) string {
	if _, others := v.addressOf(l.in, to); others && state.IsLinkLocal(via) {
		return fmt.Sprintf("via: %q, link: %s", via, l.out.Name)
	}
	if v.severalLinks(l) {
		return fmt.Sprintf("via: %s, link: %s", state.NodeOf(l.in.Namespace), l.out.Name)
	}
	return "via: " + state.NodeOf(l.in.Namespace)
}

// severalLinks reports whether a node has more than one link to a neighbour, up or down. A route in the spec
// then names the link.
func (v view) severalLinks(l neighbour) bool {
	links := 0
	for _, end := range v.ends(l.out.Namespace) {
		for _, other := range newFlood(v, 0, all).from(end) {
			if other.in.Namespace == l.in.Namespace {
				links++
				break
			}
		}
	}
	return links > 1
}

// outsidePrefix is the fix if an address is on the same segment, outside all prefixes of the sender.
func (v view) outsidePrefix(l neighbour, address netip.Addr) (why, fix string) {
	node, other := state.NodeOf(l.out.Namespace), state.NodeOf(l.in.Namespace)
	why = fmt.Sprintf(": %s has it on the same link, but outside the prefixes of %s", other, node)
	spec := fmt.Sprintf("in the spec, use one prefix at both ends (%s), or add to %s routes: [{to: %q, link: %s}]",
		v.bothEnds(l, address), node, host(address), l.out.Name)
	return why, fit(spec, fmt.Sprintf("ip -n %s route add %s dev %s", l.out.Namespace, host(address), l.out.Name))
}

// noGateway tells why a neighbour cannot be a gateway: it has no address of the family on the link, or one
// outside the sender's prefixes.
func (v view) noGateway(l neighbour, address netip.Addr) (why, fix string) {
	node, other := state.NodeOf(l.out.Namespace), state.NodeOf(l.in.Namespace)
	theirs, ok := v.addressOf(l.in, address)
	if !ok {
		family := familyName(address)
		return fmt.Sprintf(": its next hop would be %s, which has no %s address on link %s", other, family, l.out.Name),
			fmt.Sprintf("in the spec, give that link addresses, or a subnet with an %s prefix", family)
	}
	why = fmt.Sprintf(": its next hop would be %s, whose address %s is outside the prefixes of %s on link %s", other, theirs.Addr(), node, l.out.Name)
	spec := fmt.Sprintf("in the spec, use one prefix at both ends of that link (%s)", v.bothEnds(l, address))
	return why, fit(spec, v.onLinkRoute(l, address, theirs.Addr()))
}

// onLinkRoute is the command for a route via a neighbour whose address is outside the prefixes of the link. The kernel refuses
// one if another interface has a route to it (ip6_route_check_nh_onlink), or the node has it itself. A link-local gateway is
// always taken.
func (v view) onLinkRoute(l neighbour, address, via netip.Addr) string {
	to := v.destination(l.out.Namespace, address)
	if local := v.linkLocal(l.in); local.IsValid() && v.linkLocal(l.out).IsValid() && (address.Is6() || v.has(l.out.Namespace, via)) {
		return fmt.Sprintf("ip -n %s route add %s", l.out.Namespace, v.hop(l.out, local, address, to))
	}
	return fmt.Sprintf("ip -n %s route add %s via %s dev %s onlink", l.out.Namespace, to, via, l.out.Name)
}

// addressOf is an interface's first address of the family of another address, link-local ones excluded.
func (v view) addressOf(id state.LinkID, like netip.Addr) (netip.Prefix, bool) {
	for _, p := range v.addresses[id] {
		if p.Addr().Is4() == like.Is4() && !state.IsLinkLocal(p.Addr()) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// bothEnds lists the addresses of an interface and of its neighbour, of the family of another address.
func (v view) bothEnds(l neighbour, like netip.Addr) string {
	var list []string
	for _, id := range []state.LinkID{l.out, l.in} {
		text := state.NodeOf(id.Namespace) + " has none"
		if p, ok := v.addressOf(id, like); ok {
			text = fmt.Sprintf("%s has %s", state.NodeOf(id.Namespace), p)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
