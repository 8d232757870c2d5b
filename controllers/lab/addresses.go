// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// addLoopbacks adds the addresses that are written for lo.
func (n *network) addLoopbacks() {
	for _, x := range n.nodes {
		for i, text := range x.config.Loopbacks {
			field := fieldAt(x.field, "loopbacks", i)
			p, ok := n.parsePrefix(field, text, loopbackLengths)
			switch {
			case !ok:
			case slices.ContainsFunc(x.loopbacks, func(q netip.Prefix) bool { return q.Addr() == p.Addr() }):
				n.refuseDuplicate(field, p.Addr().String())
			default:
				x.loopbacks = append(x.loopbacks, p)
			}
		}
		x.loopbacks = canonicalOrder(x.loopbacks)
	}
}

// The usual prefix lengths, for fixes.
var (
	loopbackLengths = map[family]int{ipv4: 32, ipv6: 128}
	linkLengths     = map[family]int{ipv4: 24, ipv6: 64}
)

// parsePrefix parses an interface's address and prefix length.
func (n *network) parsePrefix(field, text string, usual map[family]int) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		n.refuse(field, n.prefixFix(text, usual), "%q is not an address with a prefix length", text)
		return p, false
	}
	if kind := specialKind(p.Addr()); kind != "" {
		n.refuse(field, "write a unicast address", "%s is %s address, which no interface of a lab can have", p, kind)
		return p, false
	}
	if p.Bits() == 0 {
		n.refuse(field, fmt.Sprintf("write its prefix length, such as %s/%d", p.Addr(), n.prefixLength(p.Addr(), usual)), "%s has prefix length 0, and so every address in its prefix", p)
		return p, false
	}
	return p, true
}

func (n *network) prefixFix(text string, usual map[family]int) string {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return "write it in CIDR notation, such as 192.0.2.1/24 or fd00::1/64"
	}
	return fmt.Sprintf("add the prefix length, such as %s/%d", a, n.prefixLength(a, usual))
}

// prefixLength is the prefix length that an address most likely has: that of the lab's subnet that contains it, else the
// usual one. A loopback has a host prefix.
func (n *network) prefixLength(a netip.Addr, usual map[family]int) int {
	length := usual[familyOf(a)]
	if length == a.BitLen() {
		return length
	}
	for _, s := range n.subnets {
		for _, p := range s.cidrs {
			if p.Contains(a) {
				return p.Bits()
			}
		}
	}
	return length
}

// specialKind is the kind of an address that the kernel does not accept at an interface or as a next hop,
// for messages; empty for a unicast address.
func specialKind(a netip.Addr) string {
	switch {
	case a.Is4In6():
		return "an IPv4-mapped IPv6"
	case a.IsMulticast():
		return "a multicast"
	case a.IsLoopback():
		return "a loopback"
	case a.IsUnspecified():
		return "the unspecified"
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "the limited broadcast"
	}
	return ""
}

// specialGateway is specialKind for next hops. The kernel takes all of 0.0.0.0/8 for broadcast there.
func specialGateway(a netip.Addr) string {
	if a.Is4() && a.As4()[0] == 0 && !a.IsUnspecified() {
		return "a reserved"
	}
	return specialKind(a)
}

