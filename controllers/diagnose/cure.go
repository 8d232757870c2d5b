// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"
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
	if len(v.cables(namespace)) == 0 {
		return fmt.Sprintf("in the spec, a link from %s to another node", node)
	}
	out, via, ok := v.neighbour(namespace, address)
	if !ok {
		return fmt.Sprintf("in the spec, routing: Auto, or a route to %s on %s", address, node)
	}
	to := v.destination(namespace, address)
	router := topology.NodeOf(v.State.Links[out].Peer.Namespace)
	spec := fmt.Sprintf("in the spec, routing: Auto, or on %s routes: [{to: %q, via: %s}]", node, to, router)
	if to == defaultRoute {
		spec = fmt.Sprintf("in the spec, routing: Auto, or on %s routes: [{to: default, via: %s}]", node, router)
	}
	return fit(spec, fmt.Sprintf("ip -n %s route add %s", namespace, hop(out, via, address, to)))
}

const defaultRoute = "default"

// destination is what a route should cover: everything where there is only one way out,
// else the subnet of the address.
func (v view) destination(namespace string, address netip.Addr) string {
	if len(v.cables(namespace)) == 1 {
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
func (v view) neighbour(namespace string, address netip.Addr) (out topology.LinkID, via netip.Addr, ok bool) {
	path, reached := v.path(namespace, address, v.carries)
	if !reached {
		path = v.cables(namespace)
	}
	if len(path) == 0 || !reached && len(path) > 1 {
		return out, via, false
	}
	via, ok = v.gatewayOn(path[0], address)
	return path[0], via, ok
}

// gatewayOn is the address of a link's other end that can be a gateway for an address: one
// in a subnet of this end, else its IPv6 link-local one, which IPv4 can use too (RFC 8950).
func (v view) gatewayOn(out topology.LinkID, address netip.Addr) (netip.Addr, bool) {
	var linkLocal netip.Addr
	for _, p := range v.addresses[v.State.Links[out].Peer] {
		switch candidate := p.Addr(); {
		case candidate.Is6() && candidate.IsLinkLocalUnicast():
			linkLocal = candidate
		case candidate.Is4() == address.Is4() && v.onSubnet(out, candidate):
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

// gatewayCure corrects a next hop that nobody has.
func (v view) gatewayCure(out topology.LinkID, wrong netip.Addr) string {
	node, peer := topology.NodeOf(out.Namespace), topology.NodeOf(v.State.Links[out].Peer.Namespace)
	right, ok := v.gatewayOn(out, wrong)
	if !ok {
		return fmt.Sprintf("in the spec, give %s the address %s on that link, or correct the routes of %s", peer, wrong, node)
	}
	return fmt.Sprintf("in the spec, correct the routes of %s: %s has %s on that link", node, peer, right)
}
