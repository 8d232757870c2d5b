// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// This file says what each operation does to a State; doc.go has the table of what an
// operation takes along.

func (o CreateNamespace) apply(m machine) {
	ns := m.in(o.Name).Namespaces[o.Name]
	if ns.Mounted && ns.Mark == o.Mark {
		return
	}
	DeleteNamespace{o.Name}.apply(m)
	s := m.in(o.Name)
	s.Namespaces[o.Name] = Namespace{Mark: o.Mark, Mounted: true, Symlink: ns.Symlink}
	s.Links[LinkID{o.Name, Loopback}] = Link{MTU: LoopbackMTU}
	for name, value := range InitialSysctls {
		s.Sysctls[SysctlID{o.Name, name}] = value
	}
}

func (o DeleteNamespace) apply(m machine) {
	s := m.in(o.Name)
	for id := range s.Links {
		m.dropLink(id)
	}
	delete(m, o.Name)
	if s.Namespaces[o.Name].Symlink {
		m.in(o.Name).Namespaces[o.Name] = Namespace{Symlink: true}
	}
}

func (o AddSymlink) apply(m machine) {
	s := m.in(o.Name)
	ns := s.Namespaces[o.Name]
	ns.Symlink = true
	s.Namespaces[o.Name] = ns
}

func (o DeleteSymlink) apply(m machine) {
	s := m.in(o.Name)
	ns := s.Namespaces[o.Name]
	ns.Symlink = false
	if ns == (Namespace{}) {
		delete(s.Namespaces, o.Name)
		return
	}
	s.Namespaces[o.Name] = ns
}

func (o AddLink) apply(m machine) {
	if m.plugged(o.Ends[0].LinkID, o.Ends[1].LinkID) {
		return
	}
	for i, end := range o.Ends {
		m.in(end.Namespace).addLinkRow(end, Link{Peer: o.Ends[1-i].LinkID})
	}
}

// plugged reports whether both links are there and each is the other's peer.
func (m machine) plugged(a, b LinkID) bool {
	linkA, okA := m.link(a)
	linkB, okB := m.link(b)
	return okA && okB && linkA.Peer == b && linkB.Peer == a
}

func (o DeleteLink) apply(m machine) { m.dropLink(o.LinkID) }

// dropLink removes both ends of a link and everything on them.
func (m machine) dropLink(id LinkID) {
	link, ok := m.link(id)
	if !ok {
		return
	}
	if m.plugged(id, link.Peer) {
		m.in(link.Peer.Namespace).dropEnd(link.Peer)
	}
	m.in(id.Namespace).dropEnd(id)
}

func (s *State) dropEnd(id LinkID) {
	for _, child := range s.children(id.Name) {
		s.dropEnd(child)
	}
	if s.Links[id].Kind == BridgeLink {
		s.dropBridge(id)
	}
	delete(s.Links, id)
	delete(s.Qdiscs, id)
	s.dropPortVLANs(id.Name)
	s.dropOverrides(id.Name, LinkAttribute.any)
	s.dropRoutes(id.Name, anyPrefix)
	s.dropAddresses(id, anyAddr)
	s.dropLinkSysctls(id, linkSettings4)
	s.dropLinkSysctls(id, linkSettings6)
}

func (o SetAdmin) apply(m machine) {
	if _, ok := m.link(o.LinkID); ok {
		m.in(o.Namespace).setUp(o.LinkID, o.Up)
	}
}

func (o SetMTU) apply(m machine) {
	if _, ok := m.link(o.LinkID); ok {
		m.in(o.Namespace).setMTU(o.LinkID, o.MTU)
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
		m.in(id.Namespace).Links[id] = link
	}
}

func (o SetSysctl) apply(m machine) {
	s := m.in(o.Namespace)
	id := SysctlID{o.Namespace, o.Name}
	have, there := s.Sysctls[id]
	if !there && strings.HasPrefix(o.Name, bridgeSysctlPrefix) {
		return // without a bridge it is nothing that a State holds
	}
	changed := have != o.Value
	s.Sysctls[id] = o.Value
	if !changed {
		return
	}
	switch o.Name {
	case SysctlForwarding:
		s.setLinkSysctls(conf4Prefix, forwardingKey, o.Value)
		s.Sysctls[SysctlID{o.Namespace, sysctlAllRedirects}] = map[bool]string{true: "0", false: "1"}[o.Value != Disabled]
	case SysctlForwarding6:
		s.setLinkSysctls(conf6Prefix, forwardingKey, o.Value)
	case SysctlDisableIPv6:
		s.setLinkSysctls(conf6Prefix, disableIPv6Key, o.Value)
		s.Sysctls[SysctlID{o.Namespace, SysctlLoDisableIPv6}] = o.Value
		if o.Value != Disabled {
			s.dropNamespaceIPv6()
		}
	case SysctlLoDisableIPv6:
		if o.Value != Disabled {
			s.dropIPv6(LinkID{o.Namespace, Loopback})
		}
	default:
		if link, ok := linkOfSysctl(o.Name); ok && strings.HasSuffix(o.Name, "."+disableIPv6Key) && o.Value != Disabled {
			s.dropIPv6(LinkID{o.Namespace, link})
		}
	}
}

