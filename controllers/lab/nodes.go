// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// node is a namespace, a router or a switch.
type node struct {
	name string
	// namespace is its network namespace's name.
	namespace string
	field     string
	index     int // in the network's nodes
	// router makes the node transit in derived routes and gives it the highest addresses of a subnet.
	router    bool
	forwards  bool
	config    *v1alpha1.NodeConfig
	loopbacks []netip.Prefix
	routes    map[state.RouteKey]state.Route
	// ends are the interfaces that are on a segment; a switch's ports are not among them.
	ends []*end
	// names are the interface names in use.
	names []ifaceName
	// sw, bridge and ports are set for a switch.
	sw     *v1alpha1.Switch
	bridge *end
	ports  []*end
	// reserved and own are set by reservedAddresses and ownAddresses, once every address is derived.
	reserved map[netip.Addr]netip.Prefix
	own      map[netip.Addr]bool
	// ipv6 is true for a node with an IPv6 address or route, or with a link whose next hops can only be
	// link-local.
	ipv6 bool
}

// addNodes adds namespaces and routers.
func (n *network) addNodes() {
	n.checkLabSize("namespaces", len(n.spec.Namespaces), 256)
	for i := range n.spec.Namespaces {
		ns := &n.spec.Namespaces[i]
		n.addNode(&node{name: ns.Name, field: fieldAt("spec", "namespaces", i), config: &ns.NodeConfig})
	}
	n.checkLabSize("routers", len(n.spec.Routers), 128)
	for i := range n.spec.Routers {
		r := &n.spec.Routers[i]
		field := fieldAt("spec", "routers", i)
		oneOf(n, field, "forwarding", r.Forwarding, v1alpha1.Enabled, v1alpha1.Disabled)
		n.addNode(&node{
			name: r.Name, field: field, config: &r.NodeConfig,
			router: true, forwards: r.Forwarding != v1alpha1.Disabled,
		})
	}
}

func (n *network) addNode(x *node) {
	x.namespace = n.id.NetworkNamespace(x.name)
	n.checkName(x.field, "name", x.name)
	n.checkConfig(x.field, x.config)
	if other := n.nodeByName[x.name]; other != nil {
		n.refuseName(x.field, x.name, other.field)
		return
	}
	n.checkSysctls(x)
	x.index = len(n.nodes)
	n.nodes = append(n.nodes, x)
	n.nodeByName[x.name] = x
}

// nodeCalled finds the node that an object names in its field key; nil, with the problem reported, where
// there is none.
func (n *network) nodeCalled(field, key, name string) *node {
	x := n.nodeByName[name]
	if x == nil {
		n.refuseAbsent(NodeAbsent, field+"."+key, n.knownNodes(), "node %q does not exist", name)
	}
	return x
}

// knownNodes is a fix: the names to choose from.
func (n *network) knownNodes() string {
	return choice("the lab's nodes", NodeNames(n.spec), "add it under namespaces, routers or switches")
}

// checkConfig repeats the schema's checks of a node.
func (n *network) checkConfig(field string, c *v1alpha1.NodeConfig) {
	n.checkSize(field, "loopbacks", len(c.Loopbacks), 8)
	n.checkSize(field, "routes", len(c.Routes), 64)
	n.checkSize(field, "sysctls", len(c.Sysctls), 32)
}

// warnEmpty warns of a lab without nodes, which is realized at once.
func (n *network) warnEmpty() {
	if len(NodeNames(n.spec)) == 0 {
		n.warn("spec", "add nodes under namespaces, routers or switches", "the lab has no nodes")
	}
}

// warnUnlinkedNodes warns of nodes without links.
func (n *network) warnUnlinkedNodes() {
	for _, x := range n.nodes {
		if len(x.ends) == 0 || x.sw != nil && len(x.ports) == 0 {
			n.warn(x.field, "add a link to it, or remove it", "%s has no link", x.name)
		}
	}
}

// has reports whether the node has an address of the family that is not link-local.
func (x *node) has(f family) bool { return x.address(f).IsValid() }

// address is the address for probes of the node, zero if it has none of the family.
func (x *node) address(f family) (first netip.Addr) {
	for a := range x.addresses(f) {
		return a
	}
	return first
}

// addresses are those for probes of the node, the preferred one first: its loopbacks, then the addresses of its
// interfaces in stored link order.
func (x *node) addresses(f family) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, p := range x.loopbacks {
			if familyOf(p.Addr()) == f && !state.IsLinkLocal(p.Addr()) && !yield(p.Addr()) {
				return
			}
		}
		for _, e := range x.ends {
			for _, p := range e.of(f) {
				if !state.IsLinkLocal(p.Addr()) && !yield(p.Addr()) {
					return
				}
			}
		}
	}
}

// deliversLocally reports whether packets of the node to an address do not leave it: the address is its own, or
// one of an IPv4 prefix on lo, which is local as a whole.
func (x *node) deliversLocally(a netip.Addr) bool {
	onLo := func(p netip.Prefix) bool { return a.Is4() && p.Contains(a) }
	return x.hasAddress(a) || slices.ContainsFunc(x.loopbacks, onLo)
}

// hasAddress reports whether the address is one of the node's that are not link-local.
func (x *node) hasAddress(a netip.Addr) bool {
	if state.IsLinkLocal(a) {
		return false
	}
	has := func(p netip.Prefix) bool { return p.Addr() == a }
	return slices.ContainsFunc(x.loopbacks, has) || slices.ContainsFunc(x.ends, func(e *end) bool { return slices.ContainsFunc(e.addresses, has) })
}

// loopback is the node's first loopback of a family that is not link-local, zero without one.
func (x *node) loopback(f family) netip.Addr {
	for _, p := range x.loopbacks {
		if familyOf(p.Addr()) == f && !state.IsLinkLocal(p.Addr()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// addNodeRows adds the rows of a node, with those of lo and the routes.
func (n *network) addNodeRows(want state.State, x *node, options Options) {
	rows := state.Namespace{
		Label: n.id.Owner.Label(x.name), Mounted: true, Symlink: options.Symlinks, Settings: x.settings(),
		Links: make(map[string]state.Link, 1+len(x.ends)+len(x.ports)), Routes: x.routes,
		Addresses: make(map[state.AddressKey]state.Address, len(x.loopbacks)+2*len(x.ends)),
	}
	if x.sw != nil {
		rows.Bridges, rows.PortVLANs = map[string]state.Bridge{}, map[state.PortVLANKey]state.PortVLAN{}
	}
	want[x.namespace] = rows
	rows.Links[state.Loopback] = state.Link{MTU: state.LoopbackMTU, Up: true, Settings: state.LoopbackSettings(rows.Settings[state.DisableIPv6])}
	addAddressRows(rows, state.Loopback, x.loopbacks)
}
