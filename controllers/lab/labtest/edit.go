// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// FixedPrefix starts the names of nodes, links and subnets that no edit touches.
const FixedPrefix = "fix-"

func fixed(name string) bool { return strings.HasPrefix(name, FixedPrefix) }

// Edit returns a lab that differs from spec in one thing, and what that is.
func (g *Generator) Edit(spec *v1alpha1.NetLabSpec) (edited *v1alpha1.NetLabSpec, what string) {
	for {
		if edited, what := g.try(spec, edits[g.IntN(len(edits))]); edited != nil {
			return edited, what
		}
	}
}

func (d *draft) problems() lab.Problems { return lab.Validate(&v1alpha1.NetLab{Spec: *d.spec}) }

// edit is a kind of change. It returns its description, empty if it does not apply.
type edit struct {
	name string
	do   func(*draft) string
}

// edits are typical changes of a lab.
var edits = []edit{
	{"add host", (*draft).addHost},
	{"add router", (*draft).addRouter},
	{"add switch", (*draft).addAnotherSwitch},
	{"remove node", (*draft).removeNode},
	{"rename node", (*draft).renameNode},
	{"add link", (*draft).addLink},
	{"remove link", (*draft).removeLink},
	{"rename link", (*draft).renameLink},
	{"move end", (*draft).moveEnd},
	{"swap nodes", (*draft).swapNodes},
	{"swap links", (*draft).swapLinks},
	{"cut or mend link", (*draft).toggleLink},
	{"change MTU", (*draft).changeMTU},
	{"change MTU of end", (*draft).changeEndMTU},
	{"change subnet", (*draft).changeSubnet},
	{"drop subnet", (*draft).dropSubnet},
	{"change prefix", (*draft).changePrefix},
	{"write addresses", (*draft).changeAddresses},
	{"change MAC", (*draft).changeMAC},
	{"rename interface", (*draft).renameInterface},
	{"change impairment", (*draft).changeImpairment},
	{"change VLAN", (*draft).changeVLAN},
	{"turn VLANs on or off", (*draft).toggleFiltering},
	{"turn spanning tree on or off", (*draft).toggleSTP},
	{"change switch's address", (*draft).changeSwitchAddress},
	{"change routes", (*draft).changeRoutes},
	{"change settings", (*draft).changeSysctls},
	{"change loopbacks", (*draft).changeLoopbacks},
	{"turn forwarding on or off", (*draft).toggleForwarding},
	{"change routing", (*draft).toggleRouting},
	{"write or learn neighbours", (*draft).toggleNeighbors},
}

func (d *draft) size() int {
	return len(d.spec.Namespaces) + len(d.spec.Routers) + len(d.spec.Switches)
}

// fresh is an unused name.
func (d *draft) fresh(kind string) string { return fmt.Sprintf("%s%d", kind, 100+d.IntN(100_000)) }

// nodes are the names of the nodes that may be edited, switches aside if only those with addresses count.
func (d *draft) nodes(switches bool) []string {
	var names []string
	for _, n := range d.spec.Namespaces {
		names = append(names, n.Name)
	}
	for _, n := range d.spec.Routers {
		names = append(names, n.Name)
	}
	for _, n := range d.spec.Switches {
		if switches {
			names = append(names, n.Name)
		}
	}
	return slices.DeleteFunc(names, fixed)
}

// anyLink is a link that may be edited, nil without one.
func (d *draft) anyLink() *v1alpha1.Link {
	var free []*v1alpha1.Link
	for i := range d.spec.Links {
		if !fixed(d.spec.Links[i].Name) {
			free = append(free, &d.spec.Links[i])
		}
	}
	if len(free) == 0 {
		return nil
	}
	return pick(d.Generator, free...)
}

// anyEnd is an end of such a link; hosts' and routers' only unless switches count.
func (d *draft) anyEnd(atSwitch bool) (*v1alpha1.Link, *v1alpha1.Endpoint) {
	l := d.anyLink()
	if l == nil {
		return nil, nil
	}
	e := &l.Endpoints[d.IntN(2)]
	if (newWiring(d.spec).switches[e.Name] != nil) != atSwitch {
		return nil, nil
	}
	return l, e
}

