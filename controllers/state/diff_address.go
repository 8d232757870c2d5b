// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// This file makes before it breaks: a link gets the addresses it lacks before any is deleted. The kernel takes every
// IPv4 route of a link along with its last IPv4 address, and the route to a subnet along with the subnet's last
// address, and a route along with the address that is its source, and forwarded packets would be lost until they are
// written again. So addresses are deleted when routes no longer need them.
//
// An address that goes from one node to another, and that routes still lead to, moves in one step when the new holder
// leads packets on (MoveAddress). Where the old one loses more with it, both have it for a moment: one of the two answers,
// and leads packets on; but two nodes with the same address do not answer each other. One that no route names goes before
// it comes.

// addAddresses comes after settings, because it is a setting that keeps the secondaries of a deleted
// IPv4 address.
func (d *differ) addAddresses() {
	d.eachLink(func(p *played, link string) {
		if d.complete {
			d.settle(p, link)
			return
		}
		d.addTo(p, link, func(a netip.Addr) bool { return p.fresh || !d.moves(p, a) })
	})
}

// addMovedAddresses comes when a node that gets the address of a gateway leads packets on. What has left one node
// comes to another, until only what is needed is left.
func (d *differ) addMovedAddresses() {
	if d.complete {
		return
	}
	for before := -1; before < len(d.ops); {
		before = len(d.ops)
		d.releaseAddresses()
		d.eachLink(func(p *played, link string) {
			d.addTo(p, link, func(a netip.Addr) bool { return !d.isHeld(p, a) })
		})
	}
	d.eachLink(func(p *played, link string) {
		d.addTo(p, link, func(netip.Addr) bool { return true })
	})
}

// releaseAddresses deletes addresses that are to come elsewhere and that nothing needs here.
func (d *differ) releaseAddresses() {
	var needed map[netip.Addr]bool
	d.eachLink(func(p *played, link string) {
		for _, key := range p.now.addressesOf(link) {
			a := key.Prefix.Addr()
			if _, stays := p.want.Addresses[key]; stays || !d.comesElsewhere(p, a) || !p.keepsAnother(link, a) {
				continue
			}
			if needed == nil {
				needed = d.neededAddresses()
			}
			if !needed[a] {
				d.deleteAddress(AddressID{p.name, key})
			}
		}
	})
}

// comesElsewhere reports whether another node should have an address and does not yet.
func (d *differ) comesElsewhere(p *played, a netip.Addr) bool {
	return slices.ContainsFunc(d.ownersOf(a), func(id AddressID) bool {
		_, there := d.at(id.Namespace).Addresses[id.AddressKey]
		return !there && id.Namespace != p.name
	})
}

// keepsAnother reports whether a link has another address of the family that stays.
func (p *played) keepsAnother(link string, a netip.Addr) bool {
	return slices.ContainsFunc(p.now.addressesOf(link), func(key AddressKey) bool {
		_, stays := p.want.Addresses[key]
		return stays && key.Prefix.Addr() != a && key.Prefix.Addr().Is4() == a.Is4() && !IsLinkLocal(key.Prefix.Addr())
	})
}

// neededAddresses are those that routes have as next hop or source.
func (d *differ) neededAddresses() map[netip.Addr]bool {
	needed := map[netip.Addr]bool{}
	for n := range d.namespaces() {
		for _, route := range n.Routes {
			needed[route.Source] = true
			for _, hop := range route.NextHops() {
				needed[hop.Via] = true
			}
		}
	}
	return needed
}

// settleAddresses deletes the addresses that are not wanted, of links that stay, and adds those that could not come
// before.
func (d *differ) settleAddresses() { d.eachLink(d.settle) }

// eachLink calls do with every link that is wanted and there.
func (d *differ) eachLink(do func(p *played, link string)) {
	d.each(func(p *played) {
		for _, name := range p.wantedLinks() {
			if d.there(p, name) {
				do(p, name)
			}
		}
	})
}

// leavingRows are those of an address.
func (d *differ) leavingRows(a netip.Addr) []AddressID {
	if d.leaving == nil {
		d.leaving = map[netip.Addr][]AddressID{}
		d.each(func(p *played) {
			for _, key := range unwanted(p.now.Addresses, p.want.Addresses, AddressKey.compare) {
				d.leaving[key.Prefix.Addr()] = append(d.leaving[key.Prefix.Addr()], AddressID{p.name, key})
			}
		})
	}
	return d.leaving[a]
}

// moves reports whether an address that a node should have was, or still is, to leave another.
func (d *differ) moves(p *played, a netip.Addr) bool {
	return slices.ContainsFunc(d.leavingRows(a), func(id AddressID) bool { return id.Namespace != p.name })
}

// isHeld reports whether another node still has an address that is to leave it.
func (d *differ) isHeld(p *played, a netip.Addr) bool {
	return slices.ContainsFunc(d.leavingRows(a), func(id AddressID) bool {
		_, still := d.at(id.Namespace).Addresses[id.AddressKey]
		return still && id.Namespace != p.name
	})
}

// addTo adds the missing addresses that match to a link, as far as nothing has to be deleted for that.
func (d *differ) addTo(p *played, link string, match func(netip.Addr) bool) {
	for _, key := range p.want.addressesOf(link) {
		a := key.Prefix.Addr()
		if _, there := p.now.Addresses[key]; there {
			continue
		}
		old, has := p.ipv6Row(key)
		switch {
		case !match(a) || a.Is6() && !p.keepsIPv6(link) || has && old.Prefix.Bits() < key.Prefix.Bits():
			p.postponed = true
		case has:
			d.moveOn(p, old, key)
		default:
			d.do(d.comes(AddressID{p.name, key}))
		}
	}
}

