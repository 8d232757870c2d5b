// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// vlans are those a Generator's ports and interfaces are in.
var vlans = []uint16{1, 10, 20, 4094}

// addBridge makes a switch of a namespace: a bridge, most of the links there as its ports, and
// now and then an interface on it.
func (g *Generator) addBridge(s state.State, namespace string) []state.LinkID {
	id := state.LinkID{Namespace: namespace, Name: lab.BridgeName}
	s.Bridges[id] = g.bridge()
	for _, name := range state.BridgeSysctls() {
		g.setSysctl(s, namespace, name, "0")
	}
	var ports []int
	for _, port := range linksIn(s, namespace) {
		if link := s.Links[port]; link.Kind == state.VethLink && g.chance(75) {
			link.Master = id.Name
			s.Links[port] = link
			ports = append(ports, link.MTU)
			g.addPortVLANs(s, port)
		}
	}
	s.Links[id] = state.Link{Kind: state.BridgeLink, MAC: g.mac(), MTU: smallest(ports), Group: state.LinkGroup, Up: g.chance(85)}
	g.linkSysctls(s, id)
	if !g.chance(40) {
		return []state.LinkID{id}
	}
	g.addPortVLANs(s, id)
	return append(g.addVLANLink(s, id), id)
}

// smallest is the MTU that a kernel gives a bridge by itself.
func smallest(ports []int) int {
	if len(ports) == 0 {
		return 1500
	}
	return slices.Min(ports)
}

func (g *Generator) bridge() state.Bridge {
	return state.Bridge{STP: g.chance(40), ForwardDelay: pick(g, uint32(lab.STPForwardDelay), 1500), VLANFiltering: !g.Lacks.VLANs && g.chance(50)}
}

// linksIn lists a namespace's links but lo.
func linksIn(s state.State, namespace string) []state.LinkID {
	return slices.DeleteFunc(sorted(s.Links, compareLinks), func(id state.LinkID) bool {
		return id.Namespace != namespace || id.Name == state.Loopback
	})
}

// addPortVLANs puts a port into some VLANs; one of them may be that of untagged frames.
func (g *Generator) addPortVLANs(s state.State, port state.LinkID) {
	if g.Lacks.VLANs {
		return
	}
	for i, vlan := range g.Perm(len(vlans))[:g.IntN(3)] {
		row := state.PortVLAN{PVID: i == 0 && g.chance(60), Untagged: g.chance(50)}
		s.PortVLANs[state.PortVLANID{Namespace: port.Namespace, Link: port.Name, VLAN: vlans[vlan]}] = row
	}
}

// addVLANLink puts an interface for a VLAN on a link: up only when that is, and no larger.
func (g *Generator) addVLANLink(s state.State, parent state.LinkID) []state.LinkID {
	if g.Lacks.VLANs {
		return nil
	}
	vlan := pick(g, vlans...)
	id := state.LinkID{Namespace: parent.Namespace, Name: fmt.Sprintf("%s.%d", parent.Name, vlan)}
	if _, taken := s.Links[id]; taken {
		return nil
	}
	below := s.Links[parent]
	s.Links[id] = state.Link{
		Kind: state.VLANLink, Parent: parent.Name, VLAN: vlan, MAC: g.mac(), MTU: min(below.MTU, pick(g, 1500, 1500, 1279)),
		Group: state.LinkGroup, Up: below.Up && g.chance(90),
	}
	g.linkSysctls(s, id)
	return []state.LinkID{id}
}

// addQdisc impairs what a link sends.
func (g *Generator) addQdisc(s state.State, id state.LinkID) {
	if g.Lacks.Netem {
		s.Qdiscs[id] = state.Qdisc{Kind: state.TBF, Rate: pick[uint64](g, 125_000, 1_250_000), Burst: 640_000, Limit: 100_000}
		return
	}
	s.Qdiscs[id] = state.Qdisc{
		Kind: state.Netem, Limit: 1000, Delay: time.Duration(g.IntN(3)) * time.Millisecond,
		Loss: pick[state.Probability](g, 0, math.MaxUint32/200), Rate: pick[uint64](g, 0, 1_250_000),
	}
}

func (g *Generator) changeBridge(s state.State) {
	ids := sorted(s.Bridges, compareLinks)
	if len(ids) == 0 {
		return
	}
	row := g.bridge()
	if !g.Lacks.VLANs {
		row.DefaultVLAN = pick[uint16](g, 0, 1)
	}
	s.Bridges[pick(g, ids...)] = row
}

func (g *Generator) changePortVLAN(s state.State) {
	ids := sorted(s.PortVLANs, comparePortVLANs)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	delete(s.PortVLANs, id)
	if g.chance(60) {
		id.VLAN = pick(g, vlans...)
		s.PortVLANs[id] = state.PortVLAN{Untagged: g.chance(50)}
	}
}

func (g *Generator) changeQdisc(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	switch g.IntN(3) {
	case 0:
		delete(s.Qdiscs, id)
	case 1:
		s.Qdiscs[id] = state.Qdisc{Kind: state.OtherQdisc}
	default:
		g.addQdisc(s, id)
	}
}

func (g *Generator) extraVLANLink(s state.State) {
	if id, ok := g.link(s); ok && s.Links[id].Kind != state.VLANLink {
		g.addVLANLink(s, id)
	}
}

// otherKind is a link that somebody made and marked as ours.
func (g *Generator) otherKind(s state.State) {
	if name, ok := g.namespace(s); ok && s.Namespaces[name].Mounted {
		id := g.linkName(name)
		if _, taken := s.Links[id]; !taken {
			s.Links[id] = state.Link{Kind: state.OtherLink, MTU: 1500, Group: state.LinkGroup}
			g.linkSysctls(s, id)
		}
	}
}

// children are the interfaces on a link.
func children(s state.State, parent state.LinkID) []state.LinkID {
	return slices.DeleteFunc(linksIn(s, parent.Namespace), func(id state.LinkID) bool {
		return s.Links[id].Kind != state.VLANLink || s.Links[id].Parent != parent.Name
	})
}

// dropBridge frees the ports of a bridge that goes.
func dropBridge(s state.State, id state.LinkID) {
	if _, ok := s.Bridges[id]; !ok {
		return
	}
	delete(s.Bridges, id)
	for _, port := range linksIn(s, id.Namespace) {
		if link := s.Links[port]; link.Master == id.Name {
			link.Master = ""
			s.Links[port] = link
			dropPortVLANs(s, port)
			dropOverrides(s, port)
		}
	}
	for _, name := range state.BridgeSysctls() {
		delete(s.Sysctls, state.SysctlID{Namespace: id.Namespace, Name: name})
	}
}

func dropPortVLANs(s state.State, port state.LinkID) {
	maps.DeleteFunc(s.PortVLANs, func(id state.PortVLANID, _ state.PortVLAN) bool {
		return id.Namespace == port.Namespace && id.Link == port.Name
	})
}

func comparePortVLANs(a, b state.PortVLANID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), cmp.Compare(a.VLAN, b.VLAN))
}
