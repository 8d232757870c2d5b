// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// configs are the nodes of a spec by name.
func configs(spec *v1alpha1.NetLabSpec) map[string]*v1alpha1.NodeConfig {
	all := map[string]*v1alpha1.NodeConfig{}
	for i := range spec.Namespaces {
		all[spec.Namespaces[i].Name] = &spec.Namespaces[i].NodeConfig
	}
	for i := range spec.Routers {
		all[spec.Routers[i].Name] = &spec.Routers[i].NodeConfig
	}
	for i := range spec.Switches {
		all[spec.Switches[i].Name] = &spec.Switches[i].NodeConfig
	}
	return all
}

func sortRoutes(routes []v1alpha1.Route) {
	slices.SortFunc(routes, func(a, b v1alpha1.Route) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Metric, b.Metric)) })
}

func sortPrefixes(list []netip.Prefix) {
	slices.SortFunc(list, func(a, b netip.Prefix) int { return cmp.Compare(a.String(), b.String()) })
}

// specFault edits the spec and makes the machine hold it.
func (x *trial) specFault() (fault, bool) {
	edited := x.spec.DeepCopy()
	edit := pick(x, specFaults)
	if x.chance(35) {
		edit = pick(x, switchFaults)
	}
	f, ok := edit.do(x, edited)
	if !ok || len(x.problems(edited)) > 0 {
		return fault{}, false
	}
	before := x.spec
	x.healthyWant = x.lab.Want
	if !x.build(edited) {
		x.build(before)
		return fault{}, false
	}
	f.kind, f.bySpec = edit.name, true
	f.anywhere = f.anywhere || before.Routing != v1alpha1.RoutingManual && edit.name == "prefix length" // other routes are derived
	f.follows(state.Diff(x.healthyWant, x.lab.Want), state.Diff(x.lab.Want, x.healthyWant))
	return f, true
}

// specFault is a mistake in a spec.
type specFault struct {
	name string
	do   func(*trial, *v1alpha1.NetLabSpec) (fault, bool)
}

// specFaults are mistakes about links, addresses and routes.
var specFaults = []specFault{
	{"route missing", (*trial).dropRoute},
	{"route missing", (*trial).dropRoute},
	{"wrong gateway", (*trial).wrongVia},
	{"wrong gateway", (*trial).wrongVia},
	{"wrong gateway", (*trial).wrongVia},
	{"wrong destination", (*trial).wrongTo},
	{"route rejects", (*trial).rejectRoute},
	{"route too many", (*trial).addRoute},
	{"route too many", (*trial).addRoute},
	{"prefix length", (*trial).wrongLength},
	{"prefix length", (*trial).wrongLength},
	{"address", (*trial).wrongAddress},
	{"no address", (*trial).noAddress},
	{"duplicate address", (*trial).duplicateAddress},
	{"forwarding disabled", (*trial).disableForwarding},
	{"router is a host", (*trial).demote},
	{"link down", (*trial).cut},
	{"no link", (*trial).unplug},
	{"link moved", (*trial).replug},
	{"MTU", (*trial).shrink},
	{"setting", (*trial).set},
	{"setting", (*trial).set},
	{"loopback", (*trial).loopback},
	{"subnet", (*trial).otherSubnet},
	{"one prefix on two links", (*trial).samePrefix},
	{"manual routing", (*trial).manual},
}

// anyNode is a node with what it holds.
func (x *trial) anyNode(spec *v1alpha1.NetLabSpec, has func(*v1alpha1.NodeConfig) bool) (string, *v1alpha1.NodeConfig) {
	all := configs(spec)
	var names []string
	for _, name := range lab.NodeNames(spec) {
		if has(all[name]) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	name := pick(x, names)
	if p := pick(x, x.probes); x.chance(30) && slices.Contains(names, p.From) {
		name = p.From
	}
	return name, all[name]
}

func hasRoutes(c *v1alpha1.NodeConfig) bool { return len(c.Routes) > 0 }

func anything(*v1alpha1.NodeConfig) bool { return true }

func (x *trial) dropRoute(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, hasRoutes)
	if config == nil {
		return fault{}, false
	}
	i := x.IntN(len(config.Routes))
	r := config.Routes[i]
	config.Routes = slices.Delete(config.Routes, i, i+1)
	return fault{what: fmt.Sprintf("%s: no route to %s via %s", node, r.To, r.Via), nodes: []string{node}, objects: routeObjects(r)}, true
}

