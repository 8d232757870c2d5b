// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"maps"
	"net/netip"
	"strconv"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Compile derives everything a lab leaves unsaid. The error, if any, is Problems: all of
// them, and then there is no Lab. The result depends on the arguments alone.
func Compile(id state.Identity, spec *v1alpha1.NetLabSpec, options Options) (*Lab, error) {
	n := resolve(id, spec)
	routes := n.routes()
	probes := n.probes()
	if len(n.problems) > 0 {
		return nil, n.problems
	}
	lab := &Lab{Identity: id, Routing: cmp.Or(spec.Routing, v1alpha1.RoutingAuto), Want: make(state.State, len(n.nodes)), Probes: probes, Nodes: NodeNames(spec), Addresses: map[string][]netip.Addr{}}
	for _, x := range n.nodes {
		lab.Addresses[x.name] = x.probeTargets()
		n.addNodeRows(lab.Want, x, options)
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			n.addSwitchRows(lab.Want, x)
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			n.addEndRows(lab.Want, e, options)
			for _, sub := range e.subinterfaces {
				n.addInterfaceRows(lab.Want, sub, state.Link{Kind: state.VLANLink, Parent: e.iface, VLAN: sub.vlan})
			}
		}
	}
	for x, rows := range routes {
		maps.Copy(lab.Want[x.namespace].Routes, rows)
	}
	return lab, nil
}

// Validate finds everything wrong with a lab's description; nil when it can be built.
func Validate(spec *v1alpha1.NetLabSpec) Problems {
	problems, _ := check(spec)
	return problems
}

// Lint is Validate with what is legal and probably not meant, and the checks of the
// NetLab's own name.
func Lint(name string, spec *v1alpha1.NetLabSpec) (problems, warnings Problems) {
	problems, warnings = check(spec)
	return append(checkLabName(name), problems...), warnings
}

func check(spec *v1alpha1.NetLabSpec) (problems, warnings Problems) {
	n := resolve(state.Identity{Namespace: "default", Name: "lab"}, spec)
	n.routes()
	n.probes()
	n.warnUnusedSubnets()
	n.warnUnlinkedNodes()
	return n.problems, n.warnings
}

// network is a lab with its names resolved: the graph that addresses, routes and probes
// are derived on. Everything in it is in stored order.
type network struct {
	report
	id      state.Identity
	spec    *v1alpha1.NetLabSpec
	nodes   []*node
	links   []*link
	subnets []*subnet

	nodeByName   map[string]*node
	subnetByName map[string]*subnet
	segmentOf    map[portAtVLAN]*segment
}

// resolve builds the graph of a lab. Parts that are wrong are noted and left out, so that
// one walk finds every problem.
func resolve(id state.Identity, spec *v1alpha1.NetLabSpec) *network {
	n := &network{id: id, spec: spec, nodeByName: map[string]*node{}, subnetByName: map[string]*subnet{}}
	n.checkModes()
	n.checkPlacement()
	n.addSubnets()
	n.addNodes()
	n.addSwitches()
	n.addLinks()
	n.setBridgeMTUs()
	n.checkLoops()
	n.addSegments()
	n.addLoopbacks()
	n.addAddresses()
	n.deriveAddresses()
	n.checkAddresses()
	n.enableIPv6()
	return n
}

func (n *network) addNodeRows(want state.State, x *node, options Options) {
	rows := state.NewNamespace()
	rows.Mark, rows.Mounted, rows.Symlink = n.id.Owner.Mark(x.name), true, options.Symlinks
	want[x.namespace] = rows
	rows.Links[state.Loopback] = state.Link{MTU: state.LoopbackMTU, Up: true}
	addAddressRows(rows, state.Loopback, x.loopbacks)
	x.sysctls(func(name, value string) { rows.Sysctls[name] = value })
}

