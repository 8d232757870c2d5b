// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// healthySpec is a random lab: any, or one of the shapes in which faults hide best; often with everything
// written that a lab derives, so that there is more to break.
func (x *trial) healthySpec() *v1alpha1.NetLabSpec {
	var spec *v1alpha1.NetLabSpec
	switch x.IntN(6) {
	case 0, 1:
		spec = labtest.New(x.seed, x.lacks).Spec()
	case 2, 3:
		spec = x.chain(2+x.IntN(4), x.chance(40))
	case 4:
		spec = x.lan()
	default:
		spec = x.chain(3+x.IntN(3), true)
	}
	spec.DriftPolicy, spec.Probes = "", nil
	if x.chance(55) {
		if written, ok := x.written(spec); ok {
			return written
		}
	}
	return spec
}

// cidrs are the prefixes of the n-th subnet, in one family or in both.
func (x *trial) cidrs(n, families int) []string {
	four, six := fmt.Sprintf("10.%d.%d.0/24", n/200, n%200), fmt.Sprintf("fd00:%x::/64", n)
	return [][]string{{four}, {six}, {four, six}}[families]
}

// chain is routers in a row or ring, each with a host.
func (x *trial) chain(routers int, ring bool) *v1alpha1.NetLabSpec {
	spec, families := &v1alpha1.NetLabSpec{}, x.IntN(3)
	subnet := 0
	link := func(a, b string) {
		name := fmt.Sprintf("l%d", subnet)
		spec.Subnets = append(spec.Subnets, v1alpha1.Subnet{Name: "n" + name, CIDRs: x.cidrs(subnet, families)})
		spec.Links = append(spec.Links, v1alpha1.Link{Name: name, Subnet: "n" + name, Endpoints: []v1alpha1.Endpoint{{Name: a}, {Name: b}}})
		subnet++
	}
	for i := range routers {
		r, h := fmt.Sprintf("r%d", i), fmt.Sprintf("h%d", i)
		spec.Routers = append(spec.Routers, v1alpha1.Router{Name: r})
		if x.chance(30) && families != 1 {
			spec.Routers[i].Loopbacks = []string{fmt.Sprintf("10.255.0.%d/32", i+1)}
		}
		spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: h})
		link(h, r)
		if i > 0 {
			link(fmt.Sprintf("r%d", i-1), r)
		}
	}
	if ring && routers > 2 {
		link("r0", fmt.Sprintf("r%d", routers-1))
	}
	return spec
}

// lan is hosts and two routers on a switch, with a network behind each router.
func (x *trial) lan() *v1alpha1.NetLabSpec {
	families := x.IntN(3)
	spec := &v1alpha1.NetLabSpec{Switches: []v1alpha1.Switch{{Name: "s0", Subnet: "lan"}}}
	spec.Subnets = []v1alpha1.Subnet{{Name: "lan", CIDRs: x.cidrs(0, families)}}
	join := func(name string) {
		spec.Links = append(spec.Links, v1alpha1.Link{Name: "p" + name, Subnet: "lan", Endpoints: []v1alpha1.Endpoint{{Name: name}, {Name: "s0"}}})
	}
	for i := range 2 + x.IntN(2) {
		h := fmt.Sprintf("h%d", i)
		spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: h})
		join(h)
	}
	for i := range 2 {
		r, b := fmt.Sprintf("r%d", i), fmt.Sprintf("b%d", i)
		spec.Routers = append(spec.Routers, v1alpha1.Router{Name: r})
		spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: b})
		join(r)
		spec.Subnets = append(spec.Subnets, v1alpha1.Subnet{Name: "behind" + r, CIDRs: x.cidrs(i+1, families)})
		spec.Links = append(spec.Links, v1alpha1.Link{Name: "l" + r, Subnet: "behind" + r, Endpoints: []v1alpha1.Endpoint{{Name: r}, {Name: b}}})
	}
	return spec
}

// written is a lab with the addresses and routes written that another derives.
func (x *trial) written(spec *v1alpha1.NetLabSpec) (*v1alpha1.NetLabSpec, bool) {
	compiled, err := lab.Compile(x.id, spec, lab.Options{})
	if err != nil {
		return nil, false
	}
	out := spec.DeepCopy()
	links := map[state.LinkID]string{}
	for i := range out.Links {
		l := &out.Links[i]
		for j := range l.Endpoints {
			e := &l.Endpoints[j]
			if len(e.Subinterfaces) > 0 {
				return nil, false
			}
			id := x.interfaceOf(l, e)
			links[id] = l.Name
			x.writeAddresses(e, id, compiled.Want)
		}
	}
	out.Routing = v1alpha1.RoutingManual
	for name, config := range configs(out) {
		for key, route := range compiled.Want[x.id.NetworkNamespace(name)].Routes {
			r := v1alpha1.Route{To: key.Prefix.String(), Metric: int64(key.Metric)}
			if key.Prefix.Addr().Is6() && key.Metric == state.DefaultIPv6Metric {
				r.Metric = 0
			}
			hops := route.NextHops()
			if len(hops) != 1 || !hops[0].Via.IsValid() || links[state.LinkID{Namespace: x.id.NetworkNamespace(name), Name: hops[0].Link}] == "" {
				return nil, false
			}
			r.Via = hops[0].Via.String()
			if state.IsLinkLocal(hops[0].Via) {
				r.Link = links[state.LinkID{Namespace: x.id.NetworkNamespace(name), Name: hops[0].Link}]
			}
			config.Routes = append(config.Routes, r)
		}
		sortRoutes(config.Routes)
	}
	if problems := x.problems(out); len(problems) > 0 {
		return nil, false
	}
	return out, true
}

func (x *trial) interfaceOf(l *v1alpha1.Link, e *v1alpha1.Endpoint) state.LinkID {
	name := e.Interface
	if name == "" {
		name = l.Name
	}
	return state.LinkID{Namespace: x.id.NetworkNamespace(e.Name), Name: name}
}

// writeAddresses writes an end's addresses, link-local ones aside.
func (x *trial) writeAddresses(e *v1alpha1.Endpoint, id state.LinkID, want state.State) {
	var prefixes []netip.Prefix
	for a := range want[id.Namespace].Addresses {
		if a.Link == id.Name && !state.IsLinkLocal(a.Prefix.Addr()) {
			prefixes = append(prefixes, a.Prefix)
		}
	}
	e.Addresses = nil
	sortPrefixes(prefixes)
	for _, p := range prefixes {
		e.Addresses = append(e.Addresses, p.String())
	}
}
