// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// switchFaults are mistakes about switches, VLANs, impairments and MAC addresses, and routes in their other forms.
var switchFaults = []specFault{
	{"VLAN of a port", (*trial).wrongVLAN},
	{"VLANs of a port", (*trial).wrongVLANs},
	{"VLAN of a subinterface", (*trial).wrongSubinterface},
	{"VLAN filtering", (*trial).filtering},
	{"spanning tree", (*trial).spanningTree},
	{"forwarding of a switch", (*trial).switchForwarding},
	{"impairment", (*trial).impair},
	{"MAC address", (*trial).wrongMAC},
	{"addresses in each other's place", (*trial).swapAddresses},
	{"route over a link", (*trial).linkRoute},
	{"several next hops", (*trial).severalHops},
	{"metric", (*trial).otherMetric},
	{"prefix of a subnet", (*trial).otherCIDR},
}

// switchEnd is an end of a link at a switch.
func (x *trial) switchEnd(spec *v1alpha1.NetLabSpec, has func(*v1alpha1.Endpoint) bool) (*v1alpha1.Link, *v1alpha1.Endpoint) {
	var links []*v1alpha1.Link
	var ends []*v1alpha1.Endpoint
	for i := range spec.Links {
		for j := range spec.Links[i].Endpoints {
			e := &spec.Links[i].Endpoints[j]
			isSwitch := slices.ContainsFunc(spec.Switches, func(s v1alpha1.Switch) bool { return s.Name == e.Name })
			if isSwitch && has(e) {
				links, ends = append(links, &spec.Links[i]), append(ends, e)
			}
		}
	}
	if len(ends) == 0 {
		return nil, nil
	}
	i := x.IntN(len(ends))
	return links[i], ends[i]
}

func bothNodes(l *v1alpha1.Link) []string { return []string{l.Endpoints[0].Name, l.Endpoints[1].Name} }

func (x *trial) wrongVLAN(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e := x.switchEnd(spec, func(e *v1alpha1.Endpoint) bool { return len(e.VLANs) == 0 })
	if e == nil {
		return fault{}, false
	}
	was := e.VLAN
	e.VLAN = pick(x, []v1alpha1.VLANID{0, 10, 20, 30, 77})
	return fault{what: fmt.Sprintf("%s at %s: vlan: %d, was %d", l.Name, e.Name, e.VLAN, was), nodes: bothNodes(l), objects: []string{"VLAN", l.Name}}, e.VLAN != was
}

func (x *trial) wrongVLANs(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e := x.switchEnd(spec, func(e *v1alpha1.Endpoint) bool { return len(e.VLANs) > 0 || e.NativeVLAN != 0 })
	if e == nil {
		return fault{}, false
	}
	what := fmt.Sprintf("%s at %s: vlans %v, native %d", l.Name, e.Name, e.VLANs, e.NativeVLAN)
	if len(e.VLANs) > 1 && x.chance(50) {
		i := x.IntN(len(e.VLANs))
		e.VLANs = slices.Delete(e.VLANs, i, i+1)
	} else {
		e.NativeVLAN = pick(x, []v1alpha1.VLANID{0, 10, 20, 77})
	}
	return fault{what: fmt.Sprintf("%s -> vlans %v, native %d", what, e.VLANs, e.NativeVLAN), nodes: bothNodes(l), objects: []string{"VLAN", l.Name}}, true
}

func (x *trial) wrongSubinterface(spec *v1alpha1.NetLabSpec) (fault, bool) {
	for _, i := range x.Perm(len(spec.Links)) {
		l := &spec.Links[i]
		for j := range l.Endpoints {
			e := &l.Endpoints[j]
			if len(e.Subinterfaces) == 0 {
				continue
			}
			s := &e.Subinterfaces[x.IntN(len(e.Subinterfaces))]
			was := s.VLAN
			s.VLAN = pick(x, []v1alpha1.VLANID{10, 20, 30, 77})
			return fault{
				anywhere: true, what: fmt.Sprintf("%s at %s: a subinterface of VLAN %d, was %d", l.Name, e.Name, s.VLAN, was), nodes: bothNodes(l), objects: []string{"VLAN", l.Name},
			}, s.VLAN != was
		}
	}
	return fault{}, false
}

func (x *trial) anySwitch(spec *v1alpha1.NetLabSpec) *v1alpha1.Switch {
	if len(spec.Switches) == 0 {
		return nil
	}
	return &spec.Switches[x.IntN(len(spec.Switches))]
}

func (x *trial) filtering(spec *v1alpha1.NetLabSpec) (fault, bool) {
	s := x.anySwitch(spec)
	if s == nil || s.VLANFiltering == "" {
		return fault{}, false
	}
	s.VLANFiltering = ""
	return fault{anywhere: true, what: s.Name + ": no VLAN filtering", nodes: []string{s.Name}, objects: []string{"VLAN", "prefix"}}, true
}

// spanningTree only turns it on: without it, a loop of switches would be a storm.
func (x *trial) spanningTree(spec *v1alpha1.NetLabSpec) (fault, bool) {
	s := x.anySwitch(spec)
	if s == nil || s.STP == v1alpha1.Enabled {
		return fault{}, false
	}
	s.STP = v1alpha1.Enabled
	return fault{what: s.Name + ": stp: Enabled", nodes: []string{s.Name}, objects: []string{"STP", "spanning tree"}}, true
}

func (x *trial) switchForwarding(spec *v1alpha1.NetLabSpec) (fault, bool) {
	s := x.anySwitch(spec)
	if s == nil {
		return fault{}, false
	}
	was := s.Forwarding
	s.Forwarding = pick(x, []v1alpha1.Toggle{"", v1alpha1.Enabled, v1alpha1.Disabled})
	return fault{
		anywhere: true, what: fmt.Sprintf("%s: forwarding: %s, was %s", s.Name, s.Forwarding, was), nodes: []string{s.Name}, objects: []string{"forward", "route"},
	}, s.Forwarding != was
}

