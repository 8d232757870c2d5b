// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Lab is whose States a Generator makes.
var Lab = state.Identity{Namespace: "default", Name: "lab", Owner: state.LocalOwner("default", "lab")}

// Largest sizes of what a Generator makes.
const (
	maxNamespaces = 4
	maxLinks      = 4
	maxRoutes     = 4
)

// Generator makes random States.
type Generator struct {
	*rand.Rand
	// Lacks is what no State may have.
	Lacks Features
}

// Features are what not every kernel has.
type Features struct {
	// VLANs are bridges that filter, memberships of ports and interfaces for VLANs.
	VLANs bool
	// Netem is replaced by TBF where it is lacking.
	Netem bool
}

// New returns the generator of a seed.
func New(seed uint64) *Generator { return &Generator{Rand: rand.New(rand.NewPCG(seed, 78))} }

// Without returns the generator of States that a kernel without these features can hold.
func (g *Generator) Without(lacks Features) *Generator {
	g.Lacks = lacks
	return g
}

// chance is true in percent of a hundred calls.
func (g *Generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *Generator, from ...T) T { return from[g.IntN(len(from))] }

// Wanted returns a State that a lab may want.
func (g *Generator) Wanted() state.State {
	s := state.State{}
	symlinks := g.chance(80)
	names := g.Perm(maxNamespaces + 2)[:1+g.IntN(maxNamespaces)]
	var ends []state.LinkID
	for _, n := range names {
		g.addNamespace(s, nodeName(n), symlinks)
		ends = append(ends, state.LinkID{Namespace: nodeName(n), Name: state.Loopback})
	}
	for range g.IntN(maxLinks + 1) {
		ends = append(ends, g.addLink(s, names)...)
	}
	ends = append(ends, g.addLayers(s, names)...)
	for i, id := range ends {
		g.addAddresses(s, id, i)
	}
	for _, n := range names {
		for range g.IntN(maxRoutes + 1) {
			g.addRoute(s, nodeName(n))
		}
	}
	for _, id := range ends {
		g.addNeighbours(s, id)
	}
	return s
}

// addLayers makes switches of some namespaces, puts interfaces on links and impairs some.
func (g *Generator) addLayers(s state.State, names []int) []state.LinkID {
	var ends []state.LinkID
	for _, n := range names {
		if g.chance(30) {
			ends = append(ends, g.addBridge(s, nodeName(n))...)
		}
		for _, id := range linksIn(s, nodeName(n)) {
			link := s[id.Namespace].Links[id.Name]
			if link.Kind == state.VethLink && link.Master == "" && g.chance(15) {
				ends = append(ends, g.addVLANLink(s, id)...)
			}
			if g.chance(15) {
				g.addQdisc(s, id)
			}
		}
	}
	return ends
}

func nodeName(n int) string { return Lab.NetworkNamespace("n" + strconv.Itoa(n)) }

func (g *Generator) addNamespace(s state.State, name string, symlink bool) {
	mark := Lab.Owner.Label(state.NodeOf(name))
	rows := state.NewNamespace()
	rows.Label, rows.Mounted, rows.Symlink = mark, true, symlink
	rows.Settings = state.InitialSettings()
	rows.Settings[state.IPv4Forwarding] = pick(g, state.Off, state.On)
	rows.Settings[state.IPv6Forwarding] = pick(g, state.Off, state.On)
	noIPv6 := pick(g, state.Off, state.Off, state.Off, state.On)
	rows.Settings[state.DisableIPv6] = noIPv6
	rows.Links[state.Loopback] = state.Link{MTU: state.LoopbackMTU, Up: true, Settings: state.LoopbackSettings(noIPv6)}
	for range g.IntN(3) {
		setting := pick(g, freeSettings...)
		rows.Settings[setting] = pick(g, state.Off, state.On)
	}
	s[name] = rows
}

// freeSettings are settings that a lab's description may name; all of them take 0 and 1.
var freeSettings = []state.Setting{
	state.AllRPFilter, state.RPFilter, state.AllAcceptRedirects, state.ARPIgnore, state.ICMPEchoIgnoreAll, state.AcceptRedirects6,
	state.FIBMultipathHashPolicy6,
}