// canonicalOrder is the order in which the kernel lists addresses that are added in this order: IPv4
// primaries, IPv4 secondaries, then IPv6.
func canonicalOrder(written []netip.Prefix) []netip.Prefix {
	if len(written) < 2 {
		return written
	}
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

// addAddresses adds the written addresses of every interface.
func (n *network) addAddresses() {
	for _, e := range n.ends {
		n.addWritten(e)
	}
}

func (n *network) addWritten(e *end) {
	for i, text := range e.written {
		field := fieldAt(e.field, "addresses", i)
		p, ok := n.parsePrefix(field, text, linkLengths)
		if !ok {
			continue
		}
		if slices.ContainsFunc(e.addresses, func(q netip.Prefix) bool { return q.Addr() == p.Addr() }) {
			n.refuseDuplicate(field, p.Addr().String())
			continue
		}
		n.checkWritten(field, e, p)
		e.addresses = append(e.addresses, p)
	}
	e.addresses = canonicalOrder(e.addresses)
}

// checkWritten warns of an address outside the segment's subnet, and of one that identifies no host.
func (n *network) checkWritten(field string, e *end, p netip.Prefix) {
	if subnet := e.segment.subnet; subnet != nil && !state.IsLinkLocal(p.Addr()) {
		if s, ok := subnet.prefix(familyOf(p.Addr())); ok && !s.Contains(p.Addr()) {
			n.warn(field, fmt.Sprintf("write an address in %s, or remove %s", s, e.segment.subnetField), "%s is outside subnet %s (%s)", p, subnet.name, s)
		}
	}
	if network, broadcast := reserved(p); p.Addr() == network || p.Addr() == broadcast {
		n.warn(field, "write a host address of the prefix", "%s is the network or broadcast address of %s", p.Addr(), p.Masked())
	}
	if !hasConnectedRoute(p) {
		n.warn(field, "write a longer prefix", "the kernel makes no route to %s, the prefix of %s: no neighbour is in it", p.Masked(), p)
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

// deriveAddresses gives each end an address of every family that its segment's subnet has and the end
// lacks. Ends go in stored order; namespaces get the lowest free address, routers the highest.
func (n *network) deriveAddresses() {
	n.checkSharedSubnets()
	for _, f := range families {
		for _, s := range n.segments {
			if s.derives(f) {
				n.deriveSegment(s, f)
			}
		}
	}
}

func (n *network) deriveSegment(s *segment, f family) {
	taken := make(map[netip.Addr]bool, len(s.ends))
	var without []*end
	for _, e := range s.ends {
		if e.derives(f) {
			without = append(without, e)
		}
		for _, p := range e.of(f) {
			taken[p.Addr()] = true
		}
	}
	for _, e := range without {
		n.deriveEnd(e, f, taken)
	}
}

// derives reports whether the end gets a derived address of the family. A written address prevents it,
// except a link-local one, which only replaces the EUI-64 address. A switch gets none.
func (e *end) derives(f family) bool {
	if e.segment.subnet == nil || e.node.sw != nil || !onlyLinkLocal(e.of(f)) {
		return false
	}
	_, ok := e.segment.subnet.prefix(f)
	return ok
}

// derives reports whether an end of the segment gets a derived address of the family.
func (s *segment) derives(f family) bool {
	return slices.ContainsFunc(s.ends, func(e *end) bool { return e.derives(f) })
}

func (n *network) deriveEnd(e *end, f family, taken map[netip.Addr]bool) {
	pool, _ := e.segment.subnet.prefix(f)
	a, ok := freeAddress(pool, taken, e.node.router)
	if !ok {
		n.refuseAbsent(AnyAbsent, e.field, "write a larger prefix for the subnet", "subnet %s (%s) has no free address for %s", e.segment.subnet.name, pool, e.node.name)
		return
	}
	p := netip.PrefixFrom(a, pool.Bits())
	taken[a] = true
	e.addresses = canonicalOrder(append(e.addresses, p))
	e.derived = append(e.derived, p)
}

// freeAddress is the lowest or the highest address of the pool that is not taken.
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

// poolRange is the range of addresses to derive. IPv4: all but the network and broadcast addresses; both
// addresses of a /31 (RFC 3021), the one of a /32. IPv6: ::1 to ::fe; both addresses of a /127
// (RFC 6164), the one of a /128.
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

// holder is an end or a loopback that has an address.
type holder struct {
	field   string
	segment *segment // nil for a loopback
	derived bool
	earlier *holder // of the same address
}

// checkAddresses refuses an address used twice on one segment, a derived address used twice anywhere,
// and IPv6 below its minimum MTU, where the kernel removes it from the interface.
func (n *network) checkAddresses() {
	latest := make(map[netip.Addr]*holder, 2*len(n.ends)+len(n.nodes))
	for _, x := range n.nodes {
		for i, p := range x.loopbacks {
			n.checkDuplicate(latest, p.Addr(), holder{field: fieldAt(x.field, "loopbacks", i)})
		}
	}
	for _, e := range n.ends {
		for _, p := range e.addresses {
			n.checkDuplicate(latest, p.Addr(), holder{field: e.field, segment: e.segment, derived: slices.Contains(e.derived, p)})
		}
		if e.mtu < state.MinIPv6MTU && len(e.of(ipv6)) > 0 {
			n.refuse(e.field, fmt.Sprintf("write mtu: %d or more, or only IPv4 addresses", state.MinIPv6MTU), "MTU %d is below %d, the minimum for IPv6", e.mtu, state.MinIPv6MTU)
		}
	}
	for _, x := range n.nodes {
		n.checkBroadcasts(x)
	}
	for _, s := range n.segments {
		n.checkMACs(s)
		n.checkPrefixLengths(s)
		if len(s.ends) == 2 {
			n.checkSharedPrefix(s)
		}
	}
}

func (n *network) checkDuplicate(latest map[netip.Addr]*holder, a netip.Addr, at holder) {
	for other := latest[a]; other != nil; other = other.earlier {
		switch {
		case at.segment != nil && at.segment == other.segment:
			n.refuse(at.field, "write another address at one of them", "%s is also the address of %s on the same segment", a, other.field)
		case state.IsLinkLocal(a):
		case at.derived || other.derived:
			n.refuseAbsent(AnyAbsent, at.field, "write another address at one of them", "%s is also the address of %s, and one of the two is derived", a, other.field)
		default:
			n.warn(at.field, "write another address at one of them, unless it is an anycast address", "%s is also the address of %s", a, other.field)
		}
	}
	at.earlier = latest[a]
	latest[a] = &at
}

// checkBroadcasts refuses an address that is the broadcast address of another of the node: the kernel sees
// either in it, depending on the order in which they came.
func (n *network) checkBroadcasts(x *node) {
	for _, e := range x.ends {
		for _, p := range e.of(ipv4) {
			_, broadcast := reserved(p)
			if field, ok := x.fieldOf(broadcast); ok && broadcast != p.Addr() {
				n.refuse(field, "write another address, or another prefix length", "%s is the broadcast address of %s, which %s has on %s", broadcast, p, x.name, e.label())
			}
		}
	}
}

// fieldOf is the field of one of the node's addresses.
func (x *node) fieldOf(a netip.Addr) (field string, ok bool) {
	same := func(p netip.Prefix) bool { return p.Addr() == a }
	if slices.ContainsFunc(x.loopbacks, same) {
		return x.field + ".loopbacks", true
	}
	for _, e := range x.ends {
		if slices.ContainsFunc(e.addresses, same) {
			return e.field, true
		}
	}
	return "", false
}

// checkPrefixLengths warns of the first two ends of a segment whose prefixes overlap and differ: an
// address that is on-link for one is behind a gateway for the other. A host prefix (/32, /128) is legal.
func (n *network) checkPrefixLengths(s *segment) {
	type user struct {
		prefix netip.Prefix // an address of the end with its prefix length
		end    *end
	}
	var users []user // the first of each prefix
	for _, e := range s.ends {
		for _, p := range e.addresses {
			same := func(u user) bool { return u.prefix.Bits() == p.Bits() && u.prefix.Contains(p.Addr()) }
			if state.IsLinkLocal(p.Addr()) || p.Bits() == p.Addr().BitLen() || slices.ContainsFunc(users, same) {
				continue
			}
			for _, u := range users {
				if u.end.node != e.node && u.prefix.Overlaps(p) {
					n.warn(e.field, "write the same prefix length at both", "%s has %s and %s has %s on one segment", e.node.name, p, u.end.node.name, u.prefix)
					return
				}
			}
			users = append(users, user{p, e})
		}
	}
}

// checkSharedPrefix warns of two ends of which neither is on-link for the other.
func (n *network) checkSharedPrefix(s *segment) {
	for _, f := range families {
		a, b := s.ends[0].of(f), s.ends[1].of(f)
		if len(a) > 0 && len(b) > 0 && !s.ends[0].isConnectedToAny(b) && !s.ends[1].isConnectedToAny(a) {
			n.warn(s.ends[0].segmentField(), "write addresses from one prefix at both ends", "the %s addresses of the two ends, %s and %s, share no prefix", f, a[0], b[0])
		}
	}
}

// segmentField is the field for a message about the end's segment.
func (e *end) segmentField() string {
	if e.link == nil {
		return e.field
	}
	return e.link.field
}

// addAddressRows expects addresses in canonical order.
func addAddressRows(rows state.Namespace, link string, addresses []netip.Prefix) {
	order := 0
	for _, p := range addresses {
		row := state.Address{}
		if p.Addr().Is4() {
			row.Order = order
			order++
		}
		rows.Addresses[state.AddressKey{Link: link, Prefix: p}] = row
	}
}
