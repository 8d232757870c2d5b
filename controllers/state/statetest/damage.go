// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Pair returns what an observation may find and what the lab wants: an empty machine, a lab
// to be removed, a lab before and after an edit, the same lab after work by hand.
func (g *Generator) Pair() (have, want state.State) {
	have, want = state.State{}, state.State{}
	switch kind := g.IntN(10); {
	case kind == 0:
		want = g.Wanted()
	case kind == 1:
		have = g.Damaged(g.Wanted())
	case kind <= 4:
		have, want = g.Damaged(g.Wanted()), g.Wanted()
	default:
		want = g.Wanted()
		have = g.Damaged(want)
	}
	if g.chance(20) {
		g.handOver(have, want)
	}
	return have, want
}

// Damaged returns a copy of a State to which one or more things were done by hand.
func (g *Generator) Damaged(s state.State) state.State {
	s = s.Clone()
	for range 1 + g.IntN(6) {
		damage := pick(g, damages...)
		damage(g, s)
	}
	return s
}

// damages are everything that people and crashes do to a lab. Each leaves alone a State that
// has nothing it could be done to.
var damages = []func(*Generator, state.State){
	(*Generator).deleteNamespace, (*Generator).unmountNamespace, (*Generator).extraNamespace, (*Generator).loseSymlink,
	(*Generator).deleteLink, (*Generator).moveAwayPeer, (*Generator).renameLink, (*Generator).extraLink, (*Generator).replug,
	(*Generator).changeLink, (*Generator).changeLink, (*Generator).changeLink, (*Generator).changeLink, (*Generator).changeLink, (*Generator).changeMTU, (*Generator).setDown,
	(*Generator).deleteAddress, (*Generator).extraAddress, (*Generator).reorderAddresses, (*Generator).reorderAddresses,
	(*Generator).deleteRoute, (*Generator).extraRoute, (*Generator).changeRoute, (*Generator).changeRoute, (*Generator).appendNextHop, (*Generator).appendNextHop, (*Generator).appendNextHop, (*Generator).appendNextHop,
	(*Generator).extraMultipath6, (*Generator).extraMultipath6, (*Generator).extraMultipath6,
	(*Generator).changeSysctl, (*Generator).changeSysctl, (*Generator).disableIPv6,
	(*Generator).changeBridge, (*Generator).changePortVLAN, (*Generator).changePortVLAN, (*Generator).changePortVLAN,
	(*Generator).changeQdisc, (*Generator).changeQdisc,
	(*Generator).extraVLANLink, (*Generator).extraVLANLink, (*Generator).otherKind,
	(*Generator).driftAttribute, (*Generator).driftAttribute, (*Generator).hangChild, (*Generator).hangChild, (*Generator).hangChild,
	(*Generator).driftAddress, (*Generator).driftAddress, (*Generator).driftAddress, (*Generator).driftAddress,
	(*Generator).changeNeighbour, (*Generator).changeNeighbour, (*Generator).extraNeighbour, (*Generator).extraNeighbour, (*Generator).changePortVLAN, (*Generator).changePortVLAN,
}

func (g *Generator) namespace(s state.State) (name string, ok bool) {
	names := slices.Sorted(maps.Keys(s))
	if len(names) == 0 {
		return "", false
	}
	return pick(g, names...), true
}

// link picks one that is not lo.
func (g *Generator) link(s state.State) (id state.LinkID, ok bool) {
	ids := slices.DeleteFunc(sortedLinks(s), func(id state.LinkID) bool { return id.Name == state.Loopback })
	if len(ids) == 0 {
		return state.LinkID{}, false
	}
	return pick(g, ids...), true
}

func (g *Generator) deleteNamespace(s state.State) {
	if name, ok := g.namespace(s); ok {
		g.empty(s, name)
		delete(s, name)
	}
}

// unmountNamespace leaves the file, which still says whose it is.
func (g *Generator) unmountNamespace(s state.State) {
	if name, ok := g.namespace(s); ok {
		g.empty(s, name)
		row := s[name]
		row.Mounted = false
		s[name] = row
	}
}

// empty removes what is in a namespace. The other ends of its links go with them, or stay with
// their peers out of sight when a process keeps the namespace alive.
func (g *Generator) empty(s state.State, name string) {
	held := g.chance(30)
	for _, id := range sortedLinks(s) {
		if id.Namespace == name {
			dropPair(s, id, held)
		}
	}
	n := s[name]
	clear(n.Routes)
	n.Settings = state.NamespaceSettings{}
	s[name] = n
}

