// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// handOver has an address of a link at its other end, which keeps another one of the subnet, and sometimes a route
// that leads there.
func (g *Generator) handOver(have, want state.State) {
	ids := slices.DeleteFunc(sortedAddresses(want), func(id state.AddressID) bool {
		link := want[id.Namespace].Links[id.Link]
		at, there := have.Link(linkID(id.Namespace, id.Link))
		return !there || !link.Up || at.Peer != link.Peer || link.Peer == (state.LinkID{}) || state.IsLinkLocal(id.Prefix.Addr()) ||
			id.Prefix.Addr().Is6() && !(hasIPv6(have, link.Peer) && hasIPv6(want, link.Peer))
	})
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	peer := want[id.Namespace].Links[id.Link].Peer
	keeps := netip.PrefixFrom(neighbour(neighbour(id.Prefix.Addr())), id.Prefix.Bits())
	for _, s := range []state.State{have, want} {
		giveAddress(s, peer, keeps)
	}
	takeAddress(have, id)
	giveAddress(have, peer, id.Prefix)
	if name, ok := g.namespace(want); ok && g.chance(90) {
		leadTo(have, name, id.Prefix.Addr())
		leadTo(want, name, id.Prefix.Addr())
	}
}

func giveAddress(s state.State, link state.LinkID, prefix netip.Prefix) {
	switch list := ipv4(s, link); {
	case prefix.Addr().Is6():
		setAddress(s, link, prefix, 0)
	case !slices.Contains(list, prefix):
		setIPv4(s, link, append(list, prefix))
	}
}

func takeAddress(s state.State, id state.AddressID) {
	link := linkID(id.Namespace, id.Link)
	list := slices.DeleteFunc(ipv4(s, link), func(p netip.Prefix) bool { return p == id.Prefix })
	delete(s[id.Namespace].Addresses, id.AddressKey)
	setIPv4(s, link, list)
}

// leadTo gives the first route of a namespace that has one next hop of the family another gateway.
func leadTo(s state.State, namespace string, gateway netip.Addr) {
	for _, id := range sortedRoutes(s) {
		route := s[id.Namespace].Routes[id.RouteKey]
		if hops := slices.Clone(route.NextHops()); id.Namespace == namespace && len(hops) == 1 && id.Prefix.Addr().Is4() == gateway.Is4() {
			hops[0].Via = gateway
			route.Hops, _ = state.GroupOf(hops...)
			s[id.Namespace].Routes[id.RouteKey] = route
			return
		}
	}
}
