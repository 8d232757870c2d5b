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
	m := newMachine(s, len(s))
	for _, op := range ops {
		play(m, op, survives)
	}
	return m.state()
}

// Walk performs ops on s and calls after each what the namespaces hold then.
func Walk(s State, ops []Op, after func(op Op, in func(namespace string) Namespace)) {
	m := newMachine(s, len(s))
	for _, op := range ops {
		op.apply(m)
		after(op, func(namespace string) Namespace { return *m.at(namespace) })
	}
}

func play(m machine, op Op, survives func() bool) {
	restore := make([]func(), 0, 2)
	for _, name := range cascades(m, op) {
		addresses, routes := maps.Clone(m.at(name).Addresses), maps.Clone(m.at(name).Routes)
		restore = append(restore, func() {
			restoreAddresses(m.in(name), op, addresses, survives)
			restoreRoutes(m.in(name), op, routes, survives)
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
	default:
		return nil
	}
}

func restoreAddresses(n *Namespace, op Op, before map[AddressKey]Address, survives func() bool) {
	for _, key := range unwanted(before, n.Addresses, AddressKey.compare) {
		switch op.(type) {
		case SetAdmin, SetSysctl:
			if survives() {
				n.Addresses[key] = before[key]
			}
		default: // takes addresses along for certain, or none
		}
	}
}

func restoreRoutes(n *Namespace, op Op, before map[RouteKey]Route, survives func() bool) {
	for _, key := range unwanted(before, n.Routes, RouteKey.compare) {
		route, possible := survivor(n, op, key, before[key])
		if possible && survives() {
			n.Routes[key] = route
			if key.Prefix.Addr().Is6() && survives() {
				route.Source = netip.Addr{}
				n.Routes[key] = route
			}
		}
	}
}

// survivor is what may be left of a route: an IPv6 one loses the legs on a link that is gone
// or has lost IPv6, an IPv4 one goes with any of them.
func survivor(n *Namespace, op Op, key RouteKey, r Route) (left Route, possible bool) {
	legs := slices.DeleteFunc(slices.Clone(r.NextHops()), func(h NextHop) bool {
		mtu, small := op.(SetMTU)
		_, there := n.Links[h.Link]
		return !there || small && key.Prefix.Addr().Is6() && h.Link == mtu.Name
	})
	lost := len(r.NextHops()) - len(legs)
	if lost > 0 && (key.Prefix.Addr().Is4() || len(legs) == 0) {
		return Route{}, false
	}
	left = r
	left.Hops, _ = GroupOf(legs...)
	return left, true
}
