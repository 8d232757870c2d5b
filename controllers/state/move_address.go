// SPDX-License-Identifier: Apache-2.0

package state

import "slices"

// MoveAddress takes an address off one interface and puts it on another of the same segment, in one step: two nodes
// that both have it drop what the other sends from it, and while neither has it, an unknown neighbour is not found.
// Between the two halves, packets still go to the old holder, which leads them on, or wait for the neighbour; then the
// neighbour entries are updated (see StaleNeighbours). On one interface it moves an address behind the others, or
// changes an IPv6 prefix length: the kernel holds an address once.
type MoveAddress struct{ From, To AddressID }

func (o MoveAddress) halves() (DeleteAddress, AddAddress) {
	return DeleteAddress{o.From}, AddAddress{o.To}
}

func (o MoveAddress) String() string {
	leaves, comes := o.halves()
	return leaves.String() + " && " + comes.String()
}

// Namespaces implements Op.
func (o MoveAddress) Namespaces() []string {
	if o.From.Namespace == o.To.Namespace {
		return []string{o.To.Namespace}
	}
	return []string{o.From.Namespace, o.To.Namespace}
}

func (o MoveAddress) apply(m machine) {
	leaves, comes := o.halves()
	leaves.apply(m)
	comes.apply(m)
}

// Halves are operations with each MoveAddress in two.
func Halves(ops []Op) (all []Op) {
	for _, op := range ops {
		if o, moves := op.(MoveAddress); moves {
			leaves, comes := o.halves()
			all = append(all, leaves, comes)
		} else {
			all = append(all, op)
		}
	}
	return all
}

// moveOn moves an address on its interface. Routes that have it as source and that are not wanted are deleted by
// themselves: the kernel may or may not take them along.
func (d *differ) moveOn(p *played, from, to AddressKey) {
	d.deleteRoutesOf(p, func(_ RouteKey, r Route) bool { return r.Source == from.Prefix.Addr() })
	d.do(MoveAddress{AddressID{p.name, from}, AddressID{p.name, to}})
}

// comes is the operation that gives a node an address. It takes it off the node that still has it, if that one loses
// nothing else with it and both hear each other; otherwise both have it for a moment.
func (d *differ) comes(to AddressID) Op {
	var holders []AddressID
	for _, id := range d.leavingRows(to.Prefix.Addr()) {
		if _, still := d.at(id.Namespace).Addresses[id.AddressKey]; still {
			holders = append(holders, id)
		}
	}
	if len(holders) != 1 || holders[0].Namespace == to.Namespace || !d.spares(holders[0]) || d.leadsTo(to) || !d.hear(holders[0].link(), to.link()) {
		return AddAddress{to}
	}
	return MoveAddress{holders[0], to}
}

// spares reports whether a node loses nothing else with an address: the interface keeps another of its subnet, and no
// route has it as source.
func (d *differ) spares(id AddressID) bool {
	p := d.of(id.Namespace)
	keeps := slices.ContainsFunc(p.now.addressesOf(id.Link), func(key AddressKey) bool {
		_, stays := p.want.Addresses[key]
		return stays && key.Prefix != id.Prefix && key.Prefix.Masked() == id.Prefix.Masked()
	})
	for _, route := range p.now.Routes {
		keeps = keeps && route.Source != id.Prefix.Addr()
	}
	return keeps
}

// leadsTo reports whether a node still has a route by an address that is to come to it.
func (d *differ) leadsTo(id AddressID) bool {
	for _, route := range d.at(id.Namespace).Routes {
		for _, hop := range route.NextHops() {
			if hop.Via == id.Prefix.Addr() {
				return true
			}
		}
	}
	return false
}

// hear reports whether two interfaces are on the same segment.
func (d *differ) hear(a, b LinkID) bool {
	return slices.Contains(segmentsOf(d.machine).around(a), b)
}