// impairments of which some let no reply arrive in time.
var impairments = []v1alpha1.Impairment{
	{Rate: "1kbit"}, {Rate: "8kbit"}, {Loss: "100%"}, {Loss: "30%"}, {Delay: "300ms"}, {Delay: "100ms"}, {Corrupt: "100%"}, {Delay: "100ms", Jitter: "90ms"}, {Duplicate: "100%"},
}

func (x *trial) impair(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, nodes, _ := x.anyLink(spec)
	i := pick(x, impairments)
	if x.lacks.Netem && i.Rate == "" {
		return fault{}, false
	}
	where := "both ends"
	if e := &l.Endpoints[x.IntN(2)]; x.chance(60) {
		e.Impairment, where = &i, e.Name
	} else {
		l.Impairment = &i
	}
	return fault{what: fmt.Sprintf("%s: %+v at %s", l.Name, i, where), nodes: nodes, objects: []string{"interface " + l.Name, l.Name, "impairment"}}, true
}

func (x *trial) wrongMAC(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, _, _ := x.anyLink(spec)
	e := &l.Endpoints[x.IntN(2)]
	was := e.MAC
	e.MAC = x.anyMAC(x.lab.Want).String()
	return fault{what: fmt.Sprintf("%s at %s: mac: %s, was %s", l.Name, e.Name, e.MAC, was), nodes: bothNodes(l), objects: []string{e.MAC, "MAC"}}, e.MAC != was
}

func (x *trial) swapAddresses(spec *v1alpha1.NetLabSpec) (fault, bool) {
	l, e, ok := x.anyEnd(spec)
	m, f, ok2 := x.anyEnd(spec)
	if !ok || !ok2 || e == f {
		return fault{}, false
	}
	e.Addresses, f.Addresses = f.Addresses, e.Addresses
	return fault{
		anywhere: true, what: fmt.Sprintf("%s at %s has %v, and %s at %s has %v", l.Name, e.Name, e.Addresses, m.Name, f.Name, f.Addresses),
		nodes: []string{e.Name, f.Name}, objects: []string{"address", "route"},
	}, true
}

// linkRoute names a link where a route has a gateway.
func (x *trial) linkRoute(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, hasRoutes)
	if config == nil {
		return fault{}, false
	}
	r := &config.Routes[x.IntN(len(config.Routes))]
	was := *r
	for i := range spec.Links {
		l := &spec.Links[i]
		if at := slices.IndexFunc(l.Endpoints, func(e v1alpha1.Endpoint) bool { return e.Name == node }); at < 0 || x.chance(30) {
			continue
		}
		r.Via, r.NextHops, r.Link = "", nil, l.Name
		return fault{what: fmt.Sprintf("%s: route to %s over link %s, was via %s", node, r.To, r.Link, was.Via), nodes: []string{node}, objects: append(routeObjects(was), l.Name)}, true
	}
	return fault{}, false
}

// severalHops adds a second next hop to a route, right or wrong.
func (x *trial) severalHops(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, hasRoutes)
	if config == nil {
		return fault{}, false
	}
	r := &config.Routes[x.IntN(len(config.Routes))]
	via, ok := x.gateway(node, r.To)
	if !ok || r.Via == "" || via == r.Via || len(r.NextHops) > 0 {
		return fault{}, false
	}
	was := *r
	r.NextHops = []v1alpha1.NextHop{{Via: r.Via, Link: r.Link, Weight: int32(1 + x.IntN(2))}, {Via: via, Weight: int32(1 + x.IntN(3))}}
	r.Via, r.Link = "", ""
	return fault{what: fmt.Sprintf("%s: route to %s via %s and %s", node, r.To, was.Via, via), nodes: []string{node}, objects: append(routeObjects(was), via)}, true
}

// otherMetric puts another route in front of one, or behind it.
func (x *trial) otherMetric(spec *v1alpha1.NetLabSpec) (fault, bool) {
	node, config := x.anyNode(spec, hasRoutes)
	if config == nil {
		return fault{}, false
	}
	r := config.Routes[x.IntN(len(config.Routes))]
	via, ok := x.gateway(node, r.To)
	if !ok || len(r.NextHops) > 0 {
		return fault{}, false
	}
	r.Via, r.Link, r.Metric = via, "", pick(x, []int64{1, 5, 2000})
	config.Routes = append(config.Routes, r)
	return fault{what: fmt.Sprintf("%s: another route to %s via %s with metric %d", node, r.To, r.Via, r.Metric), nodes: []string{node}, objects: routeObjects(r)}, true
}

// otherCIDR changes the length of a subnet's prefix, and with it the addresses that are derived.
func (x *trial) otherCIDR(spec *v1alpha1.NetLabSpec) (fault, bool) {
	if len(spec.Subnets) == 0 {
		return fault{}, false
	}
	s := &spec.Subnets[x.IntN(len(spec.Subnets))]
	i := x.IntN(len(s.CIDRs))
	was, err := netip.ParsePrefix(s.CIDRs[i])
	if err != nil {
		return fault{}, false
	}
	now := netip.PrefixFrom(was.Addr(), max(1, min(was.Bits()+pick(x, []int{-8, -2, 1, 4}), was.Addr().BitLen()-2))).Masked()
	s.CIDRs[i] = now.String()
	return fault{anywhere: true, what: fmt.Sprintf("subnet %s: %s, was %s", s.Name, now, was), objects: []string{was.String(), now.String()}}, now != was
}
