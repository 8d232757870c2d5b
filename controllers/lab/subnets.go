// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// subnet is a named range, with at most one prefix per family.
type subnet struct {
	name  string
	field string
	cidrs []netip.Prefix
}

// prefix is the subnet's range of a family.
func (s *subnet) prefix(f family) (netip.Prefix, bool) {
	for _, p := range s.cidrs {
		if familyOf(p.Addr()) == f {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

func (n *network) addSubnets() {
	n.checkLabSize("subnets", len(n.spec.Subnets), 256)
	for i, s := range n.spec.Subnets {
		field := fieldAt("spec.subnets", i)
		n.checkName(field+".name", s.Name)
		if other := n.subnetByName[s.Name]; other != nil {
			n.refuse(field+".name", "give one of them another name", "%q is already the name of %s", s.Name, other.field)
			continue
		}
		x := &subnet{name: s.Name, field: field, cidrs: n.parseSubnet(field, s.CIDRs)}
		n.subnets = append(n.subnets, x)
		n.subnetByName[s.Name] = x
	}
}

func (n *network) parseSubnet(field string, cidrs []string) []netip.Prefix {
	if len(cidrs) == 0 {
		n.refuse(field+".cidrs", "write a prefix, such as 192.0.2.0/24", "a subnet needs at least one prefix")
	}
	var parsed []netip.Prefix
	for i, text := range cidrs {
		field := fieldAt(field+".cidrs", i)
		p, ok := n.parseRange(field, text)
		switch {
		case !ok:
		case p != p.Masked():
			n.refuse(field, fmt.Sprintf("write %s", p.Masked()), "%s has host bits", p)
		case slices.ContainsFunc(parsed, func(q netip.Prefix) bool { return q.Addr().Is4() == p.Addr().Is4() }):
			n.refuse(field, "use two subnets", "a subnet has at most one prefix per address family")
		default:
			parsed = append(parsed, p)
		}
	}
	return parsed
}

// parseRange parses a prefix from which addresses are derived: those of one that has to do with the
// loopback address are not all unicast, nor are those around 255.255.255.255; the kernel makes no route
// to a network 0.0.0.0; and a link-local one is on every link already.
func (n *network) parseRange(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return n.parsePrefix(field, text)
	}
	switch a := p.Addr(); {
	case !isUnicast(a), p.Contains(netip.IPv6Loopback()), p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1})),
		p == netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 254}), 31):
		n.refuse(field, "use a prefix of unicast addresses, such as 192.0.2.0/24 or fd00::/64", "%s has addresses that no interface of a lab can have", p)
		return p, false
	case state.IsLinkLocal(a):
		n.refuse(field, "write a link-local address, where it matters, under addresses", "%s is link-local: every interface with IPv6 has such an address, and routes to them do not exist", p)
		return p, false
	}
	return p, true
}

func (n *network) subnetNames() []string {
	names := make([]string, len(n.subnets))
	for i, s := range n.subnets {
		names[i] = s.name
	}
	return names
}

func (n *network) checkSwitchSubnet(field, name string) {
	if name != "" && n.subnetByName[name] == nil {
		n.refuseAbsent(SubnetAbsent, field, n.known("subnets", n.subnetNames()), "no subnet is called %q", name)
	}
}

// checkSharedSubnets refuses what would make derived addresses ambiguous: one subnet on two
// segments, and two subnets that overlap. It runs before addresses are derived.
func (n *network) checkSharedSubnets() {
	for _, f := range families {
		n.checkOneSegment(f)
		n.checkOverlaps(f)
	}
}

func (n *network) checkOneSegment(f family) {
	first := map[*subnet]*segment{}
	for _, s := range n.segments() {
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
			n.refuseAbsent(AnyAbsent, s.subnetField, "use a subnet of its own for each segment, or write the addresses at all ends of both",
				"%s is also the subnet of another segment (%s)", s.subnet.name, other.subnetField)
			return
		default:
			n.warn(s.subnetField, "", "%s is also the subnet of another segment (%s)", s.subnet.name, other.subnetField)
		}
	}
}

func (n *network) checkOverlaps(f family) {
	derived := map[*subnet]bool{}
	for _, s := range n.segments() {
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
				n.refuseAbsent(AnyAbsent, s.field+".cidrs", "choose prefixes that do not overlap", "%s overlaps %s of subnet %s", p, q, other.name)
			default:
				n.warn(s.field+".cidrs", "", "%s overlaps %s of subnet %s", p, q, other.name)
			}
		}
	}
}

// warnUnused warns of subnets that no segment has.
func (n *network) warnUnused() {
	used := map[*subnet]bool{}
	for _, s := range n.segments() {
		used[s.subnet] = true
	}
	for _, s := range n.subnets {
		if !used[s] {
			n.warn(s.field, "name it as the subnet of a link or a switch, or remove it", "nothing carries %s", s.name)
		}
	}
}