// anyConfig is that of a node that may be edited.
func (d *draft) anyConfig() (*v1alpha1.NodeConfig, string) {
	nodes := d.nodes(false)
	if len(nodes) == 0 {
		return nil, ""
	}
	name := pick(d.Generator, nodes...)
	for i := range d.spec.Namespaces {
		if d.spec.Namespaces[i].Name == name {
			return &d.spec.Namespaces[i].NodeConfig, name
		}
	}
	for i := range d.spec.Routers {
		if d.spec.Routers[i].Name == name {
			return &d.spec.Routers[i].NodeConfig, name
		}
	}
	return nil, ""
}

func (d *draft) anySwitch() *v1alpha1.Switch {
	var free []*v1alpha1.Switch
	for i := range d.spec.Switches {
		if !fixed(d.spec.Switches[i].Name) {
			free = append(free, &d.spec.Switches[i])
		}
	}
	if len(free) == 0 {
		return nil
	}
	return pick(d.Generator, free...)
}

func (d *draft) addHost() string {
	if d.size() >= MaxNodes {
		return ""
	}
	h := v1alpha1.Namespace{Name: d.fresh("h")}
	d.addLoopbacks(&h.NodeConfig, 20, 200+d.IntN(50))
	d.spec.Namespaces = append(d.spec.Namespaces, h)
	return h.Name + d.plugSomewhere(h.Name)
}

func (d *draft) addRouter() string {
	if d.size() >= MaxNodes {
		return ""
	}
	r := v1alpha1.Router{Name: d.fresh("r")}
	d.addLoopbacks(&r.NodeConfig, 50, 200+d.IntN(50))
	d.spec.Routers = append(d.spec.Routers, r)
	return r.Name + d.plugSomewhere(r.Name)
}

func (d *draft) addAnotherSwitch() string {
	if d.size() >= MaxNodes {
		return ""
	}
	d.addSwitch(d.fresh("s"))
	name := d.spec.Switches[len(d.spec.Switches)-1].Name
	return name + d.plugSomewhere(name)
}

// plugSomewhere links a node to any other one.
func (d *draft) plugSomewhere(node string) string {
	others := slices.DeleteFunc(d.nodes(true), func(n string) bool { return n == node })
	if len(others) == 0 || d.chance(10) {
		return ""
	}
	l := d.link(node, pick(d.Generator, others...))
	l.Name = d.fresh("l")
	switched := newWiring(d.spec).switches
	if switched[l.Endpoints[0].Name] == nil && switched[l.Endpoints[1].Name] == nil {
		l.Subnet, _ = d.newSubnet(24, 64)
	}
	return " by " + l.Name
}

func (d *draft) addLink() string {
	nodes := d.nodes(true)
	if len(nodes) < 2 || len(d.spec.Links) > 2*MaxNodes {
		return ""
	}
	return strings.TrimPrefix(d.plugSomewhere(pick(d.Generator, nodes...)), " by ")
}

func (d *draft) removeNode() string {
	nodes := d.nodes(true)
	if len(nodes) < 3 {
		return ""
	}
	name := pick(d.Generator, nodes...)
	s := d.spec
	s.Namespaces = slices.DeleteFunc(s.Namespaces, func(n v1alpha1.Namespace) bool { return n.Name == name })
	s.Routers = slices.DeleteFunc(s.Routers, func(n v1alpha1.Router) bool { return n.Name == name })
	s.Switches = slices.DeleteFunc(s.Switches, func(n v1alpha1.Switch) bool { return n.Name == name })
	s.Links = slices.DeleteFunc(s.Links, func(l v1alpha1.Link) bool {
		return l.Endpoints[0].Name == name || l.Endpoints[1].Name == name
	})
	d.dropDeadRoutes()
	return name
}

// dropDeadRoutes removes written routes that lost their next hop; all of them when in doubt.
func (d *draft) dropDeadRoutes() {
	if len(d.problems()) == 0 {
		return
	}
	d.eachConfig(func(c *v1alpha1.NodeConfig) { c.Routes = nil })
}

// eachConfig iterates over the nodes that may be edited.
func (d *draft) eachConfig(do func(*v1alpha1.NodeConfig)) {
	for i := range d.spec.Namespaces {
		if !fixed(d.spec.Namespaces[i].Name) {
			do(&d.spec.Namespaces[i].NodeConfig)
		}
	}
	for i := range d.spec.Routers {
		if !fixed(d.spec.Routers[i].Name) {
			do(&d.spec.Routers[i].NodeConfig)
		}
	}
}