func routeObjects(r v1alpha1.Route) []string {
	objects := []string{r.To}
	if p, err := netip.ParsePrefix(r.To); err == nil && p.Bits() == 0 {
		objects = append(objects, "default", "route")
	}
	if r.Via != "" {
		objects = append(objects, r.Via)
	}
	return objects
}

func (x *trial) wrongVia(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, hasRoutes)
	if config == nil {
		return fault{}, false
	}
	r := &config.Routes[x.IntN(len(config.Routes))]
	was := *r
	via, ok := x.gateway(node, was.To)
	if !ok || via == was.Via {
		return fault{}, false
	}
	r.Via, r.Link = via, ""
	return fault{
		what: fmt.Sprintf("%s: route to %s via %s, was via %s", node, r.To, r.Via, was.Via), nodes: []string{node}, objects: append(routeObjects(*r), was.Via),
	}, true
}

// gateway is an address that a route of a node could name: a neighbour's, or one that no node has.
func (x *trial) gateway(node, to string) (string, bool) {
	destination, err := netip.ParsePrefix(to)
	if err != nil {
		return "", false
	}
	namespace := x.id.NetworkNamespace(node)
	var on, neighbours []netip.Prefix
	for a := range x.lab.Want[namespace].Addresses {
		if a.Prefix.Addr().Is4() == destination.Addr().Is4() && !state.IsLinkLocal(a.Prefix.Addr()) && a.Link != state.Loopback {
			on = append(on, a.Prefix)
		}
	}
	for id := range x.lab.Want.Addresses() {
		if id.Namespace != namespace && slices.ContainsFunc(on, func(p netip.Prefix) bool { return p.Contains(id.Prefix.Addr()) }) {
			neighbours = append(neighbours, id.Prefix)
		}
	}
	sortPrefixes(on)
	sortPrefixes(neighbours)
	if len(neighbours) > 0 && x.chance(70) {
		return pick(x, neighbours).Addr().String(), true
	}
	if len(on) == 0 {
		return "", false
	}
	return x.unused(pick(x, on)).String(), true
}

// unused is an address of a prefix that probably no node has.
func (x *trial) unused(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	for range 77 {
		a = a.Next()
	}
	if !p.Contains(a) {
		return p.Addr().Next()
	}
	return a
}

func (x *trial) wrongTo(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, hasRoutes)
	if config == nil {
		return fault{}, false
	}
	r := &config.Routes[x.IntN(len(config.Routes))]
	was := *r
	p, err := netip.ParsePrefix(r.To)
	if err != nil {
		return fault{}, false
	}
	switch x.IntN(3) {
	case 0:
		p = netip.PrefixFrom(x.unused(p), min(p.Bits()+1+x.IntN(4), p.Addr().BitLen())).Masked()
	case 1:
		p = netip.PrefixFrom(p.Addr(), max(p.Bits()-1-x.IntN(4), 0)).Masked()
	default:
		p = netip.MustParsePrefix("172.31.0.0/16")
		if netip.MustParsePrefix(r.To).Addr().Is6() {
			p = netip.MustParsePrefix("fd99::/64")
		}
	}
	r.To = p.String()
	return fault{what: fmt.Sprintf("%s: route to %s via %s, was to %s", node, r.To, r.Via, was.To), nodes: []string{node}, objects: append(routeObjects(was), routeObjects(*r)...)}, true
}

func (x *trial) rejectRoute(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, anything)
	to := x.toward()
	r := v1alpha1.Route{To: to.String(), Type: pick(x, []v1alpha1.RouteType{v1alpha1.RouteBlackhole, v1alpha1.RouteUnreachable, v1alpha1.RouteProhibit})}
	if slices.ContainsFunc(config.Routes, func(o v1alpha1.Route) bool { return o.To == r.To }) {
		return fault{}, false
	}
	config.Routes = append(config.Routes, r)
	return fault{what: fmt.Sprintf("%s: %s route to %s", node, r.Type, r.To), nodes: []string{node}, objects: []string{r.To}}, true
}

// toward is a prefix around an address that a ping needs: its destination or its source.
func (x *trial) toward() netip.Prefix {
	p := pick(x, x.probes)
	a := p.To
	if x.chance(40) {
		for _, own := range x.lab.Addresses[p.From] {
			if own.Is4() == p.To.Is4() {
				a = own
			}
		}
	}
	bits := a.BitLen()
	if x.chance(60) {
		bits -= x.IntN(8)
	}
	return netip.PrefixFrom(a, bits).Masked()
}

