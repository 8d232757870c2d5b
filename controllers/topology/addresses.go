// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

func (n *network) addLoopbacks() {
	for _, x := range n.nodes {
		for i, text := range x.config.Loopbacks {
			field := fmt.Sprintf("%s.loopbacks[%d]", x.field, i)
			p, ok := n.parsePrefix(field, text)
			switch {
			case !ok:
			case p.Addr().IsLinkLocalUnicast():
				n.refuse(field, "use another address", "%s is link-local, and lo is no link", p)
			case slices.ContainsFunc(x.loopbacks, func(q netip.Prefix) bool { return q.Addr() == p.Addr() }):
				n.refuse(field, "remove one", "%s is there twice", p.Addr())
			default:
				x.loopbacks = append(x.loopbacks, p)
			}
		}
		x.loopbacks = canonicalOrder(x.loopbacks)
	}
}

// canonicalOrder is how the kernel lists addresses that are added in this order: IPv4
// primaries, IPv4 secondaries, then IPv6 as written.
func canonicalOrder(written []netip.Prefix) []netip.Prefix {
	var list, six []netip.Prefix
	for _, p := range written {
		if p.Addr().Is4() {
			list = insertIPv4(list, p)
		} else {
			six = append(six, p)
		}
	}
	return append(list, six...)
}

func (n *network) writeAddresses() {
	for _, l := range n.links {
		for _, e := range l.ends {
			n.writeEnd(e)
		}
	}
}

func (n *network) writeEnd(e *end) {
	for i, text := range e.written {
		field := fmt.Sprintf("%s.addresses[%d]", e.field, i)
		p, ok := n.parsePrefix(field, text)
		if !ok {
			continue
		}
		if slices.ContainsFunc(e.addresses, func(q netip.Prefix) bool { return q.Addr() == p.Addr() }) {
			n.refuse(field, "remove one", "%s is there twice", p.Addr())
			continue
		}
		n.checkWritten(field, e, p)
		e.addresses = append(e.addresses, p)
	}
	e.addresses = canonicalOrder(e.addresses)
}

// checkWritten says what is legal about a written address and probably not meant.
func (n *network) checkWritten(field string, e *end, p netip.Prefix) {
	if e.link.subnet != nil && !p.Addr().IsLinkLocalUnicast() {
		if s, ok := e.link.subnet.prefix(familyOf(p.Addr())); ok && !s.Contains(p.Addr()) {
			n.warn(field, "write an address of the subnet, or drop the link's subnet", "%s is outside %s (%s), the link's subnet", p, e.link.subnet.name, s)
		}
	}
	if network, broadcast := reserved(p); p.Addr() == network || p.Addr() == broadcast {
		n.warn(field, "choose an address in between", "%s is the network or broadcast address of %s", p.Addr(), p.Masked())
	}
}

// reserved are the network and broadcast addresses of an IPv4 prefix; zero where it has none.
func reserved(p netip.Prefix) (network, broadcast netip.Addr) {
	if !p.Addr().Is4() || p.Bits() > 30 {
		return netip.Addr{}, netip.Addr{}
	}
	first := p.Masked().Addr().As4()
	last := binary.BigEndian.Uint32(first[:]) | (1<<(32-p.Bits()) - 1)
	return p.Masked().Addr(), netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, last)))
}

// deriveAddresses gives an address to every end that has none of a family its link's
// subnet has: links and ends in stored order, namespaces from below, routers from above.
func (n *network) deriveAddresses() {
	n.checkSharedSubnets()
	for _, f := range families {
		for _, l := range n.links {
			n.deriveLink(l, f)
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			e.addresses = canonicalOrder(e.addresses)
		}
	}
}

