// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// subnet is a named subnet, with at most one prefix per family.
type subnet struct {
	name  string
	field string
	cidrs []netip.Prefix
}

// prefix is the subnet's prefix of a family.
func (s *subnet) prefix(f family) (netip.Prefix, bool) {
	for _, p := range s.cidrs {
		if familyOf(p.Addr()) == f {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// addSubnets adds the subnets with the prefixes that are usable.
func (n *network) addSubnets() {
	n.checkLabSize("subnets", len(n.spec.Subnets), 256)
	for i, s := range n.spec.Subnets {
		field := fieldAt("spec", "subnets", i)
		n.checkName(field, "name", s.Name)
		if other := n.subnetByName[s.Name]; other != nil {
			n.refuseName(field, s.Name, other.field)
			continue
		}
		x := &subnet{name: s.Name, field: field, cidrs: n.parseSubnet(field, s.CIDRs)}
		n.subnets = append(n.subnets, x)
		n.subnetByName[s.Name] = x
	}
}

func (n *network) parseSubnet(field string, cidrs []string) []netip.Prefix {
	if len(cidrs) == 0 {
		n.refuse(field+".cidrs", "write a prefix, such as 192.0.2.0/24", "the subnet has no prefix")
	}
	var parsed []netip.Prefix
	for i, text := range cidrs {
		field := fieldAt(field, "cidrs", i)
		p, ok := n.parseRange(field, text)
		switch {
		case !ok:
		case p != p.Masked():
			n.refuse(field, fmt.Sprintf("write %s", p.Masked()), "%s has host bits set", p)
		case slices.ContainsFunc(parsed, func(q netip.Prefix) bool { return q.Addr().Is4() == p.Addr().Is4() }):
			n.refuse(field, "write it as another subnet", "%s is the second %s prefix of the subnet", p, familyOf(p.Addr()))
		default:
			parsed = append(parsed, p)
		}
	}
	return parsed
}

// parseRange parses a prefix from which addresses are derived. All of them must be unicast: no prefix may
// contain a loopback or the limited broadcast address. The kernel makes no connected route to network
// 0.0.0.0, and gives every IPv6 interface its link-local prefix itself.
func (n *network) parseRange(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		n.refuse(field, rangeFix(text), "%q is not a prefix", text)
		return p, false
	}
	switch a := p.Addr(); {
	case specialKind(a) != "", p.Contains(netip.IPv6Loopback()), p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1})),
		p == netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 254}), 31):
		n.refuse(field, "write a prefix of unicast addresses, such as 192.0.2.0/24 or fd00::/64", "%s contains addresses that no interface of a lab can have", p)
		return p, false
	case state.IsLinkLocal(a):
		n.refuse(field, "write single link-local addresses under addresses instead", "%s is link-local: every IPv6 interface has such an address, and no route leads to it", p)
		return p, false
	}
	return p, true
}

// rangeFix adds the usual prefix length to an address, without its host bits.
func rangeFix(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return "write it in CIDR notation, such as 192.0.2.0/24 or fd00::/64"
	}
	return "add the prefix length, such as " + netip.PrefixFrom(a, linkLengths[familyOf(a)]).Masked().String()
}

func (n *network) subnetNames() []string {
	names := make([]string, len(n.subnets))
	for i, s := range n.subnets {
		names[i] = s.name
	}
	return names
}

// subnetCalled finds the subnet that an object names; nil, with the problem reported, where there is none.
func (n *network) subnetCalled(field, name string) *subnet {
	s := n.subnetByName[name]
	if s == nil && name != "" {
		n.refuseAbsent(SubnetAbsent, field+".subnet", n.knownSubnets(), "subnet %q does not exist", name)
	}
	return s
}

// knownSubnets is a fix: the names to choose from.
func (n *network) knownSubnets() string {
	return choice("the lab's subnets", n.subnetNames(), "add it under spec.subnets")
}

// checkSharedSubnets refuses a subnet on two segments and two subnets that overlap, where addresses are
// derived from them: the same address could be on two segments.
func (n *network) checkSharedSubnets() {
	for _, f := range families {
		n.checkOneSegment(f)
		n.checkOverlaps(f)
	}
}