func (x *trial) addRoute(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, anything)
	to := x.toward()
	via, ok := x.gateway(node, to.String())
	if !ok || slices.ContainsFunc(config.Routes, func(o v1alpha1.Route) bool { return o.To == to.String() }) {
		return fault{}, false
	}
	r := v1alpha1.Route{To: to.String(), Via: via}
	config.Routes = append(config.Routes, r)
	return fault{what: fmt.Sprintf("%s: a route to %s via %s", node, r.To, r.Via), nodes: []string{node}, objects: routeObjects(r)}, true
}

// anyEnd is an end with addresses, its link and its interface. Its addresses are written from now on.
func (x *trial) anyEnd(spec *v1alpha1.NetLabSpec) (*v1alpha1.Link, *v1alpha1.Endpoint, bool) {
	if len(spec.Links) == 0 {
		return nil, nil, false
	}
	l := &spec.Links[x.IntN(len(spec.Links))]
	e := &l.Endpoints[x.IntN(len(l.Endpoints))]
	x.writeAddresses(e, x.interfaceOf(l, e), x.lab.Want)
	return l, e, len(e.Addresses) > 0 && len(e.Subinterfaces) == 0
}

func (x *trial) wrongLength(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e, ok := x.anyEnd(spec)
	if !ok {
		return fault{}, false
	}
	i := x.IntN(len(e.Addresses))
	was := netip.MustParsePrefix(e.Addresses[i])
	bits := was.Bits() + pick(x, []int{-8, -4, -1, 1, 2, 4, 6})
	if was.Addr().Is6() {
		bits = was.Bits() + pick(x, []int{-16, -8, 32, 63, 64})
	}
	if bits < 1 || bits > was.Addr().BitLen() {
		return fault{}, false
	}
	now := netip.PrefixFrom(was.Addr(), bits)
	e.Addresses[i] = now.String()
	return fault{what: fmt.Sprintf("%s: %s on %s, was %s", e.Name, now, l.Name, was), nodes: []string{e.Name}, objects: []string{l.Name, was.String(), now.String()}}, true
}

func (x *trial) wrongAddress(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e, ok := x.anyEnd(spec)
	if !ok {
		return fault{}, false
	}
	i := x.IntN(len(e.Addresses))
	was := netip.MustParsePrefix(e.Addresses[i])
	now := netip.PrefixFrom(x.unused(was), was.Bits())
	if x.chance(40) {
		now = netip.MustParsePrefix("172.20.0.5/24")
		if was.Addr().Is6() {
			now = netip.MustParsePrefix("fd55::5/64")
		}
	}
	e.Addresses[i] = now.String()
	return fault{what: fmt.Sprintf("%s: %s on %s, was %s", e.Name, now, l.Name, was), nodes: []string{e.Name}, objects: []string{l.Name, was.String(), now.String()}}, true
}

func (x *trial) noAddress(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e, ok := x.anyEnd(spec)
	if !ok || len(e.Addresses) < 2 {
		return fault{}, false
	}
	i := x.IntN(len(e.Addresses))
	was := e.Addresses[i]
	e.Addresses = slices.Delete(e.Addresses, i, i+1)
	return fault{what: fmt.Sprintf("%s: no %s on %s", e.Name, was, l.Name), nodes: []string{e.Name}, objects: []string{l.Name, was}}, true
}

func (x *trial) duplicateAddress(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e, ok := x.anyEnd(spec)
	if !ok {
		return fault{}, false
	}
	i := x.IntN(len(e.Addresses))
	was := netip.MustParsePrefix(e.Addresses[i])
	var others []netip.Prefix
	for id := range x.lab.Want.Addresses() {
		if a := id.Prefix; id.Namespace != x.id.NetworkNamespace(e.Name) && a.Addr().Is4() == was.Addr().Is4() && !state.IsLinkLocal(a.Addr()) && (was.Contains(a.Addr()) || x.chance(10)) {
			others = append(others, netip.PrefixFrom(a.Addr(), was.Bits()))
		}
	}
	if len(others) == 0 {
		return fault{}, false
	}
	sortPrefixes(others)
	now := pick(x, others)
	e.Addresses[i] = now.String()
	return fault{what: fmt.Sprintf("%s: %s on %s, which another node has, was %s", e.Name, now, l.Name, was), nodes: []string{e.Name}, objects: []string{l.Name, was.String(), now.Addr().String()}}, true
}