// ipv6Row is what a link has of an IPv6 address with another prefix length: the kernel holds it once. One that becomes
// shorter covers what the longer one does, so it may come before routes do, and one that becomes longer after them.
func (p *played) ipv6Row(key AddressKey) (found AddressKey, ok bool) {
	for other := range p.now.Addresses {
		if key.Prefix.Addr().Is6() && other != key && other.Link == key.Link && other.Prefix.Addr() == key.Prefix.Addr() {
			return other, true
		}
	}
	return found, false
}

// settle gives a link exactly the addresses it should have.
func (d *differ) settle(p *played, link string) {
	wanted := p.want.addressesOf(link)
	d.setIPv4(p, link, ipv4Of(wanted))
	d.setIPv6(p, link, wanted)
}

// setIPv4 gives a link its IPv4 addresses in their order. Where they do not come out in it by adding and then
// deleting, some are moved behind the others. Where no such moves give it, what stands in the way is deleted before
// the rest is added; the wanted primary address is there by then and stays.
func (d *differ) setIPv4(p *played, link string, list []netip.Prefix) {
	have := p.now.ipv4List(link)
	if slices.Equal(have, list) {
		return
	}
	all := reduced(appended(have, list), list)
	for keep := len(list); keep > 0; keep-- {
		if slices.Equal(rotated(all, list[keep:]), list) {
			d.addIPv4(p, link, list)
			d.deleteIPv4(p, link, list)
			d.rotate(p, link, list[keep:])
			return
		}
	}
	d.addIPv4(p, link, list[:min(1, len(list))])
	d.deleteIPv4(p, link, list)
	d.deleteMisplaced(p, link, list)
	d.addIPv4(p, link, list)
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

// rotated is the list after moving addresses behind the others, one by one.
func rotated(list, last []netip.Prefix) []netip.Prefix {
	for _, p := range last {
		list = InsertIPv4(removeIPv4(list, p), p)
	}
	return list
}

func (d *differ) rotate(p *played, link string, last []netip.Prefix) {
	for _, prefix := range last {
		d.moveOn(p, AddressKey{link, prefix}, AddressKey{link, prefix})
	}
}

func (d *differ) addIPv4(p *played, link string, list []netip.Prefix) {
	for _, prefix := range list {
		key := AddressKey{link, prefix}
		if _, there := p.now.Addresses[key]; !there {
			d.do(AddAddress{AddressID{p.name, key}})
		}
	}
}

// deleteIPv4 begins at the end of the list, so that no address is promoted that goes next.
func (d *differ) deleteIPv4(p *played, link string, wanted []netip.Prefix) {
	for _, prefix := range slices.Backward(p.now.ipv4List(link)) {
		if !slices.Contains(wanted, prefix) {
			d.deleteAddress(AddressID{p.name, AddressKey{link, prefix}})
		}
	}
}

// deleteMisplaced deletes from the end, but for the primary address, what stands in the way of the
// wanted order, until adding the rest behind what is left gives it. The primary address alone always
// does.
func (d *differ) deleteMisplaced(p *played, link string, list []netip.Prefix) {
	for have := p.now.ipv4List(link); len(have) > 1 && !slices.Equal(appended(have, list), list); have = p.now.ipv4List(link) {
		last := have[len(have)-1]
		if last == list[0] {
			last = have[len(have)-2]
		}
		d.deleteAddress(AddressID{p.name, AddressKey{link, last}})
	}
}

// setIPv6 deletes first what has another prefix length only: the kernel holds an address once.
func (d *differ) setIPv6(p *played, link string, wanted []AddressKey) {
	for _, key := range wanted {
		if _, there := p.now.Addresses[key]; there || !key.Prefix.Addr().Is6() {
			continue
		}
		comes := p.keepsIPv6(link) || d.complete
		for _, old := range p.now.addressesOf(link) {
			if old.Prefix.Addr() != key.Prefix.Addr() {
				continue
			}
			if comes {
				d.moveOn(p, old, key)
			} else {
				d.deleteAddress(AddressID{p.name, old})
			}
		}
		if _, there := p.now.Addresses[key]; comes && !there {
			d.do(AddAddress{AddressID{p.name, key}})
		}
	}
	for _, key := range p.now.addressesOf(link) {
		if !slices.Contains(wanted, key) && key.Prefix.Addr().Is6() {
			d.deleteAddress(AddressID{p.name, key})
		}
	}
}

// deleteAddress deletes by themselves the routes that want lacks and that the kernel may or may not take along.
func (d *differ) deleteAddress(id AddressID) {
	p := d.of(id.Namespace)
	a := id.Prefix.Addr()
	last := a.Is4() && len(p.now.ipv4List(id.Link)) == 1
	d.deleteRoutesOf(p, func(key RouteKey, r Route) bool {
		return r.Source == a || last && key.Prefix.Addr().Is4() && r.onLink(id.Link)
	})
	if last {
		d.dropLegs(p, id.Link)
	}
	d.do(DeleteAddress{id})
}

// dropLegs takes the next hops on a link out of the IPv4 routes that have others. With the link's last IPv4 address they
// would be dead, and stay so when the route is written again: the kernel shares equal next hops (fib_find_info).
func (d *differ) dropLegs(p *played, link string) {
	for _, key := range sortedKeys(p.now.Routes, RouteKey.compare) {
		route := p.now.Routes[key]
		rest := route
		for _, hop := range route.NextHops() {
			if hop.Link == link {
				rest = rest.without(hop)
			}
		}
		if key.Prefix.Addr().Is4() && rest != route && rest.Hops != (NextHopGroup{}) {
			d.do(ReplaceRoute{RouteID{p.name, key}, rest})
		}
	}
}
