// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// driftAttribute changes an attribute that no lab asks for.
func (g *Generator) driftAttribute(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	attributes := slices.DeleteFunc(state.LinkAttributes(), func(a state.LinkAttribute) bool { return !a.Of(s[id.Namespace].Links[id.Name]) })
	attribute := pick(g, attributes...)
	s[id.Namespace].AttributeDrift[state.AttributeKey{Link: id.Name, Attribute: attribute}] = pick(g, "0", "7")
	if attribute == "arp" || attribute == "broadcast" {
		dropNeighbours(s, id, anyAddr)
	}
}

func dropAttributes(s state.State, link state.LinkID) {
	maps.DeleteFunc(s[link.Namespace].AttributeDrift, func(k state.AttributeKey, _ string) bool { return k.Link == link.Name })
}

// hangChild puts a queue below one that a lab asks for.
func (g *Generator) hangChild(s state.State) {
	ids := sortedQdiscs(s)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	if q := s[id.Namespace].Qdiscs[id.Name]; q.Kind != state.OtherQdisc {
		q.Child = 0x80010001
		s[id.Namespace].Qdiscs[id.Name] = q
	}
}

// driftAddress gives an address drift, or removes its prefix route.
func (g *Generator) driftAddress(s state.State) {
	ids := sortedAddresses(s)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	row := s[id.Namespace].Addresses[id.AddressKey]
	row.Drift = pick(g, state.NoDrift, state.DriftInPlace, state.DriftForGood)
	row.PrefixRouteMissing = id.Link != state.Loopback && g.chance(75)
	s[id.Namespace].Addresses[id.AddressKey] = row
}