func (x *trial) disableForwarding(spec *v1alpha1.NetLabSpec) (fault, bool) {
	if len(spec.Routers) == 0 {
		return fault{}, false
	}
	r := &spec.Routers[x.IntN(len(spec.Routers))]
	if r.Forwarding == v1alpha1.Disabled {
		return fault{}, false
	}
	r.Forwarding = v1alpha1.Disabled
	return fault{what: r.Name + ": forwarding: Disabled", nodes: []string{r.Name}, objects: []string{"forward"}}, true
}

// demote lists a router under namespaces, with the routes that it has.
func (x *trial) demote(spec *v1alpha1.NetLabSpec) (fault, bool) {
	if len(spec.Routers) == 0 {
		return fault{}, false
	}
	i := x.IntN(len(spec.Routers))
	r := spec.Routers[i]
	for j := range spec.Links { // else its derived addresses move
		for k := range spec.Links[j].Endpoints {
			if e := &spec.Links[j].Endpoints[k]; e.Name == r.Name && len(e.Subinterfaces) == 0 {
				x.writeAddresses(e, x.interfaceOf(&spec.Links[j], e), x.lab.Want)
			}
		}
	}
	spec.Routers = slices.Delete(spec.Routers, i, i+1)
	spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: r.Name, NodeConfig: r.NodeConfig})
	return fault{what: r.Name + ": listed under namespaces", nodes: x.withNeighbours(spec, r.Name), objects: []string{"forward", "routers", "route"}}, true
}

// withNeighbours are a node and those that have a link to it.
func (x *trial) withNeighbours(spec *v1alpha1.NetLabSpec, node string) []string {
	nodes := []string{node}
	for i := range spec.Links {
		if e := spec.Links[i].Endpoints; e[0].Name == node || e[1].Name == node {
			nodes = append(nodes, e[0].Name, e[1].Name)
		}
	}
	return nodes
}

func (x *trial) anyLink(spec *v1alpha1.NetLabSpec) (*v1alpha1.Link, []string, []string) {
	l := &spec.Links[x.IntN(len(spec.Links))]
	nodes := []string{l.Endpoints[0].Name, l.Endpoints[1].Name}
	objects := []string{"interface " + l.Name, "link"}
	for i := range l.Endpoints {
		if l.Endpoints[i].Interface != "" {
			objects = append(objects, "interface "+l.Endpoints[i].Interface)
		}
	}
	return l, nodes, objects
}

func (x *trial) cut(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, nodes, objects := x.anyLink(spec)
	if l.State == v1alpha1.LinkDown {
		return fault{}, false
	}
	l.State = v1alpha1.LinkDown
	return fault{what: l.Name + ": state: Down", nodes: nodes, objects: objects}, true
}

func (x *trial) unplug(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, nodes, objects := x.anyLink(spec)
	name := l.Name
	spec.Links = slices.DeleteFunc(spec.Links, func(o v1alpha1.Link) bool { return o.Name == name })
	return fault{anywhere: true, what: "no link " + name, nodes: nodes, objects: append(objects, "route", "address")}, true
}

func (x *trial) replug(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, nodes, objects := x.anyLink(spec)
	e := &l.Endpoints[x.IntN(2)]
	was := e.Name
	e.Name = pick(x, lab.NodeNames(spec))
	if e.Name == was {
		return fault{}, false
	}
	return fault{anywhere: true, what: fmt.Sprintf("%s: at %s, was at %s", l.Name, e.Name, was), nodes: append(nodes, e.Name), objects: append(objects, "route", "address", l.Name)}, true
}

func (x *trial) shrink(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, nodes, _ := x.anyLink(spec)
	mtu := pick(x, []v1alpha1.MTU{576, 1000, 1280, 1300})
	if x.chance(50) {
		l.MTU = mtu
	} else {
		l.Endpoints[x.IntN(2)].MTU = mtu
	}
	return fault{what: fmt.Sprintf("%s: mtu: %d at the link or an end", l.Name, mtu), nodes: nodes, objects: []string{"MTU", "no IPv6", l.Name}}, true
}

