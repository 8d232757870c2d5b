// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// MaxNodes is the largest lab a Generator makes.
const MaxNodes = 24

// Generator makes random valid labs.
type Generator struct {
	*rand.Rand
	// Lacks are the kernel features that no lab may need.
	Lacks statetest.Features
}

// New returns the generator of a seed for a kernel that lacks these features.
func New(seed uint64, lacks statetest.Features) *Generator {
	return &Generator{Rand: rand.New(rand.NewPCG(seed, 4)), Lacks: lacks}
}

func (g *Generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *Generator, from ...T) T { return from[g.IntN(len(from))] }

// draft is an unfinished lab.
type draft struct {
	*Generator
	spec *v1alpha1.NetLabSpec
	// style is the lab's preferences.
	style style
	// subnets counts the subnets so far, so that no two overlap.
	subnets int
}

// style are a lab's preferences: some labs are of one kind only.
type style struct {
	// families is per subnet when it is zero.
	families families
	// vlans makes switches filter VLANs, loops connects them in loops.
	vlans, loops bool
	manual       bool
}

// families are a set of address families.
type families struct{ four, six bool }

// Spec returns a random lab.
func (g *Generator) Spec() *v1alpha1.NetLabSpec {
	d := &draft{Generator: g, spec: &v1alpha1.NetLabSpec{}, style: g.style()}
	d.addNodes()
	d.joinSwitches()
	d.attachNodes()
	d.cutLinks()
	d.addSubnets()
	d.addDetails()
	if d.style.manual {
		d.writeRoutes()
	}
	if d.chance(25) {
		d.spec.Neighbors = v1alpha1.NeighborsStatic
	}
	return d.spec
}

func (g *Generator) style() style {
	s := style{
		families: pick(g, families{true, false}, families{true, false}, families{false, true}, families{true, true}, families{true, true}, families{}),
		vlans:    !g.Lacks.VLANs && g.chance(30),
		loops:    g.chance(4),
		manual:   g.chance(12),
	}
	return s
}

// family is the families of the next subnet.
func (d *draft) family() families {
	if d.style.families != (families{}) {
		return d.style.families
	}
	return pick(d.Generator, families{true, false}, families{false, true}, families{true, true})
}

func (d *draft) addNodes() {
	size := 2 + d.IntN(pick(d.Generator, 4, 10, MaxNodes-1))
	routers := d.IntN(max(2, size/2))
	switches := d.IntN(max(2, size/3))
	if d.style.loops {
		routers, switches, size = 2, 3+d.IntN(2), max(size, 8)
	}
	if d.style.manual {
		routers = max(1, routers)
	}
	for i := range switches {
		d.addSwitch("s" + strconv.Itoa(i))
	}
	for i := range routers {
		r := v1alpha1.Router{Name: "r" + strconv.Itoa(i)}
		if d.chance(4) {
			r.Forwarding = v1alpha1.Disabled
		}
		d.addLoopbacks(&r.NodeConfig, 60, i)
		d.spec.Routers = append(d.spec.Routers, r)
	}
	for i := range size - routers - switches {
		h := v1alpha1.Namespace{Name: "h" + strconv.Itoa(i)}
		d.addLoopbacks(&h.NodeConfig, 8, 100+i)
		d.spec.Namespaces = append(d.spec.Namespaces, h)
	}
}

func (d *draft) addSwitch(name string) {
	s := v1alpha1.Switch{Name: name}
	if d.style.loops {
		s.STP = v1alpha1.Enabled
	}
	if d.style.vlans && d.chance(80) {
		s.VLANFiltering = v1alpha1.Enabled
	}
	d.spec.Switches = append(d.spec.Switches, s)
}

func (d *draft) addLoopbacks(c *v1alpha1.NodeConfig, percent, number int) {
	if !d.chance(percent) {
		return
	}
	for i := range pick(d.Generator, 1, 1, 1, 2) {
		f := d.family()
		if f.four {
			c.Loopbacks = append(c.Loopbacks, fmt.Sprintf("10.255.%d.%d/32", i, number))
		}
		if f.six {
			c.Loopbacks = append(c.Loopbacks, fmt.Sprintf("fd00:ffff:%d::%d/128", i, number))
		}
	}
}

