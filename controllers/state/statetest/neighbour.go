// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"maps"
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/state"
)

// addNeighbours gives a link permanent neighbour entries: of a node's own address, or of one that no node has.
func (g *Generator) addNeighbours(s state.State, id state.LinkID) {
	if id.Name == state.Loopback || !s[id.Namespace].Links[id.Name].Up || !g.chance(50) {
		return
	}
	for range g.IntN(3) {
		g.addNeighbour(s, id)
	}
}

func (g *Generator) addNeighbour(s state.State, id state.LinkID) {
	ids := sortedAddresses(s)
	if len(ids) == 0 {
		return
	}
	owner := pick(g, ids...)
	address, mac := owner.Prefix.Addr(), s[owner.Namespace].Links[owner.Link].MAC
	if owner.Namespace == id.Namespace || owner.Link == state.Loopback || g.chance(30) {
		address, mac = neighbour(address), g.mac()
	}
	if address.Is6() && !hasIPv6(s, id) {
		return
	}
	s[id.Namespace].Neighbours[state.NeighbourKey{Link: id.Name, Address: address}] = state.StaticNeighbour{MAC: mac, Protocol: state.RouteProtocol}
}

// changeNeighbour points an entry elsewhere, as ip neigh does, or deletes it.
func (g *Generator) changeNeighbour(s state.State) {
	ids := sortedNeighbours(s)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	row := s[id.Namespace].Neighbours[id.NeighbourKey]
	switch g.IntN(3) {
	case 0:
		delete(s[id.Namespace].Neighbours, id.NeighbourKey)
		return
	case 1:
		row.Protocol = 0
	case 2:
		row.MAC = g.mac()
	}
	s[id.Namespace].Neighbours[id.NeighbourKey] = row
}

func (g *Generator) extraNeighbour(s state.State) {
	if id, ok := g.link(s); ok && s[id.Namespace].Links[id.Name].Up {
		g.addNeighbour(s, id)
	}
}

func dropNeighbours(s state.State, link state.LinkID, match func(netip.Addr) bool) {
	maps.DeleteFunc(s[link.Namespace].Neighbours, func(k state.NeighbourKey, _ state.StaticNeighbour) bool {
		return k.Link == link.Name && match(k.Address)
	})
}

// moveNeighbours are the entries of a link under another name of it.
func moveNeighbours(s state.State, from, to state.LinkID) map[state.NeighbourKey]state.StaticNeighbour {
	moved := map[state.NeighbourKey]state.StaticNeighbour{}
	for key, row := range s[from.Namespace].Neighbours {
		if key.Link == from.Name {
			moved[state.NeighbourKey{Link: to.Name, Address: key.Address}] = row
		}
	}
	return moved
}

func anyAddr(netip.Addr) bool { return true }
