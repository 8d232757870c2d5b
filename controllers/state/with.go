// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// This file says what each operation does to a State; doc.go has the table of what an
// operation takes along.

func (o CreateNamespace) apply(m machine) {
	have := m.at(o.Name)
	if have.Mounted && have.Mark == o.Mark {
		return
	}
	symlink := have.Symlink
	DeleteNamespace{o.Name}.apply(m)
	n := m.in(o.Name)
	n.Mark, n.Mounted, n.Symlink = o.Mark, true, symlink
	n.Settings = InitialSettings()
	n.Links[Loopback] = Link{MTU: LoopbackMTU, Settings: LoopbackSettings(InitialValue(SettingKey{Loopback, DisableIPv6}))}
}

func (o DeleteNamespace) apply(m machine) {
	n := m.at(o.Name)
	for name, link := range n.Links {
		if link.Peer.Namespace != o.Name && m.plugged(LinkID{o.Name, name}, link.Peer) {
			m.in(link.Peer.Namespace).dropLink(link.Peer.Name)
		}
	}
	m.replace(o.Name, Namespace{Symlink: n.Symlink})
}

func (o AddSymlink) apply(m machine) { m.in(o.Name).Symlink = true }

func (o DeleteSymlink) apply(m machine) { m.in(o.Name).Symlink = false }

func (o AddLink) apply(m machine) {
	if m.plugged(o.Ends[0].LinkID, o.Ends[1].LinkID) {
		return
	}
	for i, end := range o.Ends {
		m.in(end.Namespace).addLink(end, Link{Peer: o.Ends[1-i].LinkID})
	}
}

// plugged reports whether both links are there and each is the other's peer.
func (m machine) plugged(a, b LinkID) bool {
	linkA, okA := m.link(a)
	linkB, okB := m.link(b)
	return okA && okB && linkA.Peer == b && linkB.Peer == a
}

// apply removes both ends of a link and everything on them.
func (o DeleteLink) apply(m machine) {
	link, ok := m.link(o.LinkID)
	if !ok {
		return
	}
	if m.plugged(o.LinkID, link.Peer) {
		m.in(link.Peer.Namespace).dropLink(link.Peer.Name)
	}
	m.in(o.Namespace).dropLink(o.Name)
}

func (n *Namespace) dropLink(name string) {
	for _, child := range n.children(name) {
		n.dropLink(child)
	}
	if n.Links[name].Kind == BridgeLink {
		n.dropBridge(name)
	}
	delete(n.Links, name)
	delete(n.Qdiscs, name)
	n.dropPortVLANs(name)
	n.dropAttributes(name, LinkAttribute.any)
	n.dropRoutes(name, anyPrefix)
	n.dropAddresses(name, anyAddr)
}

func (o SetAdmin) apply(m machine) {
	if _, ok := m.link(o.LinkID); ok {
		m.in(o.Namespace).setUp(o.Name, o.Up)
	}
}

func (o SetMTU) apply(m machine) {
	if _, ok := m.link(o.LinkID); ok {
		m.in(o.Namespace).setMTU(o.Name, o.MTU)
	}
}

func (o SetMAC) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) { l.MAC = o.MAC })
}

func (o SetGroup) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) { l.Group = o.Group })
}

func (o ReleaseLink) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) {
		m.in(o.Namespace).leavePort(o.Name)
		l.Master = ""
	})
}

func (m machine) changeLink(id LinkID, change func(*Link)) {
	if link, ok := m.link(id); ok {
		change(&link)
		m.in(id.Namespace).Links[id.Name] = link
	}
}

func (n *Namespace) dropIPv6(link string) {
	n.dropRoutes(link, func(p netip.Prefix) bool { return p.Addr().Is6() })
	n.dropRoutesVia6(link)
	n.dropAddresses(link, netip.Addr.Is6)
}

// dropRoutesVia6 removes IPv4 routes whose gateway on the link is an IPv6 neighbour.
func (n *Namespace) dropRoutesVia6(link string) {
	maps.DeleteFunc(n.Routes, func(_ RouteKey, r Route) bool {
		return slices.ContainsFunc(r.NextHops(), func(h NextHop) bool { return h.Link == link && h.Via.Is6() })
	})
}

// dropRoutes removes routes with a leg on the link. An IPv6 route with several legs loses
// only that one in the kernel; it is removed here all the same, so that Diff writes it again.
func (n *Namespace) dropRoutes(link string, match func(netip.Prefix) bool) {
	maps.DeleteFunc(n.Routes, func(k RouteKey, r Route) bool {
		return match(k.Prefix) && (r.onLink(link) || link == Loopback && discards6(k, r))
	})
}

// discards6 reports whether a route is one of IPv6's without legs, which the kernel keeps
// on lo and removes when lo goes down or loses IPv6. IPv4's have no device.
func discards6(k RouteKey, r Route) bool { return r.Type != Unicast && k.Prefix.Addr().Is6() }

func anyPrefix(netip.Prefix) bool { return true }
func anyAddr(netip.Addr) bool     { return true }