func (n *network) deriveLink(l *link, f family) {
	if l.subnet == nil {
		return
	}
	pool, ok := l.subnet.prefix(f)
	if !ok {
		return
	}
	taken := map[netip.Addr]bool{}
	for _, e := range l.ends {
		for _, p := range e.of(f) {
			taken[p.Addr()] = true
		}
	}
	wrote := [2]bool{len(l.ends[0].of(f)) > 0, len(l.ends[1].of(f)) > 0}
	for i, e := range l.ends {
		if wrote[i] {
			continue
		}
		a, ok := freeAddress(pool, taken, e.node.router)
		if !ok {
			n.refuse(e.field, "use a larger prefix", "no address of %s (%s) is free for %s", l.subnet.name, pool, e.node.name)
			continue
		}
		p := netip.PrefixFrom(a, pool.Bits())
		taken[a] = true
		e.addresses = append(e.addresses, p)
		e.derived[p] = true
	}
}

// freeAddress is the lowest address of the pool that is not taken, or the highest.
func freeAddress(pool netip.Prefix, taken map[netip.Addr]bool, highest bool) (netip.Addr, bool) {
	low, high := poolRange(pool)
	a, last, step := low, high, netip.Addr.Next
	if highest {
		a, last, step = high, low, netip.Addr.Prev
	}
	for ; ; a = step(a) {
		if !taken[a] {
			return a, true
		}
		if a == last {
			return netip.Addr{}, false
		}
	}
}

// poolRange is what addresses are derived from: of IPv4 all but the network and broadcast
// addresses (both of a /31, RFC 3021; the one of a /32), of IPv6 ::1 to ::fe (both of a
// /127, RFC 6164; the one of a /128).
func poolRange(p netip.Prefix) (low, high netip.Addr) {
	first := p.Masked().Addr()
	size := p.Addr().BitLen() - p.Bits()
	switch {
	case size == 0:
		return first, first
	case size == 1:
		return first, first.Next()
	case first.Is4():
		_, broadcast := reserved(p)
		return first.Next(), broadcast.Prev()
	}
	last := first.As16() // whose host bits are zero
	last[15] |= byte(min(0xfe, 1<<min(size, 8)-1))
	return first.Next(), netip.AddrFrom16(last)
}

// derives reports whether some end of the link gets a derived address of the family.
func (l *link) derives(f family) bool {
	if l.subnet == nil {
		return false
	}
	_, carries := l.subnet.prefix(f)
	return carries && (len(l.ends[0].of(f)) == 0 || len(l.ends[1].of(f)) == 0)
}

// checkSharedSubnets refuses what would make derived addresses ambiguous: one subnet on two
// links that do not touch, and two subnets that overlap. It runs before addresses are derived.
func (n *network) checkSharedSubnets() {
	for _, f := range families {
		n.checkOneSegment(f)
		n.checkOverlaps(f)
	}
}

func (n *network) checkOneSegment(f family) {
	first := map[*subnet]*link{}
	for _, l := range n.links {
		if l.subnet == nil {
			continue
		}
		if _, ok := l.subnet.prefix(f); !ok {
			continue
		}
		other, shared := first[l.subnet]
		switch {
		case !shared:
			first[l.subnet] = l
		case l.derives(f) || other.derives(f):
			n.refuse(l.field+".subnet", "use a subnet of its own for each link, or write the addresses at all ends of both",
				"%s is also the subnet of %s, and the two links are not connected", l.subnet.name, other.name)
			return
		default:
			n.warn(l.field+".subnet", "", "%s is also the subnet of %s, and the two links are not connected", l.subnet.name, other.name)
		}
	}
}

func (n *network) checkOverlaps(f family) {
	derived := map[*subnet]bool{}
	for _, l := range n.links {
		if l.derives(f) {
			derived[l.subnet] = true
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
				n.refuse(s.field+".cidrs", "choose prefixes that do not overlap", "%s overlaps %s of subnet %s", p, q, other.name)
			default:
				n.warn(s.field+".cidrs", "", "%s overlaps %s of subnet %s", p, q, other.name)
			}
		}
	}
}

// place is where an address stands, for messages about duplicates.
type place struct {
	field   string
	link    *link // nil for a loopback
	derived bool
}

