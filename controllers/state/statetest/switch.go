// SPDX-License-Identifier: Apache-2.0

package statetest

import (
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

// addBridge makes a switch of a namespace: a bridge, most of the links there as its ports but for those that close a
// loop without STP, and now and then an interface on it.
func (g *Generator) addBridge(s state.State, namespace string) []state.LinkID {
	id := state.LinkID{Namespace: namespace, Name: lab.BridgeName}
	s[id.Namespace].Bridges[id.Name] = g.bridge()
	setBridgeSettings(s, namespace, state.Off)
	var ports []int
	for _, port := range linksIn(s, namespace) {
		link := s[port.Namespace].Links[port.Name]
		if link.Kind != state.VethLink || !g.chance(75) || !enslave(s, port, id.Name) {
			continue
		}
		ports = append(ports, link.MTU)
		g.addPortVLANs(s, port)
	}
	s[id.Namespace].Links[id.Name] = state.Link{Kind: state.BridgeLink, MAC: g.mac(), MTU: smallest(ports), Group: state.LinkGroup, Up: g.chance(85)}
	g.linkSettings(s, id)
	if !g.chance(40) {
		return []state.LinkID{id}
	}
	g.addPortVLANs(s, id)
	return append(g.addVLANLink(s, id), id)
}

// enslave makes a link a port of a bridge, unless that closes a loop.
func enslave(s state.State, id state.LinkID, bridge string) (done bool) {
	links := s[id.Namespace].Links
	free := links[id.Name]
	port := free
	port.Master = bridge
	if links[id.Name] = port; HasLoop(s) {
		links[id.Name] = free
		return false
	}
	return true
}

// smallest is the MTU that a kernel gives a bridge by itself.
func smallest(ports []int) int {
	if len(ports) == 0 {
		return 1500
	}
	return slices.Min(ports)
}

func (g *Generator) bridge() state.Bridge {
	stp, times := g.chance(40), pick(g, [2]uint32{lab.STPForwardDelay, lab.STPMaxAge}, [2]uint32{1500, 2000})
	if stp { // the kernel shows the root's times of each bridge of a tree, once its word has come
		times = [2]uint32{lab.STPForwardDelay, lab.STPMaxAge}
	}
	return state.Bridge{STP: stp, ForwardDelay: times[0], MaxAge: times[1], VLANFiltering: !g.Lacks.VLANs && g.chance(50)}
}

// linksIn lists a namespace's links but lo.
func linksIn(s state.State, namespace string) []state.LinkID {
	return slices.DeleteFunc(sortedLinks(s), func(id state.LinkID) bool {
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
		s[port.Namespace].PortVLANs[state.PortVLANKey{Link: port.Name, VLAN: vlans[vlan]}] = row
	}
}

// addVLANLink puts an interface for a VLAN on a link: up only when that is, and no larger.
func (g *Generator) addVLANLink(s state.State, parent state.LinkID) []state.LinkID {
	if g.Lacks.VLANs {
		return nil
	}
	vlan := pick(g, vlans...)
	id := state.LinkID{Namespace: parent.Namespace, Name: fmt.Sprintf("%s.%d", parent.Name, vlan)}
	if _, taken := s[id.Namespace].Links[id.Name]; taken {
		return nil
	}
	below := s[parent.Namespace].Links[parent.Name]
	s[id.Namespace].Links[id.Name] = state.Link{
		Kind: state.VLANLink, Parent: parent.Name, VLAN: vlan, MAC: g.mac(), MTU: min(below.MTU, pick(g, 1500, 1500, 1279)),
		Group: state.LinkGroup, Up: below.Up && g.chance(90),
	}
	g.linkSettings(s, id)
	return []state.LinkID{id}
}

// addQdisc impairs what a link sends.
func (g *Generator) addQdisc(s state.State, id state.LinkID) {
	if g.Lacks.Netem {
		s[id.Namespace].Qdiscs[id.Name] = state.Qdisc{Kind: state.TBF, Rate: pick[uint64](g, 125_000, 1_250_000), Burst: 640_000, Limit: 100_000}
		return
	}
	s[id.Namespace].Qdiscs[id.Name] = state.Qdisc{
		Kind: state.Netem, Limit: 1000, Delay: time.Duration(g.IntN(3)) * time.Millisecond,
		Loss: pick[state.Probability](g, 0, math.MaxUint32/200), Rate: pick[uint64](g, 0, 1_250_000),
	}
}

func (g *Generator) changeBridge(s state.State) {
	ids := sortedBridges(s)
	if len(ids) == 0 {
		return
	}
	row := g.bridge()
	if !g.Lacks.VLANs {
		row.DefaultVLAN = pick[uint16](g, 0, 1)
	}
	id := pick(g, ids...)
	s[id.Namespace].Bridges[id.Name] = row
}

func (g *Generator) changePortVLAN(s state.State) {
	ids := sortedPortVLANs(s)
	if len(ids) == 0 {
		return
	}
	id := pick(g, ids...)
	delete(s[id.Namespace].PortVLANs, id.PortVLANKey)
	if g.chance(60) {
		id.VLAN = pick(g, vlans...)
		s[id.Namespace].PortVLANs[id.PortVLANKey] = state.PortVLAN{Untagged: g.chance(50)}
	}
}

func (g *Generator) changeQdisc(s state.State) {
	id, ok := g.link(s)
	if !ok {
		return
	}
	switch g.IntN(3) {
	case 0:
		delete(s[id.Namespace].Qdiscs, id.Name)
	case 1:
		s[id.Namespace].Qdiscs[id.Name] = state.Qdisc{Kind: state.OtherQdisc}
	default:
		g.addQdisc(s, id)
	}
}

func (g *Generator) extraVLANLink(s state.State) {
	if id, ok := g.link(s); ok && s[id.Namespace].Links[id.Name].Kind != state.VLANLink {
		g.addVLANLink(s, id)
	}
}

// otherKind is a link that somebody made and marked as ours.
func (g *Generator) otherKind(s state.State) {
	if name, ok := g.namespace(s); ok && s[name].Mounted {
		id := g.linkName(name)
		if _, taken := s[id.Namespace].Links[id.Name]; !taken {
			s[id.Namespace].Links[id.Name] = state.Link{Kind: state.OtherLink, MTU: 1500, Group: state.LinkGroup}
			g.linkSettings(s, id)
		}
	}
}

// children are the interfaces on a link.
func children(s state.State, parent state.LinkID) []state.LinkID {
	return slices.DeleteFunc(linksIn(s, parent.Namespace), func(id state.LinkID) bool {
		return s[id.Namespace].Links[id.Name].Kind != state.VLANLink || s[id.Namespace].Links[id.Name].Parent != parent.Name
	})
}

// dropBridge frees the ports of a bridge that goes.
func dropBridge(s state.State, id state.LinkID) {
	if _, ok := s[id.Namespace].Bridges[id.Name]; !ok {
		return
	}
	delete(s[id.Namespace].Bridges, id.Name)
	for _, port := range linksIn(s, id.Namespace) {
		if link := s[port.Namespace].Links[port.Name]; link.Master == id.Name {
			link.Master = ""
			s[port.Namespace].Links[port.Name] = link
			dropPortVLANs(s, port)
			dropAttributes(s, port)
		}
	}
	setBridgeSettings(s, id.Namespace, state.Absent)
}

func dropPortVLANs(s state.State, port state.LinkID) {
	maps.DeleteFunc(s[port.Namespace].PortVLANs, func(k state.PortVLANKey, _ state.PortVLAN) bool { return k.Link == port.Name })
}