// setLinkSysctls writes a setting of every link that has it.
func (s *State) setLinkSysctls(prefix, key, value string) {
	for id := range s.Links {
		if id.Name == Loopback {
			continue
		}
		name := SysctlID{id.Namespace, prefix + id.Name + "." + key}
		if _, ok := s.Sysctls[name]; ok {
			s.Sysctls[name] = value
		}
	}
}

func (s *State) dropNamespaceIPv6() {
	for id := range s.Links {
		s.dropIPv6(id)
	}
}

func (s *State) dropIPv6(id LinkID) {
	s.dropRoutes(id.Name, func(p netip.Prefix) bool { return p.Addr().Is6() })
	s.dropRoutesVia6(id.Name)
	s.dropAddresses(id, netip.Addr.Is6)
}

// dropRoutesVia6 removes IPv4 routes whose gateway on the link is an IPv6 neighbour.
func (s *State) dropRoutesVia6(link string) {
	maps.DeleteFunc(s.Routes, func(_ RouteID, r Route) bool {
		return slices.ContainsFunc(r.NextHops(), func(h NextHop) bool { return h.Link == link && h.Via.Is6() })
	})
}

// dropRoutes removes routes with a leg on the link. An IPv6 route with several legs loses
// only that one in the kernel; it is removed here all the same, so that Diff writes it again.
func (s *State) dropRoutes(link string, match func(netip.Prefix) bool) {
	maps.DeleteFunc(s.Routes, func(id RouteID, r Route) bool {
		return match(id.Prefix) && (r.onLink(link) || link == Loopback && discards6(id, r))
	})
}

// discards6 reports whether a route is one of IPv6's without legs, which the kernel keeps
// on lo and removes when lo goes down or loses IPv6. IPv4's have no device.
func discards6(id RouteID, r Route) bool { return r.Type != Unicast && id.Prefix.Addr().Is6() }

func anyPrefix(netip.Prefix) bool { return true }
func anyAddr(netip.Addr) bool     { return true }

// dropAddresses removes addresses the kernel itself has removed: no order to keep, no
// routes left to lose but those that name them as source.
func (s *State) dropAddresses(id LinkID, match func(netip.Addr) bool) {
	for _, aid := range s.addressesOf(id) {
		if match(aid.Prefix.Addr()) {
			s.removeAddress(aid)
		}
	}
}

func (o AddAddress) apply(m machine) {
	s := m.in(o.Namespace)
	if have, ok := s.Addresses[o.AddressID]; ok {
		s.Addresses[o.AddressID] = have.again(o.Prefix)
		return
	}
	if o.Prefix.Addr().Is6() {
		s.Addresses[o.AddressID] = Address{}
		return
	}
	list := s.ipv4List(LinkID{o.Namespace, o.Link})
	s.setIPv4List(o.AddressID, InsertIPv4(list, o.Prefix))
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
	s := m.in(o.Namespace)
	if row, ok := s.Addresses[o.AddressID]; ok {
		row.Unrouted = false
		s.Addresses[o.AddressID] = row
	}
}

func (o DeleteAddress) apply(m machine) {
	s := m.in(o.Namespace)
	if _, ok := s.Addresses[o.AddressID]; !ok {
		return
	}
	s.removeAddress(o.AddressID)
	link := LinkID{o.Namespace, o.Link}
	if o.Prefix.Addr().Is4() && len(s.ipv4List(link)) == 0 {
		s.dropRoutes(o.Link, func(p netip.Prefix) bool { return p.Addr().Is4() })
	}
}

// removeAddress removes a row, closes the gap it leaves, and drops routes that have it as source.
func (s *State) removeAddress(id AddressID) {
	list := s.ipv4List(LinkID{id.Namespace, id.Link})
	delete(s.Addresses, id)
	if id.Prefix.Addr().Is4() {
		s.setIPv4List(id, removeIPv4(list, id.Prefix))
	}
	source := id.Prefix.Addr()
	maps.DeleteFunc(s.Routes, func(_ RouteID, r Route) bool { return r.Source == source })
}

// addressesOf lists an interface's addresses in order.
func (s *State) addressesOf(id LinkID) []AddressID {
	var ids []AddressID
	for aid := range s.Addresses {
		if aid.Namespace == id.Namespace && aid.Link == id.Name {
			ids = append(ids, aid)
		}
	}
	slices.SortFunc(ids, func(a, b AddressID) int {
		return cmp.Or(cmp.Compare(s.Addresses[a].Order, s.Addresses[b].Order), a.compare(b))
	})
	return ids
}

// ipv4List is an interface's IPv4 addresses in the kernel's order.
func (s *State) ipv4List(id LinkID) []netip.Prefix {
	var list []netip.Prefix
	for _, aid := range s.addressesOf(id) {
		if aid.Prefix.Addr().Is4() {
			list = append(list, aid.Prefix)
		}
	}
	return list
}

func (s *State) setIPv4List(id AddressID, list []netip.Prefix) {
	for i, p := range list {
		row := s.Addresses[AddressID{id.Namespace, id.Link, p}]
		row.Order = i
		s.Addresses[AddressID{id.Namespace, id.Link, p}] = row
	}
}

// insertIPv4 adds an address where the kernel does (__inet_insert_ifa): an address whose
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

func (o ReplaceRoute) apply(m machine) { m.in(o.Namespace).Routes[o.RouteID] = o.Route }

func (o DeleteRoute) apply(m machine) { delete(m.in(o.Namespace).Routes, o.RouteID) }