func dropPair(s state.State, id state.LinkID, keepPeer bool) {
	peer := s[id.Namespace].Links[id.Name].Peer
	dropEnd(s, id)
	other, there := s[peer.Namespace].Links[peer.Name]
	switch {
	case there && keepPeer:
		other.Peer = state.LinkID{}
		s[peer.Namespace].Links[peer.Name] = other
	case there:
		dropEnd(s, peer)
	}
}

func dropEnd(s state.State, id state.LinkID) {
	for _, child := range children(s, id) {
		dropEnd(s, child)
	}
	dropBridge(s, id)
	dropPortVLANs(s, id)
	dropAttributes(s, id)
	delete(s[id.Namespace].Qdiscs, id.Name)
	delete(s[id.Namespace].Links, id.Name)
	maps.DeleteFunc(s[id.Namespace].Addresses, func(a state.AddressKey, _ state.Address) bool { return a.Link == id.Name })
	dropRoutes(s, id, func(state.RouteKey) bool { return true })
	dropNeighbours(s, id, anyAddr)
}

func dropRoutes(s state.State, id state.LinkID, match func(state.RouteKey) bool) {
	maps.DeleteFunc(s[id.Namespace].Routes, func(k state.RouteKey, r state.Route) bool {
		return match(k) && slices.ContainsFunc(r.NextHops(), func(h state.NextHop) bool { return h.Link == id.Name })
	})
}

// extraNamespace adds one of a node that the lab may not have (any more).
func (g *Generator) extraNamespace(s state.State) {
	name := nodeName(g.IntN(maxNamespaces + 4))
	if _, there := s[name]; !there {
		g.addNamespace(s, name, g.chance(50))
	}
}

func (g *Generator) loseSymlink(s state.State) {
	if name, ok := g.namespace(s); ok {
		row := s[name]
		row.Symlink = !row.Symlink
		s[name] = row
	}
}

func (g *Generator) deleteLink(s state.State) {
	if id, ok := g.link(s); ok {
		dropPair(s, id, false)
	}
}

func (g *Generator) moveAwayPeer(s state.State) {
	if id, ok := g.link(s); ok {
		dropPair(s, id, true)
	}
}

// renameLink renames one end; what is on it goes with it.
func (g *Generator) renameLink(s state.State) {
	from, ok := g.link(s)
	to := g.linkName(from.Namespace)
	link := s[from.Namespace].Links[from.Name]
	if _, taken := s[to.Namespace].Links[to.Name]; taken || !ok || link.Kind != state.VethLink || len(children(s, from)) > 0 {
		return
	}
	n := s[from.Namespace]
	moved := map[state.AddressKey]state.Address{}
	for key, row := range n.Addresses {
		if key.Link == from.Name {
			key.Link = to.Name
		}
		moved[key] = row
	}
	entries := moveNeighbours(s, from, to)
	dropEnd(s, from)
	maps.Copy(n.Neighbours, entries)
	s[to.Namespace].Links[to.Name] = link
	if peer, there := s[link.Peer.Namespace].Links[link.Peer.Name]; there {
		peer.Peer = to
		s[link.Peer.Namespace].Links[link.Peer.Name] = peer
	}
	maps.Copy(n.Addresses, moved)
	g.linkSettings(s, to)
}