// vlanIDs are the VLANs of labs.
var vlanIDs = []v1alpha1.VLANID{1, 10, 20, 30}

// joinSwitches makes trees of switches, and loops where STP is on.
func (d *draft) joinSwitches() {
	for i := 1; i < len(d.spec.Switches); i++ {
		if d.style.loops || d.chance(60) {
			d.trunk(i, d.IntN(i))
		}
	}
	if d.style.loops {
		for range 1 + d.IntN(2) {
			a := d.Perm(len(d.spec.Switches))
			d.trunk(a[0], a[1])
		}
	}
}

func (d *draft) trunk(a, b int) {
	l := d.link(d.spec.Switches[a].Name, d.spec.Switches[b].Name)
	for i, s := range []v1alpha1.Switch{d.spec.Switches[a], d.spec.Switches[b]} {
		if s.VLANFiltering == v1alpha1.Enabled {
			d.trunkPort(&l.Endpoints[i])
		}
	}
}

// trunkPort carries all VLANs, or some; the two ends of a trunk may differ.
func (d *draft) trunkPort(e *v1alpha1.Endpoint) {
	if d.chance(50) {
		return
	}
	for _, at := range d.Perm(len(vlanIDs))[:1+d.IntN(len(vlanIDs))] {
		e.VLANs = append(e.VLANs, vlanIDs[at])
	}
	if d.chance(40) {
		e.NativeVLAN = pick(d.Generator, vlanIDs...)
	}
}

func (d *draft) link(a, b string) *v1alpha1.Link {
	d.spec.Links = append(d.spec.Links, v1alpha1.Link{
		Name: "l" + strconv.Itoa(len(d.spec.Links)), Endpoints: []v1alpha1.Endpoint{{Name: a}, {Name: b}},
	})
	return &d.spec.Links[len(d.spec.Links)-1]
}

// attachNodes connects routers with each other and with switches, and hosts with both.
func (d *draft) attachNodes() {
	for i, r := range d.spec.Routers {
		for range pick(d.Generator, 1, 1, 2, 3) {
			switch {
			case len(d.spec.Switches) > 0 && d.chance(50):
				d.attach(r.Name, true)
			case i > 0 && d.chance(90):
				d.cable(r.Name, d.spec.Routers[d.IntN(i)].Name)
			}
		}
	}
	for i, h := range d.spec.Namespaces {
		for range pick(d.Generator, 1, 1, 1, 1, 2) {
			switch {
			case len(d.spec.Switches) > 0 && d.chance(60):
				d.attach(h.Name, false)
			case len(d.spec.Routers) > 0 && d.chance(90):
				d.link(h.Name, pick(d.Generator, d.spec.Routers...).Name)
			case i > 0:
				d.link(d.spec.Namespaces[d.IntN(i)].Name, h.Name)
			}
		}
	}
}

// cable connects two routers, sometimes twice.
func (d *draft) cable(a, b string) {
	for range pick(d.Generator, 1, 1, 1, 1, 2) {
		d.link(a, b)
	}
}

// attach connects a node to a switch: an access port, or a trunk with subinterfaces.
func (d *draft) attach(node string, router bool) {
	s := pick(d.Generator, d.spec.Switches...)
	l := d.link(node, s.Name)
	if d.chance(30) {
		l.Endpoints[0], l.Endpoints[1] = l.Endpoints[1], l.Endpoints[0]
	}
	if s.VLANFiltering != v1alpha1.Enabled {
		return
	}
	own, port := &l.Endpoints[0], &l.Endpoints[1]
	if own.Name != node {
		own, port = port, own
	}
	if !router || d.chance(40) {
		port.VLAN = pick(d.Generator, append(vlanIDs, 0)...)
		return
	}
	d.subinterfaces(own, port)
}

