// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// BridgeName is the name of a switch's bridge in its namespace.
const BridgeName = "br0"

// STPForwardDelay is the time that a port with STP is listening, and then learning, in 1/100 s: the
// minimum of IEEE 802.1D.
const STPForwardDelay = 200

// STPMaxAge is the time after which a port with STP stops to believe what it last heard of the root, in 1/100 s: the
// kernel's minimum, three of the root's messages. IEEE 802.1D would have it at most twice the forward delay less a
// second, for networks in which a message takes seconds; the kernel checks each value alone.
const STPMaxAge = 600

// STPTimeout is how long to wait for a spanning tree. One change takes MaxAge and twice the forward delay; what
// follows from it may take as long again. A port that still does not forward is kept from it by something else.
const STPTimeout = 2 * (STPMaxAge + 2*STPForwardDelay) * 10 * time.Millisecond

// addSwitches adds the switches, each with its bridge and the VLAN interfaces that have addresses.
func (n *network) addSwitches() {
	n.checkLabSize("switches", len(n.spec.Switches), 64)
	for i := range n.spec.Switches {
		s := &n.spec.Switches[i]
		forwards := s.Forwarding == v1alpha1.Enabled
		x := &node{
			name: s.Name, field: fieldAt("spec", "switches", i), config: &s.NodeConfig,
			sw: s, router: forwards, forwards: forwards,
		}
		n.addNode(x)
		n.checkSwitch(x)
		x.bridge = n.addSwitchInterface(x, x.field, BridgeName, 0, s.Addresses)
		for j, v := range s.VLANs {
			if len(v.Addresses) > 0 {
				n.addSwitchInterface(x, fieldAt(x.field, "vlans", j), fmt.Sprintf("%s.%d", BridgeName, v.ID), uint16(v.ID), v.Addresses)
			}
		}
	}
}

// addSwitchInterface adds an interface of the switch itself, with which it is on a segment.
func (n *network) addSwitchInterface(x *node, field, iface string, vlan uint16, addresses []string) *end {
	e := &end{
		node: x, field: field, iface: iface, vlan: vlan, written: addresses,
		mtu: defaultMTU, mac: deriveMAC(n.id, x.name, BridgeName), parent: x.bridge,
	}
	x.ends = append(x.ends, e)
	x.names = append(x.names, ifaceName{iface, field})
	return e
}

func (n *network) checkSwitch(x *node) {
	s := x.sw
	oneOf(n, x.field, "stp", s.STP, v1alpha1.Enabled, v1alpha1.Disabled)
	oneOf(n, x.field, "vlanFiltering", s.VLANFiltering, v1alpha1.Enabled, v1alpha1.Disabled)
	oneOf(n, x.field, "forwarding", s.Forwarding, v1alpha1.Enabled, v1alpha1.Disabled)
	n.checkSize(x.field, "addresses", len(s.Addresses), 8)
	n.subnetCalled(x.field, s.Subnet)
	if x.filters() && s.Subnet != "" {
		n.refuse(x.field+".subnet", "write it under vlans: [{id: 1, subnet: "+s.Subnet+"}]", "%s filters VLANs, so a subnet belongs to a VLAN", s.Name)
	}
	if x.filters() && len(s.Addresses) > 0 {
		n.refuse(x.field+".addresses", "write them under vlans: [{id: 1, addresses: …}]", "%s filters VLANs, so an address belongs to a VLAN", s.Name)
	}
	if !x.filters() && len(s.VLANs) > 0 {
		n.refuseAbsent(AnyAbsent, x.field+".vlans", "write vlanFiltering: Enabled", "%s does not filter VLANs", s.Name)
	}
	n.checkSwitchVLANs(x.field, s.VLANs)
}

func (n *network) checkSwitchVLANs(field string, vlans []v1alpha1.SwitchVLAN) {
	n.checkSize(field, "vlans", len(vlans), 64)
	seen := map[v1alpha1.VLANID]bool{}
	for i, v := range vlans {
		field := fieldAt(field, "vlans", i)
		n.checkVLAN(field+".id", v.ID)
		n.subnetCalled(field, v.Subnet)
		if seen[v.ID] {
			n.refuseDuplicate(field+".id", fmt.Sprintf("VLAN %d", v.ID))
		}
		seen[v.ID] = true
	}
}

// setBridgeMTUs gives each bridge the smallest MTU of its ports, as the kernel does until the MTU of the
// bridge is set.
func (n *network) setBridgeMTUs() {
	for _, x := range n.nodes {
		if x.sw == nil || len(x.ports) == 0 {
			continue
		}
		least := slices.MinFunc(x.ports, func(a, b *end) int { return a.mtu - b.mtu })
		for _, e := range x.ends {
			e.mtu = least.mtu
		}
	}
}

// checkLoops refuses loops of switches with STP disabled at one of them: a broadcast frame would circulate
// for ever and use up the machine's CPUs. A link that is down closes no loop.
func (n *network) checkLoops() {
	var reported []*node
	for _, l := range n.links {
		if !l.up || l.ends[0].port == nil || l.ends[1].port == nil || !n.connectedWithout(l) {
			continue
		}
		var withoutSTP []string
		for _, e := range l.ends {
			if e.node.sw.STP != v1alpha1.Enabled && !slices.Contains(reported, e.node) {
				reported = append(reported, e.node)
				withoutSTP = append(withoutSTP, e.node.name)
			}
		}
		if len(withoutSTP) > 0 {
			n.refuseAbsent(AnyAbsent, l.field, "write stp: Enabled at every switch of the loop, or remove a link", "the link closes a loop of switches, with STP disabled at %s", strings.Join(withoutSTP, " and "))
		}
	}
}

// connectedWithout reports whether other links connect the two switches of a link.
func (n *network) connectedWithout(without *link) bool {
	seen := map[*node]bool{without.ends[0].node: true}
	queue := []*node{without.ends[0].node}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, e := range x.ports {
			next := e.peer()
			if e.link == without || !e.link.up || next.port == nil || seen[next.node] {
				continue
			}
			seen[next.node] = true
			queue = append(queue, next.node)
		}
	}
	return seen[without.ends[1].node]
}

// addSwitchRows adds the rows of the bridge and of its VLAN interfaces.
func (n *network) addSwitchRows(want state.State, x *node) {
	rows := want[x.namespace]
	rows.Bridges[BridgeName] = state.Bridge{STP: x.sw.STP == v1alpha1.Enabled, ForwardDelay: STPForwardDelay, MaxAge: STPMaxAge, VLANFiltering: x.filters()}
	n.addInterfaceRows(want, x.bridge, state.Link{Kind: state.BridgeLink})
	for _, e := range x.ends {
		if e.parent != nil {
			n.addInterfaceRows(want, e, state.Link{Kind: state.VLANLink, Parent: BridgeName, VLAN: e.vlan})
			rows.PortVLANs[state.PortVLANKey{Link: BridgeName, VLAN: e.vlan}] = state.PortVLAN{}
		}
	}
}