func linkSetting(id state.LinkID, s state.Setting) state.SettingID {
	return state.SettingID{Namespace: id.Namespace, SettingKey: state.SettingKey{Link: id.Name, Setting: s}}
}

func setSetting(s state.State, id state.SettingID, value state.Value) {
	n := s[id.Namespace]
	if id.Link == "" {
		n.Settings[id.Setting] = value
	} else {
		link := n.Links[id.Link]
		link.Settings[id.Setting] = value
		n.Links[id.Link] = link
	}
	s[id.Namespace] = n
}

func setBridgeSettings(s state.State, namespace string, value state.Value) {
	for _, setting := range state.BridgeSettings {
		setSetting(s, state.SettingID{Namespace: namespace, SettingKey: state.SettingKey{Setting: setting}}, value)
	}
}

// addLink plugs a pair between two nodes, which may be the same.
func (g *Generator) addLink(s state.State, names []int) []state.LinkID {
	ends := []state.LinkID{g.linkName(nodeName(pick(g, names...))), g.linkName(nodeName(pick(g, names...)))}
	for _, id := range ends {
		if _, taken := s[id.Namespace].Links[id.Name]; taken || ends[0] == ends[1] {
			return nil
		}
	}
	mtu := pick(g, 1500, 1500, 9000, state.MinIPv6MTU, state.MinIPv6MTU-1, 576)
	for i, id := range ends {
		if g.chance(10) {
			mtu = pick(g, 1500, 1200)
		}
		s[id.Namespace].Links[id.Name] = state.Link{Peer: ends[1-i], MAC: g.mac(), MTU: mtu, Group: state.LinkGroup, Up: g.chance(85)}
		g.linkSettings(s, id)
	}
	return ends
}

func (g *Generator) linkName(namespace string) state.LinkID {
	return state.LinkID{Namespace: namespace, Name: "l" + strconv.Itoa(g.IntN(2*maxLinks))}
}

func (g *Generator) mac() state.MAC {
	n := g.Uint32()
	return state.MAC{2, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// linkSettings gives a link those it has; the kernel takes them from the namespace's.
func (g *Generator) linkSettings(s state.State, id state.LinkID) {
	n := s[id.Namespace]
	link := n.Links[id.Name]
	link.Settings = n.Settings.ForLink(link.MTU)
	if g.chance(10) {
		link.Settings[state.RPFilter] = state.ValueOf(2)
	}
	if link.MTU >= state.MinIPv6MTU && g.chance(10) {
		link.Settings[state.DisableIPv6] = state.On
	}
	n.Links[id.Name] = link
}

// hasIPv6 reports whether a link can have IPv6 addresses.
func hasIPv6(s state.State, id state.LinkID) bool {
	link := s[id.Namespace].Links[id.Name]
	return link.MTU >= state.MinIPv6MTU && link.Settings[state.DisableIPv6] == state.Off
}

// addAddresses gives a link addresses of subnets that belong to it alone.
func (g *Generator) addAddresses(s state.State, id state.LinkID, subnet int) {
	var list []netip.Prefix
	for range g.IntN(4) {
		if p := g.address4(id, subnet); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	setIPv4(s, id, list)
	if !hasIPv6(s, id) {
		return
	}
	for range g.IntN(3) {
		setAddress(s, id, g.address6(id, subnet), 0)
	}
	if id.Name != state.Loopback && g.chance(70) {
		setAddress(s, id, g.linkLocal(), 0)
	}
}

func (g *Generator) address4(id state.LinkID, subnet int) netip.Prefix {
	if id.Name == state.Loopback {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 255, byte(subnet), byte(1 + g.IntN(3))}), 32)
	}
	// A /24 and a /16 around it are two subnets.
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(subnet), byte(g.IntN(3)), byte(1 + g.IntN(9))}), pick(g, 24, 24, 24, 16))
}

func (g *Generator) address6(id state.LinkID, subnet int) netip.Prefix {
	bits := 64
	if id.Name == state.Loopback {
		bits = 128
	}
	return netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("fd00:%x::%x", subnet, 1+g.IntN(9))), bits)
}

