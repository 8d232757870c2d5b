// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// This file makes before it breaks: a link gets the addresses it lacks before it loses those that
// nobody wants. The kernel takes every IPv4 route of a link along with its last IPv4 address, and the
// route to a subnet along with the subnet's last address, and a route along with the address that is its
// source, and packets of others would be lost until they are written again.

// deleteExposedAddresses deletes the IPv6 addresses that settings, MTU or state of their link may
// take along, for the reason deleteRoutes has: those that nobody wants, and those that adding again
// would not put right.
func (d *differ) deleteExposedAddresses() {
	d.each(func(now, want *State) {
		for _, id := range missing(want.Addresses, now.Addresses, AddressID.compare) {
			_, wanted := want.Addresses[id]
			stays := wanted && now.Addresses[id].Altered != AlteredForGood
			if id.Prefix.Addr().Is6() && !stays && !keepsIPv6(now, want, id.link()) {
				d.do(DeleteAddress{id})
			}
		}
	})
}

// keepsIPv6 reports whether nothing on the way from now to want takes IPv6 addresses off a link. The
// interface of a VLAN comes up with its parent, and is set down then.
func keepsIPv6(now, want *State, id LinkID) bool {
	has := func(disable string) bool { return want.Sysctls[SysctlID{id.Namespace, disable}] == Disabled }
	link := want.Links[id]
	staysDown := !now.Links[id].Up && link.Kind != VLANLink
	return (link.Up || staysDown) && link.MTU >= MinIPv6MTU &&
		has(SysctlDisableIPv6) && has(LinkSysctl6(id.Name, disableIPv6Key))
}

// unalterAddresses takes off what somebody gave an address beside itself. What only a new one is without is
// deleted, and added with those that are missing.
func (d *differ) unalterAddresses() {
	d.each(func(now, want *State) {
		for _, id := range missing(now.Addresses, want.Addresses, AddressID.compare) {
			switch now.Addresses[id].Altered {
			case AlteredInPlace:
				d.do(AddAddress{id})
			case AlteredForGood:
				d.do(DeleteAddress{id})
			case Unaltered:
			}
		}
	})
}

// setAddresses comes after settings, because it is a setting that keeps the secondaries of a deleted
// IPv4 address.
func (d *differ) setAddresses() {
	m := mover{differ: d, leaving: map[netip.Addr][]AddressID{}, met: map[LinkID]bool{}}
	d.each(func(now, want *State) {
		for _, id := range unwanted(now.Addresses, want.Addresses, AddressID.compare) {
			m.leaving[id.Prefix.Addr()] = append(m.leaving[id.Prefix.Addr()], id)
		}
	})
	d.each(func(_, want *State) {
		for _, id := range sortedKeys(want.Links, LinkID.compare) {
			m.settle(id)
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
	now, wanted := m.now.at(id.Namespace), m.want.at(id.Namespace).addressesOf(id)
	for _, address := range wanted {
		if _, there := now.Addresses[address]; !there {
			m.release(address)
		}
	}
	m.setIPv4(id, m.want.at(id.Namespace).ipv4List(id))
	m.setIPv6(id, wanted)
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
// address is there by then and stays.
func (m *mover) setIPv4(id LinkID, list []netip.Prefix) {
	have := m.now.at(id.Namespace).ipv4List(id)
	if slices.Equal(have, list) {
		return
	}
	if slices.Equal(reduced(appended(have, list), list), list) {
		m.addIPv4(id, list)
		m.deleteIPv4(id, list)
		return
	}
	m.addIPv4(id, list[:min(1, len(list))])
	m.deleteIPv4(id, list)
	m.deleteMisplaced(id, list)
	m.addIPv4(id, list)
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

func (m *mover) addIPv4(id LinkID, list []netip.Prefix) {
	now := m.now.at(id.Namespace)
	for _, p := range list {
		address := AddressID{id.Namespace, id.Name, p}
		if _, there := now.Addresses[address]; !there {
			m.do(AddAddress{address})
		}
	}
}

// deleteIPv4 begins at the end of the list, so that no address is promoted that goes next.
func (m *mover) deleteIPv4(id LinkID, wanted []netip.Prefix) {
	for _, p := range slices.Backward(m.now.at(id.Namespace).ipv4List(id)) {
		if !slices.Contains(wanted, p) {
			m.delete(AddressID{id.Namespace, id.Name, p})
		}
	}
}

// deleteMisplaced deletes from the end, but for the primary address, what stands in the way of the
// wanted order, until adding the rest behind what is left gives it. The primary address alone always
// does.
func (m *mover) deleteMisplaced(id LinkID, list []netip.Prefix) {
	for have := m.now.at(id.Namespace).ipv4List(id); len(have) > 1 && !slices.Equal(appended(have, list), list); have = m.now.at(id.Namespace).ipv4List(id) {
		last := have[len(have)-1]
		if last == list[0] {
			last = have[len(have)-2]
		}
		m.delete(AddressID{id.Namespace, id.Name, last})
	}
}

func (m *mover) setIPv6(id LinkID, wanted []AddressID) {
	now := m.now.at(id.Namespace)
	for _, address := range wanted {
		if _, there := now.Addresses[address]; !there && address.Prefix.Addr().Is6() {
			m.do(AddAddress{address})
		}
	}
	for _, address := range now.addressesOf(id) {
		if !slices.Contains(wanted, address) && address.Prefix.Addr().Is6() {
			m.delete(address)
		}
	}
}

// delete gives routes another source before they lose theirs. Settling the link that this one comes to may
// take the address away as well.
func (m *mover) delete(id AddressID) {
	m.resource(id)
	if _, still := m.now.at(id.Namespace).Addresses[id]; still {
		m.do(DeleteAddress{id})
	}
}

// resource replaces the routes that would go with an address because it is their source, where that is all
// that changes of them and the other source can be there.
func (m *mover) resource(leaving AddressID) {
	now, want := m.now.at(leaving.Namespace), m.want.at(leaving.Namespace)
	var routes []RouteID
	for id, route := range now.Routes {
		next := want.Routes[id]
		if route.Source == leaving.Prefix.Addr() && route.Source != next.Source && route.from(next.Source) == next {
			routes = append(routes, id)
		}
	}
	slices.SortFunc(routes, RouteID.compare)
	for _, id := range routes {
		if next := want.Routes[id]; m.arrives(leaving.Namespace, next.Source) {
			m.do(ReplaceRoute{id, next})
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
func (m *mover) arrives(namespace string, a netip.Addr) bool {
	if !a.IsValid() {
		return true
	}
	for _, id := range sortedKeys(m.want.at(namespace).Addresses, AddressID.compare) {
		if id.Prefix.Addr() != a {
			continue
		}
		m.settle(id.link())
		if _, there := m.now.at(namespace).Addresses[id]; there {
			return true
		}
	}
	return false
}