func (d *draft) renameNode() string {
	nodes := d.nodes(true)
	if len(nodes) == 0 {
		return ""
	}
	from, to := pick(d.Generator, nodes...), d.fresh("n")
	rename := func(name *string) {
		if *name == from {
			*name = to
		}
	}
	for i := range d.spec.Namespaces {
		rename(&d.spec.Namespaces[i].Name)
	}
	for i := range d.spec.Routers {
		rename(&d.spec.Routers[i].Name)
	}
	for i := range d.spec.Switches {
		rename(&d.spec.Switches[i].Name)
	}
	for i := range d.spec.Links {
		rename(&d.spec.Links[i].Endpoints[0].Name)
		rename(&d.spec.Links[i].Endpoints[1].Name)
	}
	d.eachConfig(func(c *v1alpha1.NodeConfig) {
		for i := range c.Routes {
			rename(&c.Routes[i].Via)
		}
	})
	return from + " to " + to
}

func (d *draft) removeLink() string {
	l := d.anyLink()
	if l == nil {
		return ""
	}
	name := l.Name
	d.spec.Links = slices.DeleteFunc(d.spec.Links, func(o v1alpha1.Link) bool { return o.Name == name })
	d.dropDeadRoutes()
	return name
}

func (d *draft) renameLink() string {
	l := d.anyLink()
	if l == nil {
		return ""
	}
	from := l.Name
	l.Name = d.fresh("l")
	d.dropDeadRoutes()
	return from + " to " + l.Name
}

func (d *draft) moveEnd() string {
	l, nodes := d.anyLink(), d.nodes(true)
	if l == nil {
		return ""
	}
	e := &l.Endpoints[d.IntN(2)]
	from, to := e.Name, pick(d.Generator, nodes...)
	if from == to {
		return ""
	}
	e.Name = to
	d.dropDeadRoutes()
	return fmt.Sprintf("of %s from %s to %s", l.Name, from, to)
}

// swapNodes and swapLinks change nothing but the stored order, which derived addresses follow.
func (d *draft) swapNodes() string {
	n := d.spec.Namespaces
	if len(n) < 2 {
		return ""
	}
	at := d.IntN(len(n) - 1)
	n[at], n[at+1] = n[at+1], n[at]
	return n[at].Name
}

func (d *draft) swapLinks() string {
	l := d.spec.Links
	if len(l) < 2 {
		return ""
	}
	at := d.IntN(len(l) - 1)
	l[at], l[at+1] = l[at+1], l[at]
	return l[at].Name
}

func (d *draft) toggleLink() string {
	l := d.anyLink()
	if l == nil {
		return ""
	}
	l.State = map[v1alpha1.LinkState]v1alpha1.LinkState{v1alpha1.LinkDown: v1alpha1.LinkUp}[l.State]
	if l.State == "" {
		l.State = v1alpha1.LinkDown
	}
	return l.Name
}

// mtus are below and above the minimum of IPv6.
var mtus = []v1alpha1.MTU{0, 576, 1279, 1280, 1400, 1500, 9000, 65535}

func (d *draft) changeMTU() string {
	l := d.anyLink()
	if l == nil {
		return ""
	}
	l.MTU = pick(d.Generator, mtus...)
	return fmt.Sprintf("of %s to %d", l.Name, l.MTU)
}

func (d *draft) changeEndMTU() string {
	l, e := d.anyEnd(d.chance(30))
	if e == nil {
		return ""
	}
	e.MTU = pick(d.Generator, mtus...)
	return fmt.Sprintf("of %s at %s to %d", l.Name, e.Name, e.MTU)
}

// changeSubnet gives a link or switch another subnet.
func (d *draft) changeSubnet() string {
	if s := d.anySwitch(); s != nil && d.chance(40) && s.VLANFiltering != v1alpha1.Enabled {
		s.Subnet, _ = d.newSubnet(24, 64)
		return "of " + s.Name
	}
	if l := d.anyLink(); l != nil {
		l.Subnet, _ = d.newSubnet(pick(d.Generator, 24, 30, 31), pick(d.Generator, 64, 127))
		d.dropDeadRoutes()
		return "of " + l.Name
	}
	return ""
}

func (d *draft) dropSubnet() string {
	l := d.anyLink()
	if l == nil || l.Subnet == "" {
		return ""
	}
	l.Subnet = ""
	d.dropDeadRoutes()
	return "of " + l.Name
}

