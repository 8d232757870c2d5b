// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// follow collects what the requests and replies of a probe have resolved.
func (s *neighbours) follow(p Probe) {
	from := s.nodeByName[p.From]
	request := &course{neighbours: s, to: p.To.WithZone(""), link: p.To.Zone(), seen: map[*node]bool{}}
	request.pass(from, true)
	for _, source := range request.sources {
		for _, target := range request.reached {
			reply := &course{neighbours: s, to: source, link: target.arrival(source), seen: map[*node]bool{}}
			reply.pass(target.node, true)
		}
	}
}

// course is the way of packets to an address, over all legs.
type course struct {
	*neighbours
	to netip.Addr
	// link is the interface over which a link-local address is reached.
	link string
	seen map[*node]bool
	// sources are those that the sender may choose.
	sources []netip.Addr
	reached []arrival
}

// arrival is a node that has the address, and the interface over which packets came.
type arrival struct {
	node *node
	end  *end
}

// arrival is the interface for a reply to a link-local address.
func (a arrival) arrival(source netip.Addr) string {
	if a.end == nil || !state.IsLinkLocal(source) {
		return ""
	}
	return a.end.iface
}

// pass follows packets from a node on.
func (c *course) pass(x *node, isSender bool) {
	c.seen[x] = true
	for _, leg := range c.legs(x) {
		if isSender {
			c.addSources(leg)
		}
		c.resolve(leg, isSender)
		holder := leg.end.holder(leg.next)
		switch {
		case holder == nil || c.seen[holder.node]:
		case holder.node.deliversLocally(c.to) || holder.hasAddress(c.to):
			c.seen[holder.node] = true
			c.reached = append(c.reached, arrival{holder.node, holder})
		case holder.node.forwardsTo(c.to):
			c.pass(holder.node, false)
		}
	}
}

func (x *node) forwardsTo(a netip.Addr) bool {
	setting := state.IPv4Forwarding
	if a.Is6() {
		setting = state.IPv6Forwarding
	}
	return x.settings()[setting] == state.On
}

func (c *course) legs(x *node) []leg {
	if c.link != "" {
		if e := x.endOf(c.link); e != nil {
			return []leg{{end: e, next: c.to}}
		}
		return nil
	}
	if x.deliversLocally(c.to) {
		return nil
	}
	return c.lookupOf(x).legs(c.to)
}

// resolve notes the entries that both ends of a leg learn. A node asks for an IPv4 address from the packet's source if
// that is its own, and from its first address in the subnet otherwise. For IPv6 it asks from its link-local address as
// well, and the neighbour then asks for that.
func (c *course) resolve(l leg, isSender bool) {
	if !l.next.IsValid() || c.spec.Neighbors == v1alpha1.NeighborsStatic && c.addStatic(l.end, l.next) {
		return
	}
	c.learned[resolution{l.end, l.next}] = true
	asked := []*end{l.end.holder(l.next)}
	if asked[0] == nil {
		asked = l.end.proxies()
	}
	for _, o := range asked {
		for _, a := range l.askers(isSender, c.sources) {
			c.learned[resolution{o, a}] = true
		}
		if l.next.Is6() && o.linkLocal.IsValid() {
			c.learned[resolution{l.end, o.linkLocal.Addr()}] = true
		}
	}
}

// askers are the addresses from which a node resolves a neighbour.
func (l leg) askers(isSender bool, sources []netip.Addr) (all []netip.Addr) {
	if isSender {
		all = slices.Clone(sources)
	}
	if l.next.Is6() {
		all = slices.DeleteFunc(all, func(a netip.Addr) bool { return !l.end.hasAddress(a) })
		return append(all, l.end.linkLocal.Addr())
	}
	if near := l.end.sourceTo(l.next); near.IsValid() {
		all = append(all, near)
	}
	return all
}

// addSources adds the addresses that a sender may choose: the route's, else the one of the interface in the subnet of
// the next hop or, for IPv6, those that have most bits in common with the destination (RFC 6724, rule 8).
func (c *course) addSources(l leg) {
	switch {
	case l.source.IsValid():
		c.addSource(l.source)
	case state.IsLinkLocal(c.to):
		c.addSource(l.end.linkLocal.Addr())
	case c.to.Is4():
		c.addSource(cmp.Or(l.end.sourceTo(l.next), l.end.node.address(ipv4)))
	default:
		c.addSource(cmp.Or(l.end.nearestTo(c.to), l.end.node.address(ipv6)))
	}
}

func (c *course) addSource(a netip.Addr) {
	if a.IsValid() && !slices.Contains(c.sources, a) {
		c.sources = append(c.sources, a)
	}
}

// sourceTo is the interface's IPv4 address in the subnet of another, else its first (inet_select_addr).
func (e *end) sourceTo(a netip.Addr) netip.Addr {
	own := e.of(ipv4)
	if i := slices.IndexFunc(own, func(p netip.Prefix) bool { return p.Contains(a) }); i >= 0 {
		return own[i].Addr()
	}
	if len(own) > 0 {
		return own[0].Addr()
	}
	return netip.Addr{}
}

// nearestTo is the interface's global IPv6 address that has most bits in common with another.
func (e *end) nearestTo(a netip.Addr) (nearest netip.Addr) {
	most := -1
	for _, p := range e.of(ipv6) {
		if common := commonBits(p.Addr(), a); !state.IsLinkLocal(p.Addr()) && common > most {
			nearest, most = p.Addr(), common
		}
	}
	return nearest
}

func commonBits(a, b netip.Addr) int {
	bits := 0
	for bits < a.BitLen() && netip.PrefixFrom(a, bits+1).Masked().Contains(b) {
		bits++
	}
	return bits
}
