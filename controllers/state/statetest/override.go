// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// override changes an attribute that no lab asks for.
func (g *Generator) override(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	attributes := slices.DeleteFunc(state.LinkAttributes(), func(a state.LinkAttribute) bool { return !a.Of(s.Links[id]) })
	s.Overrides[state.OverrideID{Namespace: id.Namespace, Link: id.Name, Attribute: pick(g, attributes...)}] = pick(g, "0", "7")
}

func dropOverrides(s state.State, link state.LinkID) {
	maps.DeleteFunc(s.Overrides, func(id state.OverrideID, _ string) bool {
		return id.Namespace == link.Namespace && id.Link == link.Name
	})
}

// hangChild puts a queue below one that a lab asks for.
func (g *Generator) hangChild(s state.State) {
	ids := sorted(s.Qdiscs, compareLinks)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	if q := s.Qdiscs[id]; q.Kind != state.OtherQdisc {
		q.Child = 0x80010001
		s.Qdiscs[id] = q
	}
}

// alterAddress gives an address something beside itself, or takes its route.
func (g *Generator) alterAddress(s state.State) {
	ids := sorted(s.Addresses, compareAddresses)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	row := s.Addresses[id]
	row.Altered = pick(g, state.Unaltered, state.AlteredInPlace, state.AlteredForGood)
	row.Unrouted = id.Link != state.Loopback && g.chance(75)
	s.Addresses[id] = row
}
