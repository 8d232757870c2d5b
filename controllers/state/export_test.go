// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
	"net/netip"
	"slices"
)

// Play applies ops to s the way some kernel may: a row that doc.go marks as uncertain stays
// when survives says so.
func Play(s State, ops []Op, survives func() bool) State {
	m := split(s)
	for _, op := range ops {
		play(m, op, survives)
	}
	return m.join()
}

// Walk performs ops on s and calls after each what the namespaces hold then.
func Walk(s State, ops []Op, after func(op Op, in func(namespace string) State)) {
	m := split(s)
	for _, op := range ops {
		op.apply(m)
		after(op, func(namespace string) State { return *m.at(namespace) })
	}
}

func play(m machine, op Op, survives func() bool) {
	restore := make([]func(), 0, 2)
	for _, name := range cascades(m, op) {
		s := m.in(name)
		addresses, routes := maps.Clone(s.Addresses), maps.Clone(s.Routes)
		restore = append(restore, func() {
			restoreAddresses(s, op, addresses, survives)
			restoreRoutes(s, op, routes, survives)
		})
	}
	op.apply(m)
	for _, do := range restore {
		do()
	}
}

// cascades are the namespaces in which an operation takes along what may survive.
func cascades(m machine, op Op) []string {
	switch o := op.(type) {
	case DeleteAddress, SetAdmin, SetMTU, SetSysctl:
		return op.Namespaces()
	case DeleteLink:
		link, _ := m.link(o.LinkID)
		return slices.Compact([]string{o.Namespace, link.Peer.Namespace})
	}
	return nil
}

func restoreAddresses(s *State, op Op, before map[AddressID]Address, survives func() bool) {
	for _, id := range unwanted(before, s.Addresses, AddressID.compare) {
		switch op.(type) {
		case SetAdmin, SetSysctl:
			if survives() {
				s.Addresses[id] = before[id]
			}
		}
	}
}

func restoreRoutes(s *State, op Op, before map[RouteID]Route, survives func() bool) {
	for _, id := range unwanted(before, s.Routes, RouteID.compare) {
		route, possible := survivor(s, op, id, before[id])
		if possible && survives() {
			s.Routes[id] = route
			if id.Prefix.Addr().Is6() && survives() {
				route.Source = netip.Addr{}
				s.Routes[id] = route
			}
		}
	}
}

// survivor is what may be left of a route: an IPv6 one loses the legs on a link that is gone
// or has lost IPv6, an IPv4 one goes with any of them.
func survivor(s *State, op Op, id RouteID, r Route) (left Route, possible bool) {
	legs := slices.DeleteFunc(slices.Clone(r.NextHops()), func(h NextHop) bool {
		mtu, small := op.(SetMTU)
		_, there := s.Links[LinkID{id.Namespace, h.Link}]
		return !there || small && id.Prefix.Addr().Is6() && h.Link == mtu.Name
	})
	lost := len(r.NextHops()) - len(legs)
	if lost > 0 && (id.Prefix.Addr().Is4() || len(legs) == 0) {
		return Route{}, false
	}
	left = r
	left.Hops, _ = SortHops(legs)
	return left, true
}
