// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

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
	segmentOf    map[element]*segment
}

// node is a namespace, a router or a switch.
type node struct {
	name string
	// namespace is its network namespace's name.
	namespace string
	field     string
	// router says that it counts as one for addresses and routes.
	router    bool
	forwards  bool
	config    *v1alpha1.NodeConfig
	loopbacks []netip.Prefix
	// ends are where the node is on a segment, with addresses or without.
	ends []*end
	// ifaces says for each interface's name which field gives it.
	ifaces map[string]string
	// sw, bridge and ports are a switch's: its description, the bridge itself, what is plugged in.
	sw     *v1alpha1.Switch
	bridge *end
	ports  []*end
	// ipv6 says whether the node has IPv6 at all: an address, or a link whose next hops
	// can only be link-local.
	ipv6 bool
}

// link is a veth pair.
type link struct {
	name   string
	field  string
	subnet *subnet
	up     bool
	qdisc  state.Qdisc
	ends   [2]*end
}

// end is an interface of a node: one end of a link, an interface for a VLAN on one, or a switch's own.
type end struct {
	node *node
	// link is nil for a switch's own.
	link  *link
	field string
	iface string
	mtu   int
	mac   state.MAC
	qdisc state.Qdisc
	// parent is what an interface for a VLAN is on.
	parent        *end
	vlan          uint16
	subinterfaces []*end
	// subnet is what a subinterface says its segment's is.
	subnet *subnet
	// port is set at a switch: such an end has no addresses.
	port *port
	// segment is where its frames go, live what of it links that are up connect it with.
	segment *segment
	live    element
	// written are the addresses as somebody wrote them.
	written []string
	// addresses are the written and derived ones, as the kernel lists them; without the
	// link-local one that every IPv6 link has.
	addresses []netip.Prefix
	// linkLocal is the IPv6 link-local address, zero without IPv6.
	linkLocal netip.Prefix
	// derived says which of addresses nobody wrote.
	derived map[netip.Prefix]bool
}

func (e *end) peer() *end {
	if e.link.ends[0] == e {
		return e.link.ends[1]
	}
	return e.link.ends[0]
}

// up reports whether the interface should be up.
func (e *end) up() bool { return e.link == nil || e.link.up }

// label is how messages and routes name where an end is: by its link, a subinterface by itself.
func (e *end) label() string {
	if e.link == nil || e.parent != nil {
		return e.iface
	}
	return e.link.name
}

// subnet is a named range, with at most one prefix per family.
type subnet struct {
	name  string
	field string
	cidrs []netip.Prefix
}

// family distinguishes IPv4 and IPv6 where code is the same for both.
type family int

const (
	ipv4 family = 4
	ipv6 family = 6
)

var families = [...]family{ipv4, ipv6}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return ipv4
	}
	return ipv6
}

func (f family) String() string { return fmt.Sprintf("IPv%d", int(f)) }

