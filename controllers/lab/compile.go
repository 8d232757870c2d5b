// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
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
	lab := &Lab{Identity: id, Routing: cmp.Or(spec.Routing, v1alpha1.RoutingAuto), Want: n.roomyState(), Probes: probes, Nodes: NodeNames(spec), Addresses: map[string][]netip.Addr{}}
	for _, x := range n.nodes {
		lab.Addresses[x.name] = x.probeTargets()
		n.addNodeRows(&lab.Want, x, options)
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			n.addSwitchRows(&lab.Want, x)
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			n.addEndRows(&lab.Want, e, options)
			for _, sub := range e.subinterfaces {
				n.addInterfaceRows(&lab.Want, sub, state.Link{Kind: state.VLANLink, Parent: e.iface, VLAN: sub.vlan})
			}
		}
	}
	lab.Want.Routes = routes
	return lab, nil
}

// roomyState has room for the rows of most labs: growing the tables would take longer than filling them.
func (n *network) roomyState() state.State {
	nodes, interfaces := len(n.nodes), 0
	for _, x := range n.nodes {
		interfaces += 1 + len(x.ends)
	}
	s := state.NewState()
	s.Namespaces = make(map[string]state.Namespace, nodes)
	s.Links = make(map[state.LinkID]state.Link, interfaces)
	s.Addresses = make(map[state.AddressID]state.Address, 2*interfaces)
	s.Sysctls = make(map[state.SysctlID]string, nodes*len(state.NamespaceSysctls)+interfaces*(len(state.LinkSysctls4)+len(state.LinkSysctls6)))
	return s
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
	n.warnUnused()
	n.warnUnlinked()
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

func (n *network) addNodeRows(want *state.State, x *node, options Options) {
	name := x.namespace
	want.Namespaces[name] = state.Namespace{Mark: n.id.Owner.Mark(x.name), Mounted: true, Symlink: options.Symlinks}
	want.Links[state.LinkID{Namespace: name, Name: state.Loopback}] = state.Link{MTU: state.LoopbackMTU, Up: true}
	addAddressRows(want, state.LinkID{Namespace: name, Name: state.Loopback}, x.loopbacks)
	x.sysctls(func(sysctl, value string) { want.Sysctls[state.SysctlID{Namespace: name, Name: sysctl}] = value })
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
func (n *network) addEndRows(want *state.State, e *end, options Options) {
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
		want.Qdiscs[n.linkID(e)] = q
	}
}

// addSwitchRows adds the bridge, and an interface on it for every VLAN it has addresses in.
func (n *network) addSwitchRows(want *state.State, x *node) {
	id := n.linkID(x.bridge)
	want.Bridges[id] = state.Bridge{STP: x.sw.STP == v1alpha1.Enabled, ForwardDelay: STPForwardDelay, VLANFiltering: x.filters()}
	n.addInterfaceRows(want, x.bridge, state.Link{Kind: state.BridgeLink})
	for _, name := range state.BridgeSysctls() {
		want.Sysctls[state.SysctlID{Namespace: id.Namespace, Name: name}] = state.Disabled
	}
	for _, e := range x.ends {
		if e.parent != nil {
			n.addInterfaceRows(want, e, state.Link{Kind: state.VLANLink, Parent: BridgeName, VLAN: e.vlan})
			want.PortVLANs[state.PortVLANID{Namespace: id.Namespace, Link: BridgeName, VLAN: e.vlan}] = state.PortVLAN{}
		}
	}
}

func (n *network) addPortVLANs(want *state.State, e *end) {
	id := n.linkID(e)
	tagged := e.port.tagged
	if e.port.allVLANs {
		tagged = n.vlans()
	}
	for _, vlan := range tagged {
		if vlan != e.port.untagged {
			want.PortVLANs[state.PortVLANID{Namespace: id.Namespace, Link: id.Name, VLAN: vlan}] = state.PortVLAN{}
		}
	}
	if e.port.untagged != 0 {
		want.PortVLANs[state.PortVLANID{Namespace: id.Namespace, Link: id.Name, VLAN: e.port.untagged}] = state.PortVLAN{PVID: true, Untagged: true}
	}
}

// addInterfaceRows needs the rows of the node's settings: a link takes its own from them.
func (n *network) addInterfaceRows(want *state.State, e *end, link state.Link) {
	id := n.linkID(e)
	link.MAC, link.MTU, link.Group, link.Up = e.mac, e.mtu, state.LinkGroup, e.up()
	want.Links[id] = link
	want.InheritSettings(id, e.mtu)
	addAddressRows(want, id, e.addresses)
	if e.linkLocal.IsValid() {
		want.Addresses[state.AddressID{Namespace: id.Namespace, Link: id.Name, Prefix: e.linkLocal}] = state.Address{}
	}
}

func (n *network) linkID(e *end) state.LinkID {
	return state.LinkID{Namespace: e.node.namespace, Name: e.iface}
}

// addAddressRows expects addresses in canonical order.
func addAddressRows(want *state.State, id state.LinkID, addresses []netip.Prefix) {
	order := 0
	for _, p := range addresses {
		row := state.Address{}
		if p.Addr().Is4() {
			row.Order = order
			order++
		}
		want.Addresses[state.AddressID{Namespace: id.Namespace, Link: id.Name, Prefix: p}] = row
	}
}

// canonicalNumber is a number as the kernel writes it: 064 is 64.
func canonicalNumber(text string) string {
	if v, err := strconv.Atoi(text); err == nil {
		return strconv.Itoa(v)
	}
	return text
}