// changePrefix renumbers a subnet, or changes its families.
func (d *draft) changePrefix() string {
	if len(d.spec.Subnets) == 0 {
		return ""
	}
	at := d.IntN(len(d.spec.Subnets))
	if fixed(d.spec.Subnets[at].Name) {
		return ""
	}
	name := d.spec.Subnets[at].Name
	d.newSubnet(24, 64)
	last := len(d.spec.Subnets) - 1
	d.spec.Subnets[at].CIDRs = d.spec.Subnets[last].CIDRs
	d.spec.Subnets = d.spec.Subnets[:last]
	return "of " + name
}

func (d *draft) changeAddresses() string {
	l, e := d.anyEnd(false)
	if e == nil {
		return ""
	}
	switch {
	case len(e.Addresses) > 0 && d.chance(40):
		e.Addresses = nil
	case len(e.Addresses) > 1 && d.chance(50): // the order decides which is the primary
		e.Addresses[0], e.Addresses[1] = e.Addresses[1], e.Addresses[0]
	case d.chance(20):
		e.Addresses = append(e.Addresses, fmt.Sprintf("fe80::%x/64", 1+d.IntN(1000)))
	default:
		n := d.IntN(200)
		e.Addresses = append(e.Addresses, pick(d.Generator, fmt.Sprintf("10.9.%d.%d/24", n%3, n), fmt.Sprintf("fd09::%x/64", n)))
	}
	d.dropDeadRoutes()
	return fmt.Sprintf("of %s at %s", l.Name, e.Name)
}

func (d *draft) changeMAC() string {
	l, e := d.anyEnd(false)
	if e == nil {
		return ""
	}
	if e.MAC != "" && d.chance(50) {
		e.MAC = ""
	} else {
		e.MAC = fmt.Sprintf("02:00:00:01:%02x:%02x", d.IntN(256), d.IntN(256))
	}
	d.dropDeadRoutes()
	return fmt.Sprintf("of %s at %s", l.Name, e.Name)
}

func (d *draft) renameInterface() string {
	l, e := d.anyEnd(d.chance(50))
	if e == nil {
		return ""
	}
	e.Interface = pick(d.Generator, "", d.fresh("e"), "eth0", "eth1")
	d.dropDeadRoutes()
	return fmt.Sprintf("of %s at %s to %q", l.Name, e.Name, e.Interface)
}

func (d *draft) changeImpairment() string {
	l, e := d.anyEnd(d.chance(30))
	if e == nil {
		return ""
	}
	i := d.impairment()
	if d.chance(40) {
		i = nil
	}
	if d.chance(50) {
		l.Impairment = i
	} else {
		e.Impairment = i
	}
	return "of " + l.Name
}

func (d *draft) changeVLAN() string {
	l, e := d.anyEnd(true)
	if e == nil || !newWiring(d.spec).filters(e.Name) {
		return ""
	}
	e.VLAN, e.VLANs, e.NativeVLAN = 0, nil, 0
	if d.chance(50) {
		e.VLAN = pick(d.Generator, vlanIDs...)
	} else {
		d.trunkPort(e)
	}
	return fmt.Sprintf("of %s at %s", l.Name, e.Name)
}

func (d *draft) toggleFiltering() string {
	s := d.anySwitch()
	if s == nil || d.Lacks.VLANs {
		return ""
	}
	if s.VLANFiltering == v1alpha1.Enabled {
		s.VLANFiltering, s.VLANs = "", nil
		for i := range d.spec.Links {
			for j := range d.spec.Links[i].Endpoints {
				if e := &d.spec.Links[i].Endpoints[j]; e.Name == s.Name {
					e.VLAN, e.VLANs, e.NativeVLAN = 0, nil, 0
				}
			}
		}
		return s.Name + " off"
	}
	s.VLANFiltering, s.Subnet, s.Addresses = v1alpha1.Enabled, "", nil
	name, _ := d.newSubnet(24, 64)
	s.VLANs = []v1alpha1.SwitchVLAN{{ID: pick(d.Generator, vlanIDs...), Subnet: name}}
	return s.Name + " on"
}

func (d *draft) toggleSTP() string {
	s := d.anySwitch()
	if s == nil {
		return ""
	}
	if s.STP == v1alpha1.Enabled {
		s.STP = v1alpha1.Disabled
	} else {
		s.STP = v1alpha1.Enabled
	}
	return s.Name
}