func (g *Generator) extraLink(s state.State) {
	var numbers []int
	for n := range maxNamespaces + 4 {
		if s[nodeName(n)].Mounted {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return
	}
	for _, id := range g.addLink(s, numbers) {
		g.addAddresses(s, id, 100+g.IntN(20))
	}
}

// replug swaps the far ends of two links.
func (g *Generator) replug(s state.State) {
	a, ok := g.link(s)
	b, _ := g.link(s)
	if farA, farB := s[a.Namespace].Links[a.Name].Peer, s[b.Namespace].Links[b.Name].Peer; ok && a != b && a != farB && paired(s, a) && paired(s, b) {
		plug(s, a, farB)
		plug(s, b, farA)
	}
}

func paired(s state.State, id state.LinkID) bool {
	peer, _ := s.Link(s[id.Namespace].Links[id.Name].Peer)
	return peer.Peer == id
}

func plug(s state.State, a, b state.LinkID) {
	linkA, linkB := s[a.Namespace].Links[a.Name], s[b.Namespace].Links[b.Name]
	linkA.Peer, linkB.Peer = b, a
	s[a.Namespace].Links[a.Name], s[b.Namespace].Links[b.Name] = linkA, linkB
}

func (g *Generator) changeLink(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	link := s[id.Namespace].Links[id.Name]
	switch g.IntN(3) {
	case 0:
		link.MAC = g.mac()
		dropNeighbours(s, id, anyAddr)
	case 1:
		link.Group = pick(g, uint32(0), 7)
	case 2:
		link.Master = pick(g, "", "br0", "br7")
		dropPortVLANs(s, id)
		dropAttributes(s, id)
	}
	s[id.Namespace].Links[id.Name] = link
}

func (g *Generator) changeMTU(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	g.setMTU(s, id, pick(g, 9000, 1500, state.MinIPv6MTU-1, 68))
}

// setMTU makes what is on the link no larger.
func (g *Generator) setMTU(s state.State, id state.LinkID, mtu int) {
	link := s[id.Namespace].Links[id.Name]
	if below, ok := s[id.Namespace].Links[link.Parent]; ok {
		mtu = min(mtu, below.MTU)
	}
	link.MTU = mtu
	s[id.Namespace].Links[id.Name] = link
	g.linkSettings(s, id)
	if !hasIPv6(s, id) {
		g.dropIPv6(s, id)
	}
	for _, child := range children(s, id) {
		if s[child.Namespace].Links[child.Name].MTU > mtu {
			g.setMTU(s, child, mtu)
		}
	}
}

// dropIPv6 removes a link's IPv6; IPv4 routes through an IPv6 neighbour may stay.
func (g *Generator) dropIPv6(s state.State, id state.LinkID) {
	maps.DeleteFunc(s[id.Namespace].Addresses, func(a state.AddressKey, _ state.Address) bool { return a.Link == id.Name && a.Prefix.Addr().Is6() })
	dropRoutes(s, id, func(r state.RouteKey) bool { return r.Prefix.Addr().Is6() })
	dropNeighbours(s, id, netip.Addr.Is6)
}

// setDown turns any link over, lo too; routes over it may stay.
func (g *Generator) setDown(s state.State) {
	ids := sortedLinks(s)
	if len(ids) == 0 {
		return
	}
	g.setUp(s, pick(g, ids...))
}

// setUp turns it over. What is on a link goes down with it, and can be up only with it.
func (g *Generator) setUp(s state.State, id state.LinkID) {
	link := s[id.Namespace].Links[id.Name]
	if below, ok := s[id.Namespace].Links[link.Parent]; ok && !below.Up {
		return
	}
	link.Up = !link.Up
	s[id.Namespace].Links[id.Name] = link
	if !link.Up {
		dropNeighbours(s, id, anyAddr)
	}
	if !link.Up && g.chance(80) {
		dropRoutes(s, id, func(state.RouteKey) bool { return true })
	}
	for _, child := range children(s, id) {
		if !link.Up && s[child.Namespace].Links[child.Name].Up {
			g.setUp(s, child)
		}
	}
}

func (g *Generator) deleteAddress(s state.State) {
	ids := sortedAddresses(s)
	if len(ids) == 0 {
		return
	}
	gone := pick(g, ids...)
	link := state.LinkID{Namespace: gone.Namespace, Name: gone.Link}
	list := slices.DeleteFunc(ipv4(s, link), func(p netip.Prefix) bool { return p == gone.Prefix })
	delete(s[gone.Namespace].Addresses, gone.AddressKey)
	setIPv4(s, link, list)
	if gone.Prefix.Addr().Is4() && len(list) == 0 {
		dropNeighbours(s, link, netip.Addr.Is4)
	}
}

// ipv4 lists a link's IPv4 addresses in their order.
func ipv4(s state.State, id state.LinkID) []netip.Prefix {
	rows := s[id.Namespace].Addresses
	var list []netip.Prefix
	for a := range rows {
		if a.Link == id.Name && a.Prefix.Addr().Is4() {
			list = append(list, a.Prefix)
		}
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return rows[state.AddressKey{Link: id.Name, Prefix: a}].Order - rows[state.AddressKey{Link: id.Name, Prefix: b}].Order
	})
	return list
}

func (g *Generator) extraAddress(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	if hasIPv6(s, id) && g.chance(50) {
		setAddress(s, id, pick(g, g.linkLocal(), g.address6(id, 99)), 0)
		return
	}
	if p, list := g.address4(id, 1+g.IntN(maxLinks)), ipv4(s, id); !slices.Contains(list, p) {
		setIPv4(s, id, append(list, p))
	}
}