func (f family) defaultRoute() netip.Prefix {
	if f == ipv4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// prefix is the subnet's range of a family.
func (s *subnet) prefix(f family) (netip.Prefix, bool) {
	for _, p := range s.cidrs {
		if familyOf(p.Addr()) == f {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// of filters an end's addresses by family.
func (e *end) of(f family) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range e.addresses {
		if familyOf(p.Addr()) == f {
			list = append(list, p)
		}
	}
	return list
}

// has reports whether the node has an address of the family, link-local ones aside.
func (x *node) has(f family) bool { return x.address(f).IsValid() }

// address is where the node is reached: its first loopback, else its first address in
// stored link order.
func (x *node) address(f family) netip.Addr {
	for _, p := range x.loopbacks {
		if familyOf(p.Addr()) == f {
			return p.Addr()
		}
	}
	for _, e := range x.ends {
		for _, p := range e.of(f) {
			if !state.IsLinkLocal(p.Addr()) {
				return p.Addr()
			}
		}
	}
	return netip.Addr{}
}

// resolve builds the graph of a lab. Parts that are wrong are noted and left out, so that
// one walk finds every problem.
func resolve(id state.Identity, spec *v1alpha1.NetLabSpec) *network {
	n := &network{id: id, spec: spec, nodeByName: map[string]*node{}, subnetByName: map[string]*subnet{}}
	n.checkSizes()
	n.checkEnums()
	n.addSubnets()
	n.addNodes()
	n.addSwitches()
	n.addLinks()
	n.fitBridges()
	n.checkLoops()
	n.addSegments()
	n.addLoopbacks()
	n.writeAddresses()
	n.deriveAddresses()
	n.checkAddresses()
	n.enableIPv6()
	return n
}

func (n *network) addNodes() {
	for i := range n.spec.Namespaces {
		ns := &n.spec.Namespaces[i]
		n.addNode(&node{name: ns.Name, field: fmt.Sprintf("spec.namespaces[%d]", i), config: &ns.NodeConfig})
	}
	for i := range n.spec.Routers {
		r := &n.spec.Routers[i]
		n.addNode(&node{
			name: r.Name, field: fmt.Sprintf("spec.routers[%d]", i), config: &r.NodeConfig,
			router: true, forwards: r.Forwarding != v1alpha1.Disabled,
		})
	}
}

func (n *network) addNode(x *node) {
	x.namespace, x.ifaces = n.id.NetworkNamespace(x.name), map[string]string{}
	n.checkName(x.field+".name", x.name)
	if other := n.nodeByName[x.name]; other != nil {
		n.refuse(x.field+".name", "give one of them another name", "%q is already the name of %s", x.name, other.field)
		return
	}
	n.checkSysctls(x)
	n.nodes = append(n.nodes, x)
	n.nodeByName[x.name] = x
}

func (n *network) addSubnets() {
	for i, s := range n.spec.Subnets {
		field := fmt.Sprintf("spec.subnets[%d]", i)
		n.checkName(field+".name", s.Name)
		if other := n.subnetByName[s.Name]; other != nil {
			n.refuse(field+".name", "give one of them another name", "%q is already the name of %s", s.Name, other.field)
			continue
		}
		x := &subnet{name: s.Name, field: field, cidrs: n.parseSubnet(field, s.CIDRs)}
		n.subnets = append(n.subnets, x)
		n.subnetByName[s.Name] = x
	}
}

func (n *network) parseSubnet(field string, cidrs []string) []netip.Prefix {
	if len(cidrs) == 0 {
		n.refuse(field+".cidrs", "write a prefix, such as 192.0.2.0/24", "a subnet needs at least one prefix")
	}
	var parsed []netip.Prefix
	for i, text := range cidrs {
		field := fmt.Sprintf("%s.cidrs[%d]", field, i)
		p, ok := n.parseRange(field, text)
		switch {
		case !ok:
		case p != p.Masked():
			n.refuse(field, fmt.Sprintf("write %s", p.Masked()), "%s has host bits", p)
		case slices.ContainsFunc(parsed, func(q netip.Prefix) bool { return q.Addr().Is4() == p.Addr().Is4() }):
			n.refuse(field, "use two subnets", "a subnet has at most one prefix per address family")
		default:
			parsed = append(parsed, p)
		}
	}
	return parsed
}

// parseRange parses a prefix from which addresses are derived: those of one that has to do with the
// loopback address are not all unicast, nor are those around 255.255.255.255; the kernel makes no route
// to a network 0.0.0.0; and a link-local one is on every link already.
func (n *network) parseRange(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return n.parsePrefix(field, text)
	}
	switch a := p.Addr(); {
	case !isUnicast(a), p.Contains(netip.IPv6Loopback()), p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1})),
		p == netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 254}), 31):
		n.refuse(field, "use a prefix of unicast addresses, such as 192.0.2.0/24 or fd00::/64", "%s has addresses that no interface of a lab can have", p)
		return p, false
	case state.IsLinkLocal(a):
		n.refuse(field, "write a link-local address, where it matters, under addresses", "%s is link-local: every interface with IPv6 has such an address, and routes to them do not exist", p)
		return p, false
	}
	return p, true
}

func (n *network) parsePrefix(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		fix := "write it in CIDR notation, such as 192.0.2.1/24 or fd00::1/64"
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			fix = fmt.Sprintf("add the prefix length: %s/%d", a, a.BitLen())
		}
		n.refuse(field, fix, "%q is not an address with a prefix length", text)
		return p, false
	}
	a := p.Addr()
	if !isUnicast(a) {
		n.refuse(field, "use a unicast address", "%s is an address that no interface of a lab can have", p)
		return p, false
	}
	return p, true
}

// isUnicast reports whether an interface of a lab can have an address, and a route lead via it.
func isUnicast(a netip.Addr) bool {
	limitedBroadcast := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	return !a.Is4In6() && !a.IsMulticast() && !a.IsLoopback() && !a.IsUnspecified() && a != limitedBroadcast
}

func (n *network) addLinks() {
	seen := map[string]string{}
	for i := range n.spec.Links {
		l := &n.spec.Links[i]
		field := fmt.Sprintf("spec.links[%d]", i)
		n.checkName(field+".name", l.Name)
		if other, ok := seen[l.Name]; ok {
			n.refuse(field+".name", "give one of them another name", "%q is already the name of %s", l.Name, other)
			continue
		}
		seen[l.Name] = field
		n.addLink(field, l)
	}
}

