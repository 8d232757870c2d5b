// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

func (n *network) addLoopbacks() {
	for _, x := range n.nodes {
		for i, text := range x.config.Loopbacks {
			field := fieldAt(x.field+".loopbacks", i)
			p, ok := n.parsePrefix(field, text)
			switch {
			case !ok:
			case state.IsLinkLocal(p.Addr()):
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

func (n *network) parsePrefix(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		fix := "write it in CIDR notation, such as 192.0.2.1/24 or fd00::1/64"
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			fix = fmt.Sprintf("add the prefix length: %s/%d", a, a.BitLen())
		}
		n.refuse(field, fix, "%q is not an address with a prefix length", text)
		return p, false
	}
	a := p.Addr()
	if !isUnicast(a) {
		n.refuse(field, "use a unicast address", "%s is an address that no interface of a lab can have", p)
		return p, false
	}
	return p, true
}

// isUnicast reports whether an interface of a lab can have an address, and a route lead via it.
func isUnicast(a netip.Addr) bool {
	limitedBroadcast := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	return !a.Is4In6() && !a.IsMulticast() && !a.IsLoopback() && !a.IsUnspecified() && a != limitedBroadcast
}

// canonicalOrder is how the kernel lists addresses that are added in this order: IPv4
// primaries, IPv4 secondaries, then IPv6 as written.
func canonicalOrder(written []netip.Prefix) []netip.Prefix {
	var list, six []netip.Prefix
	for _, p := range written {
		if p.Addr().Is4() {
			list = state.InsertIPv4(list, p)
		} else {
			six = append(six, p)
		}
	}
	return append(list, six...)
}

func (n *network) addAddresses() {
	for _, e := range n.allEnds() {
		n.addWritten(e)
	}
}

func (n *network) addWritten(e *end) {
	for i, text := range e.written {
		field := fieldAt(e.field+".addresses", i)
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
	if subnet := e.segment.subnet; subnet != nil && !state.IsLinkLocal(p.Addr()) {
		if s, ok := subnet.prefix(familyOf(p.Addr())); ok && !s.Contains(p.Addr()) {
			n.warn(field, "write an address of the subnet, or drop the subnet", "%s is outside %s (%s), the segment's subnet", p, subnet.name, s)
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

// deriveAddresses gives an address to every end that has none of a family its segment's
// subnet has: links and ends in stored order, namespaces from below, routers from above.
func (n *network) deriveAddresses() {
	n.checkSharedSubnets()
	ends := n.allEnds()
	for _, f := range families {
		taken := map[*segment]map[netip.Addr]bool{}
		var without []*end
		for _, e := range ends {
			if e.derives(f) {
				without = append(without, e)
			}
			if taken[e.segment] == nil {
				taken[e.segment] = map[netip.Addr]bool{}
			}
			for _, p := range e.of(f) {
				taken[e.segment][p.Addr()] = true
			}
		}
		for _, e := range without {
			n.deriveEnd(e, f, taken[e.segment])
		}
	}
	for _, e := range ends {
		e.addresses = canonicalOrder(e.addresses)
	}
}

// derives reports whether the end gets a derived address of the family: not where somebody wrote
// one, and not at a switch. A link-local address only takes the place of the EUI-64 one.
func (e *end) derives(f family) bool {
	if e.segment.subnet == nil || e.node.sw != nil || !onlyLinkLocal(e.of(f)) {
		return false
	}
	_, ok := e.segment.subnet.prefix(f)
	return ok
}

// derives reports whether some end of the segment gets a derived address of the family.
func (s *segment) derives(f family) bool {
	return slices.ContainsFunc(s.ends, func(e *end) bool { return e.derives(f) })
}

func (n *network) deriveEnd(e *end, f family, taken map[netip.Addr]bool) {
	pool, _ := e.segment.subnet.prefix(f)
	a, ok := freeAddress(pool, taken, e.node.router)
	if !ok {
		n.refuseAbsent(AnyAbsent, e.field, "use a larger prefix", "no address of %s (%s) is free for %s", e.segment.subnet.name, pool, e.node.name)
		return
	}
	p := netip.PrefixFrom(a, pool.Bits())
	taken[a] = true
	e.addresses = append(e.addresses, p)
	e.derived[p] = true
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

// holder is where an address stands, for messages about duplicates.
type holder struct {
	field   string
	segment *segment // nil for a loopback
	derived bool
}

// checkAddresses refuses an address twice on one segment and a derived address that is
// anywhere else too, and IPv6 where the kernel has none.
func (n *network) checkAddresses() {
	holders := map[netip.Addr][]holder{}
	for _, x := range n.nodes {
		for i, p := range x.loopbacks {
			n.checkDuplicate(holders, p.Addr(), holder{field: fieldAt(x.field+".loopbacks", i)})
		}
	}
	for _, e := range n.allEnds() {
		for _, p := range e.addresses {
			n.checkDuplicate(holders, p.Addr(), holder{e.field, e.segment, e.derived[p]})
		}
		if e.mtu < state.MinIPv6MTU && len(e.of(ipv6)) > 0 {
			n.refuse(e.field, fmt.Sprintf("raise the MTU to at least %d or use IPv4", state.MinIPv6MTU), "the kernel has no IPv6 on a link with an MTU of %d", e.mtu)
		}
	}
	for _, s := range n.segments() {
		n.checkMACs(s)
		n.checkPrefixLengths(s)
		if len(s.ends) == 2 {
			n.checkSharedPrefix(s)
		}
	}
}

func (n *network) checkDuplicate(holders map[netip.Addr][]holder, a netip.Addr, at holder) {
	for _, other := range holders[a] {
		switch {
		case at.segment != nil && at.segment == other.segment:
			n.refuse(at.field, "give each end its own", "%s is also the address of %s, on the same segment", a, other.field)
		case state.IsLinkLocal(a):
		case at.derived || other.derived:
			n.refuseAbsent(AnyAbsent, at.field, "write another address at one of the two", "%s is also the address of %s, and one of them is derived", a, other.field)
		default:
			n.warn(at.field, "", "%s is also the address of %s", a, other.field)
		}
	}
	holders[a] = append(holders[a], at)
}

// checkPrefixLengths warns of the first two ends of a segment whose prefixes overlap and are not
// the same: what one takes for a neighbour, the other may take for far away. A host's own prefix
// (/32, /128) is no mistake.
func (n *network) checkPrefixLengths(s *segment) {
	first := map[netip.Prefix]*end{}
	var known []netip.Prefix // addresses, one of each prefix
	for _, e := range s.ends {
		for _, p := range e.addresses {
			if state.IsLinkLocal(p.Addr()) || p.Bits() == p.Addr().BitLen() || first[p.Masked()] != nil {
				continue
			}
			for _, q := range known {
				if other := first[q.Masked()]; other.node != e.node && q.Overlaps(p) {
					n.warn(e.field, "give both one prefix length", "%s at %s and %s at %s are on one segment", p, e.node.name, q, other.node.name)
					return
				}
			}
			first[p.Masked()], known = e, append(known, p)
		}
	}
}

// checkSharedPrefix warns of two ends that cannot see each other.
func (n *network) checkSharedPrefix(s *segment) {
	for _, f := range families {
		a, b := s.ends[0].of(f), s.ends[1].of(f)
		if len(a) > 0 && len(b) > 0 && !s.ends[0].isConnectedToAny(b) && !s.ends[1].isConnectedToAny(a) {
			n.warn(s.ends[0].segmentField(), "give both ends addresses of one prefix", "the %s addresses of its ends (%s, %s) share no prefix", f, a[0], b[0])
		}
	}
}

// segmentField is the field that a message about an end's whole segment points to.
func (e *end) segmentField() string {
	if e.link == nil {
		return e.field
	}
	return e.link.field
}