func (g *Generator) reorderAddresses(s state.State) {
	for _, id := range sortedLinks(s) {
		list := ipv4(s, id)
		g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		setIPv4(s, id, list)
	}
}

func (g *Generator) route(s state.State) (id state.RouteID, ok bool) {
	ids := sortedRoutes(s)
	if len(ids) == 0 {
		return state.RouteID{}, false
	}
	return pick(g, ids...), true
}

func (g *Generator) deleteRoute(s state.State) {
	if id, ok := g.route(s); ok {
		delete(s[id.Namespace].Routes, id.RouteKey)
	}
}

func (g *Generator) extraRoute(s state.State) {
	if name, ok := g.namespace(s); ok && s[name].Mounted {
		g.addRoute(s, name)
	}
}

func (g *Generator) changeRoute(s state.State) {
	id, ok := g.route(s)
	if !ok {
		return
	}
	route := s[id.Namespace].Routes[id.RouteKey]
	legs := slices.Clone(route.NextHops())
	switch kind := g.IntN(5); {
	case kind == 0 || len(legs) == 0:
		route.Protocol = pick[uint8](g, 4, 186)
	case kind == 1:
		legs[0].Weight = 3
	case kind == 2 && len(legs) > 1:
		legs = legs[1:]
	case kind == 3:
		route.Source = netip.Addr{}
	default:
		route.MoreHops = 1
	}
	route.Hops, _ = state.GroupOf(legs...)
	s[id.Namespace].Routes[id.RouteKey] = route
}

// appendNextHop does what ip -6 route append does, on any link.
func (g *Generator) appendNextHop(s state.State) {
	ids := slices.DeleteFunc(sortedRoutes(s), func(id state.RouteID) bool {
		hops := s[id.Namespace].Routes[id.RouteKey].NextHops()
		return id.Prefix.Addr().Is4() || len(hops) == 0 || len(hops) == state.MaxNextHops || !hops[0].Via.IsValid()
	})
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	route := s[id.Namespace].Routes[id.RouteKey]
	legs := slices.Clone(route.NextHops())
	leg := state.NextHop{Link: legs[0].Link, Via: legs[0].Via.Next(), Weight: 1}
	if others := linksWithIPv6(s, id.Namespace); len(others) > 0 && g.chance(50) {
		leg = g.linkLocalHop(pick(g, others...))
	}
	route.Hops, _ = state.GroupOf(append(legs, leg)...)
	s[id.Namespace].Routes[id.RouteKey] = route
}

// extraMultipath6 adds an IPv6 route over several links. It loses one next hop with each of them.
func (g *Generator) extraMultipath6(s state.State) {
	name, ok := g.namespace(s)
	if !ok || !s[name].Mounted {
		return
	}
	links := linksWithIPv6(s, name)
	if len(links) < 2 {
		return
	}
	var legs []state.NextHop
	for _, i := range g.Perm(len(links))[:min(len(links), 2+g.IntN(state.MaxNextHops-1))] {
		legs = append(legs, g.linkLocalHop(links[i]))
	}
	route := state.Route{Protocol: state.RouteProtocol}
	route.Hops, _ = state.GroupOf(legs...)
	destination := netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x80, 2: byte(g.IntN(5))}), 48)
	s[name].Routes[state.RouteKey{Prefix: destination, Metric: state.DefaultIPv6Metric}] = route
}

// linksWithIPv6 lists those of a namespace that are up.
func linksWithIPv6(s state.State, namespace string) []state.LinkID {
	return slices.DeleteFunc(linksIn(s, namespace), func(id state.LinkID) bool {
		return !hasIPv6(s, id) || !s[namespace].Links[id.Name].Up
	})
}

func (g *Generator) linkLocalHop(link state.LinkID) state.NextHop {
	return state.NextHop{Link: link.Name, Via: neighbour(g.linkLocal().Addr()), Weight: 1}
}

func (g *Generator) changeSysctl(s state.State) {
	ids := sortedSettings(s)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	setSetting(s, id, state.ValueOf(pick(g, 0, 1, 2)))
}

// disableIPv6 does it for a link and leaves it without IPv6, as the kernel does.
func (g *Generator) disableIPv6(s state.State) {
	if id, ok := g.link(s); ok && hasIPv6(s, id) {
		setSetting(s, linkSetting(id, state.DisableIPv6), state.On)
		g.dropIPv6(s, id)
	}
}
