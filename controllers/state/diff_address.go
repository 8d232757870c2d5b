// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// This file makes before it breaks: a link gets the addresses it lacks before it loses those that
// are not wanted. The kernel takes every IPv4 route of a link along with its last IPv4 address, and the
// route to a subnet along with the subnet's last address, and a route along with the address that is its
// source, and forwarded packets would be lost until they are written again.

// setAddresses comes after settings, because it is a setting that keeps the secondaries of a deleted
// IPv4 address.
func (d *differ) setAddresses() {
	m := mover{differ: d, leaving: map[netip.Addr][]AddressID{}, met: map[LinkID]bool{}}
	d.each(func(p *played) {
		for _, key := range unwanted(p.now.Addresses, p.want.Addresses, AddressKey.compare) {
			m.leaving[key.Prefix.Addr()] = append(m.leaving[key.Prefix.Addr()], AddressID{p.name, key})
		}
	})
	d.each(func(p *played) {
		for _, name := range p.wantedLinks() {
			m.settle(LinkID{p.name, name})
		}
	})
}

// mover gives links their addresses, one link after the other.
type mover struct {
	*differ
	// leaving are the rows that go, by address.
	leaving map[netip.Addr][]AddressID
	// met are the links that are settled or being settled.
	met map[LinkID]bool
}

// settle gives a link the addresses it should have.
func (m *mover) settle(id LinkID) {
	if m.met[id] {
		return
	}
	m.met[id] = true
	p := m.played[id.Namespace]
	wanted := p.want.addressesOf(id.Name)
	for _, key := range wanted {
		if _, there := p.now.Addresses[key]; !there {
			m.release(AddressID{id.Namespace, key})
		}
	}
	m.setIPv4(p, id.Name, ipv4Of(wanted))
	m.setIPv6(p, id.Name, wanted)
}

// release takes an address from where it goes before it comes to a link: two ends of a segment must
// not both have it. The link it goes from is settled before that, so that it is not left without any;
// where addresses change places in a circle, one link is. A link can have one IPv4 address with two
// masks, and not one IPv6 address with two prefix lengths.
func (m *mover) release(wanted AddressID) {
	for _, old := range m.leaving[wanted.Prefix.Addr()] {
		if old.link() == wanted.link() && wanted.Prefix.Addr().Is4() {
			continue
		}
		m.settle(old.link())
		m.delete(old)
	}
}

// setIPv4 gives a link its IPv4 addresses in their order. Where they do not come out in it by adding
// and then deleting, what stands in the way is deleted before the rest is added; the wanted primary
// and then deleting, what stands in the way is deleted before the rest is added; the wanted primary
// address is there by then and stays.
func (m *mover) setIPv4(p *played, link string, list []netip.Prefix) {
	have := p.now.ipv4List(link)
	if slices.Equal(have, list) {
		return
	}
	if slices.Equal(reduced(appended(have, list), list), list) {
		m.addIPv4(p, link, list)
		m.deleteIPv4(p, link, list)
		return
	}
	m.addIPv4(p, link, list[:min(1, len(list))])
	m.deleteIPv4(p, link, list)
	m.deleteMisplaced(p, link, list)
	m.addIPv4(p, link, list)
}

// appended is the list after adding, in order, every wanted address it lacks.
func appended(list, want []netip.Prefix) []netip.Prefix {
	for _, p := range want {
		if !slices.Contains(list, p) {
			list = InsertIPv4(list, p)
		}
	}
	return list
}

// reduced is the list after deleting, from its end, every address that is not wanted.
func reduced(list, want []netip.Prefix) []netip.Prefix {
	for _, p := range slices.Backward(list) {
		if !slices.Contains(want, p) {
			list = removeIPv4(list, p)
		}
	}
	return list
}

func (m *mover) addIPv4(p *played, link string, list []netip.Prefix) {
	for _, prefix := range list {
		key := AddressKey{link, prefix}
		if _, there := p.now.Addresses[key]; !there {
			m.do(AddAddress{AddressID{p.name, key}})
		}
	}
}

// deleteIPv4 begins at the end of the list, so that no address is promoted that goes next.
func (m *mover) deleteIPv4(p *played, link string, wanted []netip.Prefix) {
	for _, prefix := range slices.Backward(p.now.ipv4List(link)) {
		if !slices.Contains(wanted, prefix) {
			m.delete(AddressID{p.name, AddressKey{link, prefix}})
		}
	}
}

// deleteMisplaced deletes from the end, but for the primary address, what stands in the way of the
// wanted order, until adding the rest behind what is left gives it. The primary address alone always
// does.
func (m *mover) deleteMisplaced(p *played, link string, list []netip.Prefix) {
	for have := p.now.ipv4List(link); len(have) > 1 && !slices.Equal(appended(have, list), list); have = p.now.ipv4List(link) {
		last := have[len(have)-1]
		if last == list[0] {
			last = have[len(have)-2]
		}
		m.delete(AddressID{p.name, AddressKey{link, last}})
	}
}

func (m *mover) setIPv6(p *played, link string, wanted []AddressKey) {
	for _, key := range wanted {
		if _, there := p.now.Addresses[key]; !there && key.Prefix.Addr().Is6() {
			m.do(AddAddress{AddressID{p.name, key}})
		}
	}
	for _, key := range p.now.addressesOf(link) {
		if !slices.Contains(wanted, key) && key.Prefix.Addr().Is6() {
			m.delete(AddressID{p.name, key})
		}
	}
}

// delete gives routes another source before they lose theirs. Settling the link that this one comes to may
// take the address away as well.
func (m *mover) delete(id AddressID) {
	m.replaceSources(id)
	if _, still := m.at(id.Namespace).Addresses[id.AddressKey]; still {
		m.do(DeleteAddress{id})
	}
}

// resource replaces the routes that would go with an address because it is their source, where that is all
// that changes of them and the other source can be there.
func (m *mover) replaceSources(leaving AddressID) {
	p := m.played[leaving.Namespace]
	var routes []RouteKey
	for key, route := range p.now.Routes {
		if route.Source != leaving.Prefix.Addr() {
			continue
		}
		if next := p.want.Routes[key]; route.Source != next.Source && route.from(next.Source) == next {
			routes = append(routes, key)
		}
	}
	slices.SortFunc(routes, RouteKey.compare)
	for _, key := range routes {
		if next := p.want.Routes[key]; m.arrives(p, next.Source) {
			m.do(ReplaceRoute{RouteID{p.name, key}, next})
		}
	}
}

// from is the route with another source.
func (r Route) from(source netip.Addr) Route {
	r.Source = source
	return r
}

// arrives settles the link that an address comes to, and reports whether the node has the address by then. No
// address at all is the kernel's choice.
func (m *mover) arrives(p *played, a netip.Addr) bool {
	if !a.IsValid() {
		return true
	}
	for _, key := range sortedKeys(p.want.Addresses, AddressKey.compare) {
		if key.Prefix.Addr() != a {
			continue
		}
		m.settle(LinkID{p.name, key.Link})
		if _, there := p.now.Addresses[key]; there {
			return true
		}
	}
	return false
}