// sysctls sets a node's settings: those every namespace is born with, those that make it a
// router or give it IPv6, and those somebody wrote. Later ones count.
func (x *node) sysctls(set func(name, value string)) {
	for name, value := range state.InitialSysctls {
		set(name, value)
	}
	if x.forwards {
		set(state.SysctlForwarding, state.Enabled)
	}
	if x.ipv6 {
		set(state.SysctlDisableIPv6, state.Disabled)
		set(state.SysctlLoDisableIPv6, state.Disabled)
	}
	if x.ipv6 && x.forwards {
		set(state.SysctlForwarding6, state.Enabled)
	}
	for _, s := range x.config.Sysctls {
		set(s.Name, canonicalNumber(s.Value.String()))
	}
}

// addEndRows adds an end of a link, at a switch as a port.
func (n *network) addEndRows(want state.State, e *end, options Options) {
	link := state.Link{Peer: n.linkID(e.peer())}
	if e.port != nil {
		link.Master = BridgeName
		n.addPortVLANs(want, e)
	}
	n.addInterfaceRows(want, e, link)
	if q := e.qdisc; q != (state.Qdisc{}) {
		if onlyRate(q) && options.HasNetem != nil && !options.HasNetem() {
			q = tokenBucket(q, e.mtu)
		}
		want[e.node.namespace].Qdiscs[e.iface] = q
	}
}

// addSwitchRows adds the bridge, and an interface on it for every VLAN it has addresses in.
func (n *network) addSwitchRows(want state.State, x *node) {
	rows := want[x.namespace]
	rows.Bridges[BridgeName] = state.Bridge{STP: x.sw.STP == v1alpha1.Enabled, ForwardDelay: STPForwardDelay, VLANFiltering: x.filters()}
	n.addInterfaceRows(want, x.bridge, state.Link{Kind: state.BridgeLink})
	for _, name := range state.BridgeSysctls() {
		rows.Sysctls[name] = state.Disabled
	}
	for _, e := range x.ends {
		if e.parent != nil {
			n.addInterfaceRows(want, e, state.Link{Kind: state.VLANLink, Parent: BridgeName, VLAN: e.vlan})
			rows.PortVLANs[state.PortVLANKey{Link: BridgeName, VLAN: e.vlan}] = state.PortVLAN{}
		}
	}
}

func (n *network) addPortVLANs(want state.State, e *end) {
	rows := want[e.node.namespace].PortVLANs
	tagged := e.port.tagged
	if e.port.allVLANs {
		tagged = n.vlans()
	}
	for _, vlan := range tagged {
		if vlan != e.port.untagged {
			rows[state.PortVLANKey{Link: e.iface, VLAN: vlan}] = state.PortVLAN{}
		}
	}
	if e.port.untagged != 0 {
		rows[state.PortVLANKey{Link: e.iface, VLAN: e.port.untagged}] = state.PortVLAN{PVID: true, Untagged: true}
	}
}

// addInterfaceRows needs the rows of the node's settings: a link takes its own from them.
func (n *network) addInterfaceRows(want state.State, e *end, link state.Link) {
	rows := want[e.node.namespace]
	link.MAC, link.MTU, link.Group, link.Up = e.mac, e.mtu, state.LinkGroup, e.up()
	rows.Links[e.iface] = link
	rows.InheritSettings(e.iface, e.mtu)
	addAddressRows(rows, e.iface, e.addresses)
	if e.linkLocal.IsValid() {
		rows.Addresses[state.AddressKey{Link: e.iface, Prefix: e.linkLocal}] = state.Address{}
	}
}

func (n *network) linkID(e *end) state.LinkID {
	return state.LinkID{Namespace: e.node.namespace, Name: e.iface}
}

// addAddressRows expects addresses in canonical order.
func addAddressRows(rows state.Namespace, link string, addresses []netip.Prefix) {
	order := 0
	for _, p := range addresses {
		row := state.Address{}
		if p.Addr().Is4() {
			row.Order = order
			order++
		}
		rows.Addresses[state.AddressKey{Link: link, Prefix: p}] = row
	}
}

// canonicalNumber is a number as the kernel writes it: 064 is 64.
func canonicalNumber(text string) string {
	if v, err := strconv.Atoi(text); err == nil {
		return strconv.Itoa(v)
	}
	return text
}