func (n *network) addLink(field string, l *v1alpha1.Link) {
	x := &link{name: l.Name, field: field, up: l.State != v1alpha1.LinkDown, qdisc: n.netem(field+".impairment", l.Impairment)}
	if l.Subnet != "" {
		if x.subnet = n.subnetByName[l.Subnet]; x.subnet == nil {
			n.refuseAbsent(SubnetAbsent, field+".subnet", n.known("subnets", n.subnetNames()), "no subnet is called %q", l.Subnet)
		}
	}
	if len(l.Endpoints) != 2 {
		n.refuse(field+".endpoints", "write the two ends of the cable", "a link has exactly 2 endpoints, not %d", len(l.Endpoints))
		return
	}
	for i := range l.Endpoints {
		e := n.newEnd(x, fmt.Sprintf("%s.endpoints[%d]", field, i), l, &l.Endpoints[i])
		if e.node == nil {
			return
		}
		x.ends[i] = e
	}
	if x.ends[0].node == x.ends[1].node {
		n.refuse(field+".endpoints", "name two different nodes", "both ends are plugged into %s", x.ends[0].node.name)
		return
	}
	n.plugIn(x, l)
}

func (n *network) plugIn(x *link, l *v1alpha1.Link) {
	n.links = append(n.links, x)
	n.fillPorts(x, l.Endpoints)
	switches := 0
	for _, e := range x.ends {
		if e.port != nil {
			switches++
			e.node.ports = append(e.node.ports, e)
			continue
		}
		e.node.ends = append(append(e.node.ends, e), e.subinterfaces...)
	}
	if switches == 2 && x.subnet != nil {
		n.refuse(x.field+".subnet", "write it at one of the switches", "a link between switches carries what they do")
		x.subnet = nil
	}
}

func (n *network) newEnd(x *link, field string, l *v1alpha1.Link, spec *v1alpha1.Endpoint) *end {
	e := &end{link: x, field: field, node: n.nodeByName[spec.Name], iface: spec.Interface, written: spec.Addresses, derived: map[netip.Prefix]bool{}}
	if e.node == nil {
		n.refuseAbsent(NodeAbsent, field+".name", n.known("nodes", NodeNames(n.spec)), "no node is called %q", spec.Name)
		return e
	}
	if e.iface == "" {
		e.iface = l.Name
	} else {
		n.checkName(field+".interface", e.iface)
	}
	n.takeInterface(field+".interface", e)
	e.mtu = n.mtu(field, l, spec)
	e.mac = n.mac(field, e, spec.MAC)
	e.qdisc = n.impaired(field, spec.Impairment, x.qdisc)
	if e.node.sw != nil {
		n.addPort(e, spec)
		return e
	}
	n.refuseVLANs(field, spec, "write it at the switch's end; here, subinterfaces", e.node.name+" is no switch")
	n.addSubinterfaces(e, spec)
	return e
}

// takeInterface refuses two interfaces of one name at a node.
func (n *network) takeInterface(field string, e *end) {
	if other, taken := e.node.ifaces[e.iface]; taken && other != e.link.field {
		n.refuse(field, "write another name at one of the two", "%s already has an interface %q, from %s", e.node.name, e.iface, other)
		return
	}
	e.node.ifaces[e.iface] = e.link.field
}

// defaultMTU is Ethernet's.
const defaultMTU = 1500

func (n *network) mtu(field string, l *v1alpha1.Link, spec *v1alpha1.Endpoint) int {
	mtu := int(spec.MTU)
	if mtu == 0 {
		mtu = int(l.MTU)
	}
	if mtu == 0 {
		mtu = defaultMTU
	}
	if mtu < 68 || mtu > 65535 {
		n.refuse(field+".mtu", "", "an MTU is 68 to 65535 bytes, not %d", mtu)
	}
	return mtu
}

func (n *network) subnetNames() []string {
	names := make([]string, len(n.subnets))
	for i, s := range n.subnets {
		names[i] = s.name
	}
	return names
}

// fieldAt is an item of a list.
func fieldAt(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// known lists what could have been meant, each name once.
func (n *network) known(what string, names []string) string {
	seen := map[string]bool{}
	names = slices.DeleteFunc(names, func(name string) bool {
		drop := seen[name] || name == ""
		seen[name] = true
		return drop
	})
	switch {
	case len(names) == 0:
		return "the lab has no " + what
	case len(names) > 12:
		return fmt.Sprintf("the lab's %s are %s and %d more", what, strings.Join(names[:12], ", "), len(names)-12)
	}
	return fmt.Sprintf("the lab's %s are %s", what, strings.Join(names, ", "))
}
