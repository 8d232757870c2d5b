// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// vlans are those a Generator's ports and interfaces are in.
var vlans = []uint16{1, 10, 20, 4094}

// addBridge makes a switch of a namespace: a bridge, most of the links there as its ports, and
// now and then an interface on it.
func (g *Generator) addBridge(s topology.State, namespace string) []topology.LinkID {
	id := topology.LinkID{Namespace: namespace, Name: topology.BridgeName}
	s.Bridges[id] = g.bridge()
	for _, name := range topology.BridgeSysctls() {
		g.setSysctl(s, namespace, name, "0")
	}
	var ports []int
	for _, port := range linksIn(s, namespace) {
		if link := s.Links[port]; link.Kind == topology.VethLink && g.chance(75) {
			link.Master = id.Name
			s.Links[port] = link
			ports = append(ports, link.MTU)
			g.addPortVLANs(s, port)
		}
	}
	s.Links[id] = topology.Link{Kind: topology.BridgeLink, MAC: g.mac(), MTU: smallest(ports), Group: topology.LinkGroup, Up: g.chance(85)}
	g.linkSysctls(s, id)
	if !g.chance(40) {
		return []topology.LinkID{id}
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

func (g *Generator) bridge() topology.Bridge {
	return topology.Bridge{STP: g.chance(40), ForwardDelay: pick(g, uint32(topology.STPForwardDelay), 1500), VLANFiltering: !g.Lacks.VLANs && g.chance(50)}
}

// linksIn lists a namespace's links but lo.
func linksIn(s topology.State, namespace string) []topology.LinkID {
	return slices.DeleteFunc(sorted(s.Links, compareLinks), func(id topology.LinkID) bool {
		return id.Namespace != namespace || id.Name == topology.Loopback
	})
}

// addPortVLANs puts a port into some VLANs; one of them may be that of untagged frames.
func (g *Generator) addPortVLANs(s topology.State, port topology.LinkID) {
	if g.Lacks.VLANs {
		return
	}
	for i, vlan := range g.Perm(len(vlans))[:g.IntN(3)] {
		row := topology.PortVLAN{PVID: i == 0 && g.chance(60), Untagged: g.chance(50)}
		s.PortVLANs[topology.PortVLANID{Namespace: port.Namespace, Link: port.Name, VLAN: vlans[vlan]}] = row
	}
}

// addVLANLink puts an interface for a VLAN on a link: up only when that is, and no larger.
func (g *Generator) addVLANLink(s topology.State, parent topology.LinkID) []topology.LinkID {
	if g.Lacks.VLANs {
		return nil
	}
	vlan := pick(g, vlans...)
	id := topology.LinkID{Namespace: parent.Namespace, Name: fmt.Sprintf("%s.%d", parent.Name, vlan)}
	if _, taken := s.Links[id]; taken {
		return nil
	}
	below := s.Links[parent]
	s.Links[id] = topology.Link{
		Kind: topology.VLANLink, Parent: parent.Name, VLAN: vlan, MAC: g.mac(), MTU: min(below.MTU, pick(g, 1500, 1500, 1279)),
		Group: topology.LinkGroup, Up: below.Up && g.chance(90),
	}
	g.linkSysctls(s, id)
	return []topology.LinkID{id}
}

// addQdisc impairs what a link sends.
func (g *Generator) addQdisc(s topology.State, id topology.LinkID) {
	if g.Lacks.Netem {
		s.Qdiscs[id] = topology.Qdisc{Kind: topology.TBF, Rate: pick[uint64](g, 125_000, 1_250_000), Burst: 640_000, Limit: 100_000}
		return
	}
	s.Qdiscs[id] = topology.Qdisc{
		Kind: topology.Netem, Limit: 1000, Delay: time.Duration(g.IntN(3)) * time.Millisecond,
		Loss: pick[topology.Probability](g, 0, math.MaxUint32/200), Rate: pick[uint64](g, 0, 1_250_000),
	}
}

func (g *Generator) changeBridge(s topology.State) {
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

func (g *Generator) changePortVLAN(s topology.State) {
	ids := sorted(s.PortVLANs, comparePortVLANs)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	delete(s.PortVLANs, id)
	if g.chance(60) {
		id.VLAN = pick(g, vlans...)
		s.PortVLANs[id] = topology.PortVLAN{Untagged: g.chance(50)}
	}
}

func (g *Generator) changeQdisc(s topology.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	switch g.IntN(3) {
	case 0:
		delete(s.Qdiscs, id)
	case 1:
		s.Qdiscs[id] = topology.Qdisc{Kind: topology.OtherQdisc}
	default:
		g.addQdisc(s, id)
	}
}

func (g *Generator) extraVLANLink(s topology.State) {
	if id, ok := g.link(s); ok && s.Links[id].Kind != topology.VLANLink {
		g.addVLANLink(s, id)
	}
}

// otherKind is a link that somebody made and marked as ours.
func (g *Generator) otherKind(s topology.State) {
	if name, ok := g.namespace(s); ok && s.Namespaces[name].Mounted {
		id := g.linkName(name)
		if _, taken := s.Links[id]; !taken {
			s.Links[id] = topology.Link{Kind: topology.OtherLink, MTU: 1500, Group: topology.LinkGroup}
			g.linkSysctls(s, id)
		}
	}
}

// children are the interfaces on a link.
func children(s topology.State, parent topology.LinkID) []topology.LinkID {
	return slices.DeleteFunc(linksIn(s, parent.Namespace), func(id topology.LinkID) bool {
		return s.Links[id].Kind != topology.VLANLink || s.Links[id].Parent != parent.Name
	})
}

// dropBridge frees the ports of a bridge that goes.
func dropBridge(s topology.State, id topology.LinkID) {
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
	for _, name := range topology.BridgeSysctls() {
		delete(s.Sysctls, topology.SysctlID{Namespace: id.Namespace, Name: name})
	}
}

func dropPortVLANs(s topology.State, port topology.LinkID) {
	maps.DeleteFunc(s.PortVLANs, func(id topology.PortVLANID, _ topology.PortVLAN) bool {
		return id.Namespace == port.Namespace && id.Link == port.Name
	})
}

func comparePortVLANs(a, b topology.PortVLANID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), cmp.Compare(a.VLAN, b.VLAN))
}