func (g *Generator) linkLocal() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: byte(1 + g.IntN(99))}), 64)
}

func setAddress(s state.State, id state.LinkID, p netip.Prefix, order int) {
	s[id.Namespace].Addresses[state.AddressKey{Link: id.Name, Prefix: p}] = state.Address{Order: order}
}

// setIPv4 gives a link its IPv4 addresses as a kernel that is given them in this order lists
// them: the first of every subnet, then the others.
func setIPv4(s state.State, id state.LinkID, list []netip.Prefix) {
	var primaries, secondaries []netip.Prefix
	for _, p := range list {
		if slices.ContainsFunc(primaries, func(q netip.Prefix) bool { return q.Masked() == p.Masked() }) {
			secondaries = append(secondaries, p)
		} else {
			primaries = append(primaries, p)
		}
	}
	for i, p := range append(primaries, secondaries...) {
		setAddress(s, id, p, i)
	}
}

// addRoute gives a namespace a route to somewhere outside every link's subnet.
func (g *Generator) addRoute(s state.State, namespace string) {
	id := state.RouteID{Namespace: namespace, RouteKey: state.RouteKey{Prefix: g.destination(), Metric: pick(g, uint32(0), 0, 10)}}
	if id.Prefix.Addr().Is6() && id.Metric == 0 {
		id.Metric = state.DefaultIPv6Metric
	}
	route := state.Route{Protocol: state.RouteProtocol}
	if g.chance(20) {
		route.Type = pick(g, state.Blackhole, state.Unreachable, state.Prohibit)
		s[id.Namespace].Routes[id.RouteKey] = route
		return
	}
	legs := g.legs(s, id)
	if len(legs) == 0 {
		return
	}
	route.Hops, _ = state.GroupOf(legs...)
	if g.chance(30) {
		route.Source = g.source(s, id)
	}
	s[id.Namespace].Routes[id.RouteKey] = route
}

func (g *Generator) destination() netip.Prefix {
	n := byte(g.IntN(5))
	if g.chance(50) {
		return pick(g, netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 128 + n}), 16))
	}
	return pick(g, netip.PrefixFrom(netip.IPv6Unspecified(), 0), netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x80, 2: n}), 48))
}

// legs are at most four next hops, all different, on links that are up.
func (g *Generator) legs(s state.State, id state.RouteID) []state.NextHop {
	var legs []state.NextHop
	for _, address := range sortedAddresses(s) {
		link := state.LinkID{Namespace: address.Namespace, Name: address.Link}
		leg := state.NextHop{Link: address.Link, Via: neighbour(address.Prefix.Addr()), Weight: 1}
		usable := address.Namespace == id.Namespace && address.Link != state.Loopback && s[link.Namespace].Links[link.Name].Up
		reaches := leg.Via.Is4() == id.Prefix.Addr().Is4() || state.IsLinkLocal(leg.Via)
		if usable && reaches && g.chance(50) && !slices.Contains(legs, leg) {
			legs = append(legs, leg)
		}
	}
	legs = legs[:min(len(legs), 1+g.IntN(state.MaxNextHops))]
	switch {
	case len(legs) > 1 && g.chance(30):
		legs[0].Weight = 2
	case len(legs) == 1 && g.chance(20) && legs[0].Via.Is4() == id.Prefix.Addr().Is4():
		legs[0].Via = netip.Addr{}
	}
	return legs
}

// neighbour is an address on the same subnet that no link has: those end in less than 100.
func neighbour(own netip.Addr) netip.Addr {
	if own.Is4() {
		bytes := own.As4()
		bytes[3] += 100
		return netip.AddrFrom4(bytes)
	}
	bytes := own.As16()
	bytes[15] += 100
	return netip.AddrFrom16(bytes)
}

// source is an address of the namespace's lo in the route's family, if it has one.
func (g *Generator) source(s state.State, id state.RouteID) netip.Addr {
	for _, address := range sortedAddresses(s) {
		if address.Namespace == id.Namespace && address.Link == state.Loopback && address.Prefix.Addr().Is4() == id.Prefix.Addr().Is4() {
			return address.Prefix.Addr()
		}
	}
	return netip.Addr{}
}
