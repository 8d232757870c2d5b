// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
)

// NeighbourKey names a permanent neighbour entry within a namespace.
type NeighbourKey struct {
	Link    string
	Address netip.Addr
}

func (k NeighbourKey) compare(o NeighbourKey) int {
	return cmp.Or(cmp.Compare(k.Link, o.Link), k.Address.Compare(o.Address))
}

// NeighbourID names a permanent neighbour entry on a machine.
type NeighbourID struct {
	Namespace string
	NeighbourKey
}

// Namespaces implements Op.
func (id NeighbourID) Namespaces() []string { return []string{id.Namespace} }

// StaticNeighbour is a permanent neighbour entry. The limit of the machine's neighbour table (gc_thresh3) does not
// count it, and no ARP or neighbour discovery message changes it.
type StaticNeighbour struct {
	MAC MAC
	// Protocol is RouteProtocol for ours.
	Protocol uint8
}

func dumpNeighbour(namespace string, k NeighbourKey, n StaticNeighbour) string {
	return fmt.Sprintf("neighbour %s %s %s lladdr %s protocol %d\n", namespace, k.Link, k.Address, n.MAC, n.Protocol)
}

// ReplaceNeighbour writes a permanent neighbour entry, whether or not there is an entry for the address.
type ReplaceNeighbour struct {
	NeighbourID
	StaticNeighbour
}

// DeleteNeighbour removes a neighbour entry. The kernel learns the neighbour again when it sends a packet there.
type DeleteNeighbour struct{ NeighbourID }

func (o ReplaceNeighbour) String() string {
	return fmt.Sprintf("ip -n %s neigh replace %s lladdr %s dev %s nud permanent protocol %d", o.Namespace, o.Address, o.MAC, o.Link, o.Protocol)
}

func (o DeleteNeighbour) String() string {
	return fmt.Sprintf("ip -n %s neigh delete %s dev %s", o.Namespace, o.Address, o.Link)
}

func (o ReplaceNeighbour) apply(m machine) {
	m.in(o.Namespace).Neighbours[o.NeighbourKey] = o.StaticNeighbour
}

func (o DeleteNeighbour) apply(m machine) { delete(m.in(o.Namespace).Neighbours, o.NeighbourKey) }

// dropNeighbours removes what the kernel flushes, permanent entries included: those of a link that goes down or gets
// another MAC (neigh_ifdown, neigh_changeaddr), those of a family that the link loses.
func (n *Namespace) dropNeighbours(link string, match func(netip.Addr) bool) {
	maps.DeleteFunc(n.Neighbours, func(k NeighbourKey, _ StaticNeighbour) bool { return k.Link == link && match(k.Address) })
}

// setNeighbours comes after addresses and before the routes that lead to them. An entry is written when its neighbour
// has the address: before, packets would go to a node that drops them.
func (d *differ) setNeighbours() {
	d.each(func(p *played) {
		for _, key := range missing(p.now.Neighbours, p.want.Neighbours, NeighbourKey.compare) {
			row := p.want.Neighbours[key]
			if p.holdsNeighbour(key) && (p.fresh || d.complete || d.isAt(key.Address, row.MAC)) {
				d.do(ReplaceNeighbour{NeighbourID{p.name, key}, row})
			} else {
				p.postponed = true
			}
		}
	})
}

// holdsNeighbour reports whether the kernel takes an entry, and keeps it.
func (p *played) holdsNeighbour(key NeighbourKey) bool {
	link, there := p.now.Links[key.Link]
	hasIPv6 := link.MTU >= MinIPv6MTU && link.Settings[DisableIPv6] == Off
	return there && link.Up && link.MAC == p.want.Links[key.Link].MAC && (key.Address.Is4() || hasIPv6)
}

// isAt reports whether the link with a MAC has an address by now. Of an address that no node should have, nothing is
// to be waited for.
func (d *differ) isAt(a netip.Addr, mac MAC) bool {
	owners := d.ownersOf(a)
	for _, id := range owners {
		n := d.at(id.Namespace)
		if _, has := n.Addresses[id.AddressKey]; has && n.Links[id.Link].MAC == mac {
			return true
		}
	}
	return len(owners) == 0
}

// followNeighbours corrects entries right after an operation that makes them wrong: a link gets an address or another
// MAC. Nothing else does: the kernel does not learn what a permanent entry says.
func (d *differ) followNeighbours(op Op) {
	switch o := op.(type) {
	case AddAddress:
		d.correctNeighbours(o.link(), o.Prefix.Addr())
	case MoveAddress:
		d.correctNeighbours(o.To.link(), o.To.Prefix.Addr())
	case SetMAC:
		for _, key := range d.at(o.Namespace).addressesOf(o.Name) {
			d.correctNeighbours(o.LinkID, key.Prefix.Addr())
		}
	default: // makes no entry wrong
	}
}

// correctNeighbours updates the entries for an address that a link has, and deletes those that are not wanted any more.
func (d *differ) correctNeighbours(link LinkID, a netip.Addr) {
	mac := d.at(link.Namespace).Links[link.Name].MAC
	for _, id := range d.entriesOf(a) {
		p := d.of(id.Namespace)
		now, there := p.now.Neighbours[id.NeighbourKey]
		if !there || now.MAC == mac || !p.want.exists() {
			continue
		}
		switch want, wanted := p.want.Neighbours[id.NeighbourKey]; {
		case !wanted:
			d.do(DeleteNeighbour{id})
		case want.MAC == mac:
			d.do(ReplaceNeighbour{id, want})
		}
	}
}

// entriesOf are those for an address that were there before the plan, of the namespaces that differ.
func (d *differ) entriesOf(a netip.Addr) []NeighbourID {
	if d.entries == nil {
		d.entries = map[netip.Addr][]NeighbourID{}
		for _, p := range d.spaces() {
			for _, key := range sortedKeys(d.have[p.name].Neighbours, NeighbourKey.compare) {
				d.entries[key.Address] = append(d.entries[key.Address], NeighbourID{p.name, key})
			}
		}
	}
	return d.entries[a]
}

// deleteNeighbours deletes what want lacks, before addresses move on. A link or namespace that goes takes its entries
// along.
func (d *differ) deleteNeighbours() {
	d.each(func(p *played) {
		if !p.want.exists() {
			return
		}
		for _, key := range unwanted(p.now.Neighbours, p.want.Neighbours, NeighbourKey.compare) {
			if d.there(p, key.Link) {
				d.do(DeleteNeighbour{NeighbourID{p.name, key}})
			}
		}
	})
}