// checkAddresses refuses an address twice on one segment and a derived address that is
// anywhere else too, and IPv6 where the kernel has none.
func (n *network) checkAddresses() {
	places := map[netip.Addr][]place{}
	for _, x := range n.nodes {
		for i, p := range x.loopbacks {
			n.checkPlace(places, p.Addr(), place{field: fmt.Sprintf("%s.loopbacks[%d]", x.field, i)})
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			for _, p := range e.addresses {
				n.checkPlace(places, p.Addr(), place{e.field, l, e.derived[p]})
			}
			if e.mtu < MinIPv6MTU && len(e.of(ipv6)) > 0 {
				n.refuse(e.field, fmt.Sprintf("raise the MTU to at least %d or use IPv4", MinIPv6MTU), "the kernel has no IPv6 on a link with an MTU of %d", e.mtu)
			}
		}
		n.checkSharedPrefix(l)
	}
}

func (n *network) checkPlace(places map[netip.Addr][]place, a netip.Addr, at place) {
	for _, other := range places[a] {
		switch {
		case at.link != nil && at.link == other.link:
			n.refuse(at.field, "give each end its own", "%s is also the address of %s, on the same link", a, other.field)
		case a.IsLinkLocalUnicast():
		case at.derived || other.derived:
			n.refuse(at.field, "write another address at one of the two", "%s is also the address of %s, and one of them is derived", a, other.field)
		default:
			n.warn(at.field, "", "%s is also the address of %s", a, other.field)
		}
	}
	places[a] = append(places[a], at)
}

// checkSharedPrefix warns of two ends that cannot see each other.
func (n *network) checkSharedPrefix(l *link) {
	for _, f := range families {
		a, b := l.ends[0].of(f), l.ends[1].of(f)
		if len(a) > 0 && len(b) > 0 && !l.ends[0].sees(b) && !l.ends[1].sees(a) {
			n.warn(l.field, "give both ends addresses of one prefix", "the %s addresses of its ends (%s, %s) share no prefix", f, a[0], b[0])
		}
	}
}

// sees reports whether one of the addresses lies in a prefix of this end.
func (e *end) sees(addresses []netip.Prefix) bool {
	return slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return e.reaches(p.Addr()) })
}

// reaches reports whether the address lies in a prefix of this end.
func (e *end) reaches(a netip.Addr) bool {
	return slices.ContainsFunc(e.addresses, func(p netip.Prefix) bool { return p.Contains(a) })
}

// enableIPv6 decides which nodes have IPv6, and gives their links link-local addresses.
func (n *network) enableIPv6() {
	for _, x := range n.nodes {
		x.ipv6 = x.has(ipv6) || slices.ContainsFunc(x.ends, (*end).needsLinkLocal) || slices.ContainsFunc(x.config.Routes, toIPv6)
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			if e.node.ipv6 && e.mtu >= MinIPv6MTU {
				e.linkLocal = e.chosenLinkLocal()
			}
		}
	}
}

// toIPv6 reports whether a route's destination is written as an IPv6 prefix: a node without
// IPv6 could not even hold a blackhole there.
func toIPv6(r v1alpha1.Route) bool {
	p, err := netip.ParsePrefix(r.To)
	return err == nil && p.Addr().Is6()
}

// needsLinkLocal reports whether next hops on the link can only be link-local: an end has
// no IPv4 address, or somebody wrote a link-local one.
func (e *end) needsLinkLocal() bool {
	for _, x := range e.link.ends {
		if x.mtu < MinIPv6MTU {
			return false
		}
	}
	return len(e.of(ipv4)) == 0 || len(e.peer().of(ipv4)) == 0 || len(e.of(ipv6)) > 0
}

// chosenLinkLocal is the written link-local address, else the EUI-64 one.
func (e *end) chosenLinkLocal() netip.Prefix {
	for _, p := range e.addresses {
		if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			return p
		}
	}
	return LinkLocal(e.mac)
}
