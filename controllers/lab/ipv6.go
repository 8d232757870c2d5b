// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// enableIPv6 finds the nodes with IPv6 and gives their links link-local addresses.
func (n *network) enableIPv6() {
	for _, x := range n.nodes {
		x.ipv6 = slices.ContainsFunc(x.loopbacks, isIPv6) || x.has(ipv6) || slices.ContainsFunc(x.ends, (*end).needsIPv6) || slices.ContainsFunc(x.config.Routes, toIPv6)
	}
	for _, e := range n.ends {
		if e.node.ipv6 && e.mtu >= state.MinIPv6MTU && !e.bridgeOnly() {
			e.linkLocal = e.chosenLinkLocal()
		}
	}
}

func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() }

// bridgeOnly reports whether the end is a switch's bridge without addresses.
func (e *end) bridgeOnly() bool { return e.node.sw != nil && len(e.addresses) == 0 }

// toIPv6 reports whether a route's destination or next hop is written in IPv6: without IPv6 the kernel takes
// not even a blackhole route to it.
func toIPv6(r v1alpha1.Route) bool {
	p, err := netip.ParsePrefix(r.To)
	return err == nil && p.Addr().Is6() || viaIPv6(r.Via) || slices.ContainsFunc(r.NextHops, func(h v1alpha1.NextHop) bool { return viaIPv6(h.Via) })
}

func viaIPv6(via string) bool {
	a, err := netip.ParseAddr(via)
	return err == nil && a.Is6()
}

// needsIPv6 reports whether the end has an IPv6 address or needs a link-local one. A written link-local
// address counts even without neighbours.
func (e *end) needsIPv6() bool { return len(e.of(ipv6)) > 0 || e.needsLinkLocal() }

// needsLinkLocal reports whether next hops on the segment can be link-local only: the end or a neighbour
// has no IPv4 address, or the end has an IPv6 one.
func (e *end) needsLinkLocal() bool {
	if e.mtu < state.MinIPv6MTU || e.bridgeOnly() {
		return false
	}
	needed := len(e.of(ipv4)) == 0 || len(e.of(ipv6)) > 0
	for o := range e.neighbours() {
		if o.mtu >= state.MinIPv6MTU && !o.bridgeOnly() && (needed || len(o.of(ipv4)) == 0) {
			return true
		}
	}
	return false
}

// chosenLinkLocal is the written link-local address, else the EUI-64 one.
func (e *end) chosenLinkLocal() netip.Prefix {
	for _, p := range e.addresses {
		if state.IsLinkLocal(p.Addr()) {
			return p
		}
	}
	return LinkLocal(e.mac)
}

// checkLinkLocals refuses a derived link-local address that another node has on the segment. checkAddresses
// compares the written ones.
func (n *network) checkLinkLocals() {
	for _, s := range n.segments {
		for i, e := range s.ends {
			if other := e.sharesLinkLocal(s.ends[:i]); other != nil {
				n.refuse(e.field, "write another address or MAC address at one of them", "%s is also the link-local address of %s on the same segment", e.shared(other), other.field)
			}
		}
	}
}

// sharesLinkLocal is the first of the ends of other nodes that has the same link-local address, one of the two
// derived. checkMACs has refused two with the same MAC address.
func (e *end) sharesLinkLocal(ends []*end) *end {
	for _, other := range ends {
		if other.node != e.node && other.mac != e.mac && e.shared(other).IsValid() {
			return other
		}
	}
	return nil
}

// shared is an address of two ends that is derived at one of them from its MAC address.
func (e *end) shared(other *end) (shared netip.Addr) {
	for _, pair := range [][2]*end{{e, other}, {other, e}} {
		derived := pair[0].linkLocal
		if derived.IsValid() && !slices.Contains(pair[0].addresses, derived) && pair[1].hasAddress(derived.Addr()) {
			return derived.Addr()
		}
	}
	return shared
}

// LinkLocal is the IPv6 link-local address of a MAC address: the modified EUI-64 of RFC 4291, appendix A,
// under fe80::/64.
func LinkLocal(mac state.MAC) netip.Prefix {
	a := [16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 0x02, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]}
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}