func (d *draft) subinterfaces(own, port *v1alpha1.Endpoint) {
	for _, at := range d.Perm(len(vlanIDs))[:1+d.IntN(3)] {
		sub := v1alpha1.Subinterface{VLAN: vlanIDs[at]}
		if d.chance(20) {
			sub.Name = fmt.Sprintf("%s-v%d", "t"+strconv.Itoa(len(d.spec.Links)), sub.VLAN)
		}
		port.VLANs = append(port.VLANs, sub.VLAN)
		own.Subinterfaces = append(own.Subinterfaces, sub)
	}
	if d.chance(40) {
		port.NativeVLAN = vlanIDs[d.IntN(len(vlanIDs))]
	}
}

func (d *draft) cutLinks() {
	for i := range d.spec.Links {
		if d.chance(6) {
			d.spec.Links[i].State = v1alpha1.LinkDown
		}
	}
}

// harmless are sysctls that change no reachability.
var harmless = []v1alpha1.Sysctl{
	{Name: "net.ipv4.ip_default_ttl", Value: intstr.FromInt32(100)},
	{Name: "net.ipv4.conf.all.accept_redirects", Value: intstr.FromInt32(0)},
	{Name: "net.ipv4.tcp_ecn", Value: intstr.FromInt32(1)},
	{Name: "net.ipv6.conf.default.hop_limit", Value: intstr.FromString("99")},
	{Name: "net.ipv4.fib_multipath_hash_policy", Value: intstr.FromInt32(1)},
}

// addDetails adds optional settings.
func (d *draft) addDetails() {
	for i := range d.spec.Links {
		d.linkDetails(i)
	}
	for _, c := range configs(d.spec) {
		if d.chance(8) {
			c.Sysctls = append(c.Sysctls, pick(d.Generator, harmless...))
		}
	}
	if nodes := d.spec.Namespaces; len(nodes) > 0 && d.chance(30) {
		d.spec.DriftPolicy = pick(d.Generator, v1alpha1.DriftCorrect, v1alpha1.DriftReport)
	}
}

func configs(spec *v1alpha1.NetLabSpec) []*v1alpha1.NodeConfig {
	var all []*v1alpha1.NodeConfig
	for i := range spec.Namespaces {
		all = append(all, &spec.Namespaces[i].NodeConfig)
	}
	for i := range spec.Routers {
		all = append(all, &spec.Routers[i].NodeConfig)
	}
	for i := range spec.Switches {
		all = append(all, &spec.Switches[i].NodeConfig)
	}
	return all
}

func (d *draft) linkDetails(i int) {
	l := &d.spec.Links[i]
	if d.chance(15) {
		l.Impairment = d.impairment()
	}
	if d.chance(15) {
		l.MTU = pick(d.Generator, v1alpha1.MTU(1280), 1400, 1500, 9000)
	}
	w := newWiring(d.spec)
	for j := range l.Endpoints {
		e := &l.Endpoints[j]
		if d.chance(10) {
			e.Interface = fmt.Sprintf("eth%d", i)
		}
		if d.chance(5) {
			e.MTU = pick(d.Generator, v1alpha1.MTU(1300), 1500, 4000)
		}
		if d.chance(5) {
			e.Impairment = d.impairment()
		}
		if w.switches[e.Name] == nil && d.chance(10) {
			e.MAC = fmt.Sprintf("02:00:00:00:%02x:%02x", i, j+1)
		}
	}
}

// impairment has a delay or a rate, and no loss.
func (d *draft) impairment() *v1alpha1.Impairment {
	if d.Lacks.Netem {
		return &v1alpha1.Impairment{Rate: pick(d.Generator, "10Mbit", "100Mbit", "1Gbit")}
	}
	return &v1alpha1.Impairment{
		Delay: pick(d.Generator, "100us", "1ms", "3ms"), Jitter: pick(d.Generator, "", "50us"), Rate: pick(d.Generator, "", "100Mbit"),
	}
}