func (n *network) checkOneSegment(f family) {
	first := map[*subnet]*segment{}
	for _, s := range n.segments {
		if s.subnet == nil {
			continue
		}
		if _, ok := s.subnet.prefix(f); !ok {
			continue
		}
		other, shared := first[s.subnet]
		switch {
		case !shared:
			first[s.subnet] = s
		case s.derives(f) || other.derives(f):
			n.refuseAbsent(AnyAbsent, s.subnetField, "use one subnet per segment, or write the addresses at all ends of both",
				"subnet %s is also used on another segment, by %s", s.subnet.name, other.subnetField)
			return
		default:
			n.warn(s.subnetField, "use one subnet per segment", "subnet %s is also used on another segment, by %s", s.subnet.name, other.subnetField)
		}
	}
}

// anyOverlap reports whether two subnets overlap: then two neighbours in sorted order do.
func (n *network) anyOverlap(f family) bool {
	var prefixes []netip.Prefix
	for _, s := range n.subnets {
		if p, ok := s.prefix(f); ok {
			prefixes = append(prefixes, p)
		}
	}
	slices.SortFunc(prefixes, state.ComparePrefixes)
	for i := range prefixes[min(1, len(prefixes)):] {
		if prefixes[i].Overlaps(prefixes[i+1]) {
			return true
		}
	}
	return false
}

func (n *network) checkOverlaps(f family) {
	if !n.anyOverlap(f) {
		return
	}
	derived := map[*subnet]bool{}
	for _, s := range n.segments {
		if s.derives(f) {
			derived[s.subnet] = true
		}
	}
	for i, s := range n.subnets {
		p, ok := s.prefix(f)
		if !ok {
			continue
		}
		for _, other := range n.subnets[:i] {
			q, ok := other.prefix(f)
			switch {
			case !ok || !p.Overlaps(q):
			case derived[s] || derived[other]:
				n.refuseAbsent(AnyAbsent, s.field+".cidrs", "write prefixes that do not overlap", "%s overlaps %s of subnet %s", p, q, other.name)
			default:
				n.warn(s.field+".cidrs", "write prefixes that do not overlap", "%s overlaps %s of subnet %s", p, q, other.name)
			}
		}
	}
}

// warnSharedPrefixes warns of a node with one prefix on links to two segments: the kernel's connected routes to
// it are equal, and it uses one of them for every address but those with a route of their own.
func (n *network) warnSharedPrefixes() {
	for _, x := range n.nodes {
		first := map[netip.Prefix]*end{}
		for _, e := range x.ends {
			for _, p := range e.addresses {
				network := p.Masked()
				other, shared := first[network]
				switch {
				case state.IsLinkLocal(p.Addr()) || p.IsSingleIP() || !hasConnectedRoute(p):
				case !shared:
					first[network] = e
				case other.segment != e.segment && !n.hasRouteInside(x, network):
					n.warn(e.field, "use one subnet per link, or write routes with link: to single hosts", "%s has %s on %s and on %s, and sends packets to it over one of them only", x.name, network, other.label(), e.label())
				}
			}
		}
	}
}

// hasRouteInside reports whether a route of the node with a link leads to a part of the prefix.
func (n *network) hasRouteInside(x *node, network netip.Prefix) bool {
	return slices.ContainsFunc(x.config.Routes, func(r v1alpha1.Route) bool {
		inside := func(p netip.Prefix) bool { return network.Contains(p.Addr()) && p.Bits() > network.Bits() }
		return r.Link != "" && slices.ContainsFunc(n.prefixesOf(r.To), inside)
	})
}

// warnUnusedSubnets warns of subnets that no segment has.
func (n *network) warnUnusedSubnets() {
	used := map[*subnet]bool{}
	for _, s := range n.segments {
		used[s.subnet] = true
	}
	for _, s := range n.subnets {
		if !used[s] {
			n.warn(s.field, fmt.Sprintf("write subnet: %s at a link or a switch, or remove it", s.name), "subnet %s is not used", s.name)
		}
	}
}
