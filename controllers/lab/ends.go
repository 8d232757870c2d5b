// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// end is an interface of a node: one end of a link, a VLAN subinterface of one, or a switch's bridge or
// VLAN interface.
type end struct {
	node *node
	// link is nil for a switch's bridge and VLAN interfaces.
	link  *link
	field string
	iface string
	mtu   int
	mac   state.MAC
	qdisc state.Qdisc
	// parent is the lower device of a VLAN interface.
	parent        *end
	vlan          uint16
	subinterfaces []*end
	// subnet is a subinterface's.
	subnet *subnet
	// port is set at a switch: such an end has no addresses.
	port *port
	// segment is the end's broadcast domain. Ends with the same live are connected by links that are up.
	segment *segment
	live    portAtVLAN
	// written are the addresses as the spec has them.
	written []string
	// addresses are the written and the derived ones in the kernel's order, without the EUI-64 link-local
	// address.
	addresses []netip.Prefix
	// linkLocal is the IPv6 link-local address, zero without IPv6.
	linkLocal netip.Prefix
	// derived are those of addresses that the spec does not have.
	derived []netip.Prefix
}

func (e *end) peer() *end {
	if e.link.ends[0] == e {
		return e.link.ends[1]
	}
	return e.link.ends[0]
}

// up reports whether the interface should be up.
func (e *end) up() bool { return e.link == nil || e.link.up }

// label is an end's name in messages and in a route's link: its link, or a VLAN interface's own name.
func (e *end) label() string {
	if e.link == nil || e.parent != nil {
		return e.iface
	}
	return e.link.name
}

// of are the end's addresses of a family: in the kernel's order, IPv4 comes first.
func (e *end) of(f family) []netip.Prefix {
	four := 0
	for four < len(e.addresses) && e.addresses[four].Addr().Is4() {
		four++
	}
	if f == ipv4 {
		return e.addresses[:four:four]
	}
	return e.addresses[four:]
}

// isConnected reports whether the kernel's connected route of one of the end's addresses covers the address.
func (e *end) isConnected(a netip.Addr) bool {
	return slices.ContainsFunc(e.addresses, func(p netip.Prefix) bool { return p.Contains(a) && hasConnectedRoute(p) })
}

// hasConnectedRoute reports whether the kernel makes a route to the address's prefix: for IPv4 not to a
// network in 0.0.0.0/8, as that of 10.0.0.1/1 is.
func hasConnectedRoute(p netip.Prefix) bool {
	return !p.Addr().Is4() || p.Masked().Addr().As4()[0] != 0
}

// isConnectedToAny reports whether one of the addresses is in a prefix of the end.
func (e *end) isConnectedToAny(addresses []netip.Prefix) bool {
	return slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return e.isConnected(p.Addr()) })
}

func (e *end) hasAddress(a netip.Addr) bool {
	return e.linkLocal.Addr() == a || slices.ContainsFunc(e.addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// byName matches ends by the name of their link or of their interface; an empty name matches all.
func byName(link string) func(*end) bool {
	return func(e *end) bool { return link == "" || e.label() == link || e.iface == link }
}

func linkNames(ends []*end) []string {
	names := make([]string, len(ends))
	for i, e := range ends {
		names[i] = e.label()
	}
	return names
}

func (x *node) linkNames() []string { return linkNames(x.ends) }

// allEnds are the ends that can have addresses: those of links in stored order, each followed by its
// subinterfaces, then the switches' own.
func (n *network) allEnds() []*end {
	var ends []*end
	for _, l := range n.links {
		for _, e := range l.ends {
			if e.port == nil {
				ends = append(append(ends, e), e.subinterfaces...)
			}
		}
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			ends = append(ends, x.ends...)
		}
	}
	return ends
}

func (n *network) newEnd(x *link, field string, l *v1alpha1.Link, spec *v1alpha1.Endpoint) *end {
	n.checkSize(field, "addresses", len(spec.Addresses), 8)
	n.checkSize(field, "vlans", len(spec.VLANs), 64)
	n.checkSize(field, "subinterfaces", len(spec.Subinterfaces), 16)
	e := &end{link: x, field: field, node: n.nodeCalled(field, "name", spec.Name), iface: spec.Interface, written: spec.Addresses}
	if e.node == nil {
		return e
	}
	if e.iface == "" {
		e.iface = l.Name
	} else {
		n.checkName(field, "interface", e.iface)
	}
	n.claimName(field, "interface", e)
	e.mtu = n.mtu(field, l, spec)
	e.mac = n.mac(field, e, spec.MAC)
	e.qdisc = n.endImpairment(field, spec.Impairment, x.qdisc)
	if e.node.sw != nil {
		n.addPort(e, spec)
		return e
	}
	for _, name := range vlanFields(spec) {
		n.refuseAbsent(AnyAbsent, field+"."+name, "write it at the switch's endpoint, or use subinterfaces here", "%s is not a switch", e.node.name)
	}
	n.addSubinterfaces(e, spec)
	return e
}

// ifaceName is an interface name and the field of the link or switch that it comes from.
type ifaceName struct{ name, field string }

// tunnelNames are those of the devices that the kernel makes in every namespace while the modules of its tunnels
// are loaded.
var tunnelNames = []string{"erspan0", "gre0", "gretap0", "ip6gre0", "ip6tnl0", "sit0", "tunl0"}

// claimName refuses two interfaces of one name at a node, and a name that the kernel may have taken.
func (n *network) claimName(field, key string, e *end) {
	if slices.Contains(tunnelNames, e.iface) {
		n.refuse(field+"."+key, "write another interface name", "%q is the name of a tunnel device that the kernel makes in every namespace if the module is loaded", e.iface)
	}
	for _, other := range e.node.names {
		if other.name == e.iface && other.field != e.link.field {
			n.refuse(field+"."+key, "write another interface name at one of them", "%s already has an interface %q from %s", e.node.name, e.iface, other.field)
			return
		}
	}
	e.node.names = append(e.node.names, ifaceName{e.iface, e.link.field})
}

// addEndRows adds the rows of an end of a link; at a switch it is a bridge port.
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
		rows := want[e.node.namespace]
		rows.Qdiscs = add(rows.Qdiscs, e.iface, q)
		want[e.node.namespace] = rows
	}
}

// addInterfaceRows adds the rows of an interface. The node's settings must be there: a new interface inherits
// its own from them.
func (n *network) addInterfaceRows(want state.State, e *end, link state.Link) {
	rows := want[e.node.namespace]
	link.MAC, link.MTU, link.Group, link.Up = e.mac, e.mtu, state.LinkGroup, e.up()
	link.Settings = rows.Settings.ForLink(e.mtu)
	rows.Links[e.iface] = link
	addAddressRows(rows, e.iface, e.addresses)
	if e.linkLocal.IsValid() {
		rows.Addresses[state.AddressKey{Link: e.iface, Prefix: e.linkLocal}] = state.Address{}
	}
}

// add adds a row to a table, which may be nil: most namespaces have no rows in most tables.
func add[K comparable, V any](table map[K]V, key K, row V) map[K]V {
	if table == nil {
		table = map[K]V{}
	}
	table[key] = row
	return table
}

func (n *network) linkID(e *end) state.LinkID {
	return state.LinkID{Namespace: e.node.namespace, Name: e.iface}
}