func (d *draft) changeSwitchAddress() string {
	s := d.anySwitch()
	if s == nil {
		return ""
	}
	addresses := []string{fmt.Sprintf("10.8.%d.1/24", d.IntN(100)), fmt.Sprintf("fd08:%x::1/64", d.IntN(100))}[:d.IntN(3)]
	if s.VLANFiltering == v1alpha1.Enabled && len(s.VLANs) > 0 {
		s.VLANs[d.IntN(len(s.VLANs))].Addresses = addresses
	} else {
		s.Addresses = addresses
	}
	d.dropDeadRoutes()
	return s.Name
}

func (d *draft) changeRoutes() string {
	c, name := d.anyConfig()
	if c == nil {
		return ""
	}
	if len(c.Routes) > 0 && d.chance(50) {
		c.Routes = c.Routes[1:]
		return name
	}
	to := pick(d.Generator, "default", "10.200.0.0/16", "fd00:200::/64")
	via, link, ok := d.neighbour(newWiring(d.spec), newWiring(d.spec).segmentsOf(false), name)
	route := v1alpha1.Route{To: to, Via: via, Link: link, Metric: int64(d.IntN(2) * 10)}
	if !ok || d.chance(30) {
		route.Via, route.Link, route.Type = "", "", pick(d.Generator, v1alpha1.RouteBlackhole, v1alpha1.RouteUnreachable, v1alpha1.RouteProhibit)
	}
	c.Routes = append(c.Routes, route)
	return name
}

func (d *draft) changeSysctls() string {
	c, name := d.anyConfig()
	if c == nil {
		return ""
	}
	if len(c.Sysctls) > 0 && d.chance(50) {
		c.Sysctls = nil
	} else {
		c.Sysctls = append(c.Sysctls, pick(d.Generator, harmless...))
	}
	return name
}

func (d *draft) changeLoopbacks() string {
	c, name := d.anyConfig()
	if c == nil {
		return ""
	}
	if len(c.Loopbacks) > 0 && d.chance(50) {
		c.Loopbacks = c.Loopbacks[1:]
	} else {
		c.Loopbacks = append(c.Loopbacks, pick(d.Generator, fmt.Sprintf("10.254.0.%d/32", d.IntN(250)), fmt.Sprintf("fd00:fffe::%x/128", d.IntN(250))))
	}
	d.dropDeadRoutes()
	return name
}

func (d *draft) toggleForwarding() string {
	if len(d.spec.Routers) == 0 {
		return ""
	}
	r := &d.spec.Routers[d.IntN(len(d.spec.Routers))]
	if fixed(r.Name) {
		return ""
	}
	if r.Forwarding == v1alpha1.Disabled {
		r.Forwarding = ""
	} else {
		r.Forwarding = v1alpha1.Disabled
	}
	return r.Name
}

func (d *draft) toggleNeighbors() string {
	if d.spec.Neighbors == v1alpha1.NeighborsStatic {
		d.spec.Neighbors = v1alpha1.NeighborsLearned
	} else {
		d.spec.Neighbors = v1alpha1.NeighborsStatic
	}
	return string(d.spec.Neighbors)
}

func (d *draft) toggleRouting() string {
	if d.chance(70) {
		return ""
	}
	if d.spec.Routing == v1alpha1.RoutingManual {
		d.spec.Routing = v1alpha1.RoutingAuto
	} else {
		d.spec.Routing = v1alpha1.RoutingManual
	}
	return string(d.spec.Routing)
}

// EditKinds are the names of the kinds of edit.
func EditKinds() []string {
	var names []string
	for _, e := range edits {
		names = append(names, e.name)
	}
	return names
}

// EditOf returns a lab that differs from spec in one thing of a kind, and what that is; nil where the kind does
// not apply.
func (g *Generator) EditOf(spec *v1alpha1.NetLabSpec, kind string) (edited *v1alpha1.NetLabSpec, what string) {
	at := slices.IndexFunc(edits, func(e edit) bool { return e.name == kind })
	for range 10 {
		if edited, what := g.try(spec, edits[at]); edited != nil {
			return edited, what
		}
	}
	return nil, ""
}

// try returns nil where the edit does not apply or gives no valid lab.
func (g *Generator) try(spec *v1alpha1.NetLabSpec, e edit) (edited *v1alpha1.NetLabSpec, what string) {
	d := &draft{Generator: g, spec: spec.DeepCopy(), style: g.style(), subnets: 1000 + g.IntN(20_000)}
	target := e.do(d)
	if target == "" || len(d.problems()) > 0 {
		return nil, ""
	}
	return d.spec, e.name + " " + target
}