// dropAddresses removes addresses the kernel itself has removed: no order to keep, no
// routes left to lose but those that name them as source.
func (n *Namespace) dropAddresses(link string, match func(netip.Addr) bool) {
	for _, key := range n.addressesOf(link) {
		if match(key.Prefix.Addr()) {
			n.removeAddress(key)
		}
	}
}

func (o AddAddress) apply(m machine) {
	n := m.in(o.Namespace)
	if have, ok := n.Addresses[o.AddressKey]; ok {
		n.Addresses[o.AddressKey] = have.again(o.Prefix)
		return
	}
	if o.Prefix.Addr().Is6() {
		n.Addresses[o.AddressKey] = Address{}
		return
	}
	n.setIPv4List(o.Link, InsertIPv4(n.ipv4List(o.Link), o.Prefix))
}

// again is the address after it was added once more. The kernel then gives an IPv6 one its route back.
func (a Address) again(prefix netip.Prefix) Address {
	if a.Altered == AlteredInPlace {
		a.Altered = Unaltered
	}
	a.Unrouted = a.Unrouted && prefix.Addr().Is4()
	return a
}

func (o AddPrefixRoute) apply(m machine) {
	n := m.in(o.Namespace)
	if row, ok := n.Addresses[o.AddressKey]; ok {
		row.Unrouted = false
		n.Addresses[o.AddressKey] = row
	}
}

func (o DeleteAddress) apply(m machine) {
	if _, ok := m.at(o.Namespace).Addresses[o.AddressKey]; !ok {
		return
	}
	n := m.in(o.Namespace)
	n.removeAddress(o.AddressKey)
	if o.Prefix.Addr().Is4() && len(n.ipv4List(o.Link)) == 0 {
		n.dropRoutes(o.Link, func(p netip.Prefix) bool { return p.Addr().Is4() })
	}
}

// removeAddress removes a row, closes the gap it leaves, and drops routes that have it as source.
func (n *Namespace) removeAddress(key AddressKey) {
	list := n.ipv4List(key.Link)
	delete(n.Addresses, key)
	if key.Prefix.Addr().Is4() {
		n.setIPv4List(key.Link, removeIPv4(list, key.Prefix))
	}
	source := key.Prefix.Addr()
	maps.DeleteFunc(n.Routes, func(_ RouteKey, r Route) bool { return r.Source == source })
}

// addressesOf lists an interface's addresses in order.
func (n *Namespace) addressesOf(link string) []AddressKey {
	var keys []AddressKey
	for key := range n.Addresses {
		if key.Link == link {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b AddressKey) int {
		return cmp.Or(cmp.Compare(n.Addresses[a].Order, n.Addresses[b].Order), a.compare(b))
	})
	return keys
}

// ipv4List is an interface's IPv4 addresses in the kernel's order.
func (n *Namespace) ipv4List(link string) []netip.Prefix { return ipv4Of(n.addressesOf(link)) }

func ipv4Of(addresses []AddressKey) []netip.Prefix {
	var list []netip.Prefix
	for _, key := range addresses {
		if key.Prefix.Addr().Is4() {
			list = append(list, key.Prefix)
		}
	}
	return list
}

func (n *Namespace) setIPv4List(link string, list []netip.Prefix) {
	for i, p := range list {
		row := n.Addresses[AddressKey{link, p}]
		row.Order = i
		n.Addresses[AddressKey{link, p}] = row
	}
}

// InsertIPv4 adds an address where the kernel does (__inet_insert_ifa): an address whose
// subnet is already there is a secondary and goes to the end, any other goes behind the
// last primary.
func InsertIPv4(list []netip.Prefix, p netip.Prefix) []netip.Prefix {
	if slices.ContainsFunc(list, sameSubnet(p)) {
		return append(slices.Clone(list), p)
	}
	return slices.Insert(slices.Clone(list), primaries(list), p)
}

// removeIPv4 removes an address the way the kernel does with promote_secondaries set
// (__inet_del_ifa): the first secondary of a removed primary is promoted. It goes behind the
// last primary that followed the removed one; where none followed, in its place. (Older
// kernels put it behind the head of the list then; the next observation shows that.)
func removeIPv4(list []netip.Prefix, p netip.Prefix) []netip.Prefix {
	at := slices.Index(list, p)
	if at < 0 {
		return list
	}
	last := primaries(list) - 1
	rest := slices.Delete(slices.Clone(list), at, at+1)
	promoted := slices.IndexFunc(rest, sameSubnet(p))
	if at > last || promoted < 0 {
		return rest
	}
	heir := rest[promoted]
	rest = slices.Delete(rest, promoted, promoted+1)
	return slices.Insert(rest, last, heir)
}

// primaries counts the addresses at the head of the list that are the first of their subnet.
func primaries(list []netip.Prefix) int {
	for i, p := range list {
		if slices.ContainsFunc(list[:i], sameSubnet(p)) {
			return i
		}
	}
	return len(list)
}

func sameSubnet(p netip.Prefix) func(netip.Prefix) bool {
	return func(q netip.Prefix) bool { return q.Masked() == p.Masked() }
}

func (o ReplaceRoute) apply(m machine) { m.in(o.Namespace).Routes[o.RouteKey] = o.Route }

func (o DeleteRoute) apply(m machine) { delete(m.in(o.Namespace).Routes, o.RouteKey) }