// sysctls that stop packets somewhere.
var sysctls = []v1alpha1.Sysctl{
	{Name: "net.ipv4.conf.all.rp_filter", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.conf.default.rp_filter", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.conf.all.arp_ignore", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.conf.all.arp_ignore", Value: intstr.FromInt32(2)},
	{Name: "net.ipv4.conf.all.arp_ignore", Value: intstr.FromInt32(8)},
	{Name: "net.ipv4.conf.default.arp_ignore", Value: intstr.FromInt32(8)},
	{Name: "net.ipv4.conf.all.arp_announce", Value: intstr.FromInt32(2)},
	{Name: "net.ipv4.conf.all.proxy_arp", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.ip_default_ttl", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.ip_default_ttl", Value: intstr.FromInt32(2)},
	{Name: "net.ipv6.conf.default.hop_limit", Value: intstr.FromInt32(1)},
	{Name: "net.ipv6.conf.all.hop_limit", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.icmp_echo_ignore_all", Value: intstr.FromInt32(1)},
	{Name: "net.ipv4.fib_multipath_hash_policy", Value: intstr.FromInt32(1)},
}

func (x *trial) set(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, func(c *v1alpha1.NodeConfig) bool { return len(c.Sysctls) == 0 })
	if config == nil {
		return fault{}, false
	}
	s := pick(x, sysctls)
	config.Sysctls = append(config.Sysctls, s)
	_, short, _ := cutLast(s.Name, ".")
	return fault{what: fmt.Sprintf("%s: %s: %s", node, s.Name, s.Value.String()), nodes: []string{node}, objects: []string{short}}, true
}

// samePrefix gives both ends of a link addresses in the prefix of another link of one of its nodes.
func (x *trial) samePrefix(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e, ok := x.anyEnd(spec)
	if !ok {
		return fault{}, false
	}
	for i := range spec.Links {
		other := &spec.Links[i]
		for j := range other.Endpoints {
			o := &other.Endpoints[j]
			if o.Name != e.Name || other.Name == l.Name || len(o.Subinterfaces) > 0 {
				continue
			}
			prefix := netip.MustParsePrefix(e.Addresses[0])
			first, second := netip.PrefixFrom(x.unused(prefix), prefix.Bits()), netip.PrefixFrom(x.unused(prefix).Next(), prefix.Bits())
			if !prefix.Contains(second.Addr()) {
				return fault{}, false
			}
			o.Addresses, other.Endpoints[1-j].Addresses = []string{first.String()}, []string{second.String()}
			return fault{
				anywhere: true, what: fmt.Sprintf("%s: %s on %s, the prefix of %s", e.Name, first, other.Name, l.Name),
				nodes: []string{e.Name, other.Endpoints[1-j].Name}, objects: []string{l.Name, other.Name, prefix.Masked().String()},
			}, true
		}
	}
	return fault{}, false
}

func (x *trial) loopback(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, func(c *v1alpha1.NodeConfig) bool { return len(c.Loopbacks) > 0 })
	if config == nil {
		return fault{}, false
	}
	was := config.Loopbacks[0]
	config.Loopbacks = config.Loopbacks[1:]
	objects := []string{was, "has no IPv4 address"} // it may have been the only one
	if strings.Contains(was, ":") {
		objects[1] = "has no IPv6 address"
	}
	if x.chance(50) {
		other, theirs := x.anyNode(spec, anything)
		if other != node {
			theirs.Loopbacks = append(theirs.Loopbacks, was)
			return fault{what: fmt.Sprintf("%s: loopback %s, was at %s", other, was, node), nodes: []string{node, other}, objects: objects}, true
		}
	}
	return fault{what: fmt.Sprintf("%s: no loopback %s", node, was), nodes: x.withNeighbours(spec, node), objects: objects}, true
}

func (x *trial) otherSubnet(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, nodes, objects := x.anyLink(spec)
	if len(spec.Subnets) == 0 {
		return fault{}, false
	}
	was := l.Subnet
	l.Subnet = pick(x, spec.Subnets).Name
	if l.Subnet == was {
		return fault{}, false
	}
	return fault{anywhere: true, what: fmt.Sprintf("%s: subnet %s, was %s", l.Name, l.Subnet, was), nodes: nodes, objects: append(objects, "route", "address")}, true
}

func (x *trial) manual(spec *v1alpha1.NetLabSpec) (fault, bool) {
	if spec.Routing == v1alpha1.RoutingManual {
		return fault{}, false
	}
	spec.Routing = v1alpha1.RoutingManual
	return fault{what: "routing: Manual", nodes: lab.NodeNames(spec), objects: []string{"route"}}, true
}
