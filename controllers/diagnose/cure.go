// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// maxText is the length of a message or cure, in characters.
const maxText = 300

// shorten cuts a text that is too long.
func shorten(text string) string {
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text)[:maxText-3]) + "..."
}

// fit is what to write in the spec and, where there is room for it, the command that does
// the same by hand: half a command would be worse than none.
func fit(spec, command string) string {
	if both := spec + "; by hand: " + command; utf8.RuneCountInString(both) <= maxText {
		return both
	}
	return shorten(spec)
}

func sysctlCure(namespace, spec, name, value string) string {
	return fit("in the spec, "+spec, fmt.Sprintf("ip netns exec %s sysctl -w %s=%s", namespace, name, value))
}

// routeCure gives a node a route to an address: via the neighbour on the shortest way there.
func (v view) routeCure(namespace string, address netip.Addr) string {
	node := topology.NodeOf(namespace)
	if len(v.ends(namespace)) == 0 {
		return fmt.Sprintf("in the spec, a link from %s to another node", node)
	}
	first, via, ok := v.neighbour(namespace, address)
	if !ok {
		return fmt.Sprintf("in the spec, routing: Auto, or a route to %s on %s", address, node)
	}
	to := v.destination(namespace, address)
	router := topology.NodeOf(first.in.Namespace)
	spec := fmt.Sprintf("in the spec, routing: Auto, or on %s routes: [{to: %q, via: %s}]", node, to, router)
	if to == defaultRoute {
		spec = fmt.Sprintf("in the spec, routing: Auto, or on %s routes: [{to: default, via: %s}]", node, router)
	}
	return fit(spec, fmt.Sprintf("ip -n %s route add %s", namespace, hop(first.out, via, address, to)))
}

const defaultRoute = "default"

// destination is what a route should cover: everything where there is only one way out,
// else the subnet of the address.
func (v view) destination(namespace string, address netip.Addr) string {
	if len(v.ends(namespace)) == 1 {
		return defaultRoute
	}
	subnet := netip.PrefixFrom(address, address.BitLen())
	for id := range v.State.Addresses {
		if id.Prefix.Addr() == address && id.Prefix.Bits() < subnet.Bits() {
			subnet = id.Prefix.Masked()
		}
	}
	return subnet.String()
}

// neighbour is the first hop on the shortest way to an address; to one that nobody has, the
// only neighbour.
func (v view) neighbour(namespace string, address netip.Addr) (first leg, via netip.Addr, ok bool) {
	path, reached := v.path(namespace, address, nothing)
	if !reached {
		path = v.onlyNeighbour(namespace, address)
	}
	if len(path) == 0 {
		return leg{}, via, false
	}
	via, ok = v.gatewayOn(path[0], address)
	return path[0], via, ok
}

// onlyNeighbour is the leg to the one node that a node with one way out is connected with, or
// to the only router among several.
func (v view) onlyNeighbour(namespace string, address netip.Addr) []leg {
	ends := v.ends(namespace)
	if len(ends) != 1 {
		return nil
	}
	legs := newFlood(v, 0, isDown).from(ends[0])
	if len(legs) > 1 {
		legs = slices.DeleteFunc(legs, func(l leg) bool { return !v.isRouter(l.in.Namespace, address) })
	}
	if len(legs) > 1 {
		return nil
	}
	return legs
}

// isRouter reports whether a node forwards packets of an address's family.
func (v view) isRouter(namespace string, address netip.Addr) bool {
	name := topology.SysctlForwarding6
	if address.Is4() {
		name = topology.SysctlForwarding
	}
	return v.sysctl(namespace, name) == "1"
}

// gatewayOn is the address of a leg's other end that can be a gateway for an address: one
// in a subnet of this end, else its IPv6 link-local one, which IPv4 can use too (RFC 8950).
func (v view) gatewayOn(l leg, address netip.Addr) (netip.Addr, bool) {
	var linkLocal netip.Addr
	for _, p := range v.addresses[l.in] {
		switch candidate := p.Addr(); {
		case candidate.Is6() && candidate.IsLinkLocalUnicast():
			linkLocal = candidate
		case candidate.Is4() == address.Is4() && v.onSubnet(l.out, candidate):
			return candidate, true
		}
	}
	return linkLocal, linkLocal.IsValid()
}

// hop is a route as ip route writes it. A link-local gateway needs its interface; with an
// IPv6 gateway ip takes default for IPv6's.
func hop(out topology.LinkID, via, address netip.Addr, to string) string {
	switch {
	case !via.IsLinkLocalUnicast():
		return fmt.Sprintf("%s via %s", to, via)
	case address.Is6():
		return fmt.Sprintf("%s via %s dev %s", to, via, out.Name)
	case to == defaultRoute:
		to = "0.0.0.0/0"
	}
	return fmt.Sprintf("%s via inet6 %s dev %s", to, via, out.Name)
}

// gatewayCure corrects a next hop that nobody has: there is one neighbour, or one that is a router.
func (v view) gatewayCure(out topology.LinkID, wrong netip.Addr, neighbours []leg) string {
	node := topology.NodeOf(out.Namespace)
	for _, l := range neighbours {
		if right, ok := v.gatewayOn(l, wrong); ok && (len(neighbours) == 1 || v.isRouter(l.in.Namespace, wrong)) {
			return fmt.Sprintf("in the spec, correct the routes of %s: %s has %s on that link", node, topology.NodeOf(l.in.Namespace), right)
		}
	}
	return fmt.Sprintf("in the spec, give %s the address %s on that link, or correct the routes of %s", someone(neighbours), wrong, node)
}
