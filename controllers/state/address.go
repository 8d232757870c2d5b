// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// AddressKey names an address within a namespace; the prefix keeps its host bits.
type AddressKey struct {
	Link   string
	Prefix netip.Prefix
}

func (k AddressKey) compare(o AddressKey) int {
	if order := cmp.Compare(k.Link, o.Link); order != 0 {
		return order
	}
	return ComparePrefixes(k.Prefix, o.Prefix)
}

// AddressID names an address on a machine.
type AddressID struct {
	Namespace string
	AddressKey
}

func (id AddressID) link() LinkID { return LinkID{id.Namespace, id.Link} }

// Namespaces implements Op.
func (id AddressID) Namespaces() []string { return []string{id.Namespace} }

// Address describes an address of an interface. A wanted one has only its order.
type Address struct {
	// Order is where an IPv4 address stands in its interface's list: 0 is the primary one. The
	// kernel keeps primaries before secondaries. IPv6 addresses all have 0: their choice as a source
	// follows RFC 6724, not their order.
	Order int
	// Drift says how the address differs from one that is only added.
	Drift AddressDrift
	// PrefixRouteMissing says that the route to the address's network, which the kernel made with it, is gone.
	PrefixRouteMissing bool
}

// AddressDrift is how an address differs from one that is only added.
type AddressDrift uint8

// Address drift, by what undoes it.
const (
	// NoDrift is an address that lasts for ever and has no other attributes.
	NoDrift AddressDrift = iota
	// DriftInPlace is a lifetime or a metric, or for IPv6 a flag: adding the address again removes them.
	DriftInPlace
	// DriftForGood is a peer, scope or broadcast address, or for IPv4 a flag or a missing route to the address
	// itself: only deleting the address and adding it again undoes it.
	DriftForGood
)

var driftTexts = [...]string{"", " altered", " altered for good"}

// String is for the dump.
func (a Address) String() string {
	text := fmt.Sprintf("order=%d%s", a.Order, driftTexts[a.Drift])
	if a.PrefixRouteMissing {
		text += " unrouted"
	}
	return text
}

func dumpAddress(namespace string, k AddressKey, a Address) string {
	return fmt.Sprintf("address %s %s %s %s\n", namespace, k.Link, k.Prefix, a)
}

// IsLinkLocal reports whether an address is an IPv6 link-local one, which means something on its
// link only. IPv4's (169.254.0.0/16) are addresses like any other to the kernel and to a lab.
func IsLinkLocal(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

func ComparePrefixes(a, b netip.Prefix) int {
	if order := a.Addr().Compare(b.Addr()); order != 0 {
		return order
	}
	return cmp.Compare(a.Bits(), b.Bits())
}

// AddAddress puts an address on an interface, behind those it has, without duplicate
// address detection (9 ms until usable instead of 1.3 s).
type AddAddress struct{ AddressID }

// DeleteAddress takes an address off an interface.
type DeleteAddress struct{ AddressID }

// AddPrefixRoute gives back the route that the kernel made with an address, to the network the address
// is in, in front of any other route to it.
type AddPrefixRoute struct{ AddressID }

func (o AddAddress) String() string {
	text := fmt.Sprintf("ip -n %s address replace %s dev %s", o.Namespace, o.Prefix, o.Link)
	if o.Prefix.Addr().Is6() {
		text += " nodad"
	}
	return text
}

func (o DeleteAddress) String() string {
	return fmt.Sprintf("ip -n %s address delete %s dev %s", o.Namespace, o.Prefix, o.Link)
}

// String has what the kernel itself gives the route: protocol, scope, source, metric.
func (o AddPrefixRoute) String() string {
	text := fmt.Sprintf("ip -n %s route prepend %s dev %s proto kernel ", o.Namespace, o.Prefix.Masked(), o.Link)
	if o.Prefix.Addr().Is4() {
		return text + fmt.Sprintf("scope link src %s", o.Prefix.Addr())
	}
	return text + fmt.Sprintf("metric %d", PrefixMetric6)
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
	if a.Drift == DriftInPlace {
		a.Drift = NoDrift
	}
	a.PrefixRouteMissing = a.PrefixRouteMissing && prefix.Addr().Is4()
	return a
}

func (o DeleteAddress) apply(m machine) {
	if _, ok := m.at(o.Namespace).Addresses[o.AddressKey]; !ok {
		return
	}
	n := m.in(o.Namespace)
	n.removeAddress(o.AddressKey)
	if o.Prefix.Addr().Is4() && len(n.ipv4List(o.Link)) == 0 {
		n.dropRoutes(o.Link, func(p netip.Prefix) bool { return p.Addr().Is4() })
		n.dropNeighbours(o.Link, netip.Addr.Is4)
	}
}

func (o AddPrefixRoute) apply(m machine) {
	n := m.in(o.Namespace)
	if row, ok := n.Addresses[o.AddressKey]; ok {
		row.PrefixRouteMissing = false
		n.Addresses[o.AddressKey] = row
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

// dropAddresses removes addresses the kernel itself has removed: no order to keep, no
// routes left to lose but those that name them as source.
func (n *Namespace) dropAddresses(link string, match func(netip.Addr) bool) {
	for _, key := range n.addressesOf(link) {
		if match(key.Prefix.Addr()) {
			n.removeAddress(key)
		}
	}
}

func anyAddr(netip.Addr) bool { return true }

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

// keepsIPv6 reports whether nothing on the way from now to want takes IPv6 addresses off a link. The
// interface of a VLAN comes up with its parent, and is set down then.
func (p *played) keepsIPv6(name string) bool {
	link := p.want.Links[name]
	staysDown := !p.now.Links[name].Up && link.Kind != VLANLink
	return (link.Up || staysDown) && link.MTU >= MinIPv6MTU &&
		p.want.Settings[DisableIPv6] == Off && link.Settings[DisableIPv6] == Off
}

// resetAddresses undoes address drift. Where only a new address is without it, the address is deleted, and added
// with those that are missing.
func (d *differ) resetAddresses() {
	d.each(func(p *played) {
		for _, key := range missing(p.now.Addresses, p.want.Addresses, AddressKey.compare) {
			drift := p.now.Addresses[key].Drift
			switch _, there := p.now.Addresses[key]; {
			case !there || !d.there(p, key.Link):
			case drift == DriftInPlace:
				d.do(AddAddress{AddressID{p.name, key}})
			case drift == DriftForGood:
				d.deleteAddress(AddressID{p.name, key})
			}
		}
	})
}

// addPrefixRoutes comes before routes whose gateways they lead to.
func (d *differ) addPrefixRoutes() {
	d.each(func(p *played) {
		for _, key := range missing(p.now.Addresses, p.want.Addresses, AddressKey.compare) {
			if p.now.Addresses[key].PrefixRouteMissing && d.there(p, key.Link) {
				d.do(AddPrefixRoute{AddressID{p.name, key}})
			}
		}
	})
}
