// SPDX-License-Identifier: Apache-2.0

package broken

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// ladder is a random lab: hosts, routers one after the other with several legs between each two, and hosts.
//
//	a0, a1 … -- r0 == r1 == … == rN -- b0, b1 …
//
// A leg is a router of its own, or a second link. Routes are derived, or written with random weights.
type ladder struct {
	random *rand.Rand
	spec   v1alpha1.NetLabSpec
	// nodes are all of them, legs the routers between two others, left and right the hosts.
	nodes, legs, left, right []string
	// stages are the next hops between two routers, in both directions.
	stages []stage
}

// stage is what is between two routers: the next hops to the right, and to the left.
type stage struct{ right, left []v1alpha1.NextHop }

// probes is how many a ladder has.
const probes = 6

func newLadder(seed uint64) *ladder {
	l := &ladder{random: rand.New(rand.NewPCG(seed, 0))}
	routers := 2 + l.random.IntN(3)
	for i := range routers {
		l.router(fmt.Sprintf("r%d", i))
	}
	for i := range routers - 1 {
		l.stage(i, i == routers-2 && len(l.legs) == 0)
	}
	l.left, l.right = l.hosts("a", "r0"), l.hosts("b", fmt.Sprintf("r%d", routers-1))
	l.spec.Routing = v1alpha1.RoutingAuto
	if l.random.IntN(2) == 0 {
		l.spec.Routing = v1alpha1.RoutingManual
		l.writeRoutes()
	}
	for i := range probes {
		from, to := l.pick(l.left), l.pick(l.right)
		if i%2 == 1 {
			from, to = to, from
		}
		l.spec.Probes = append(l.spec.Probes, v1alpha1.Probe{
			Name: fmt.Sprintf("p%d", i), From: from, To: to, SizeBytes: 1300, TimeoutSeconds: 1, FailureThreshold: 1,
		})
	}
	return l
}

func (l *ladder) pick(names []string) string { return names[l.random.IntN(len(names))] }

// router has random hash policies. Policy 3 exists since Linux 5.14.
func (l *ladder) router(name string) {
	l.nodes = append(l.nodes, name)
	policy := func(family string) v1alpha1.Sysctl {
		return v1alpha1.Sysctl{Name: "net." + family + ".fib_multipath_hash_policy", Value: intstr.FromInt(l.random.IntN(4))}
	}
	r := v1alpha1.Router{Name: name}
	r.Sysctls = []v1alpha1.Sysctl{policy("ipv4"), policy("ipv6")}
	l.spec.Routers = append(l.spec.Routers, r)
}

// link has a subnet of its own, with the same number.
func (l *ladder) link(from, to string) (name string) {
	n := len(l.spec.Links)
	name = fmt.Sprintf("l%d", n)
	subnet := fmt.Sprintf("s%d", n)
	l.spec.Subnets = append(l.spec.Subnets, v1alpha1.Subnet{Name: subnet, CIDRs: []string{fmt.Sprintf("10.0.%d.0/24", n), fmt.Sprintf("fd00:%x::/64", n)}})
	l.spec.Links = append(l.spec.Links, v1alpha1.Link{Name: name, Subnet: subnet, Endpoints: []v1alpha1.Endpoint{{Name: from}, {Name: to}}})
	return name
}

// stage joins a router to the next by two to four legs.
func (l *ladder) stage(i int, needsRouters bool) {
	from, to := fmt.Sprintf("r%d", i), fmt.Sprintf("r%d", i+1)
	var s stage
	hop := func(via, link string) v1alpha1.NextHop {
		return v1alpha1.NextHop{Via: via, Link: link, Weight: int32(1 + l.random.IntN(3))}
	}
	parallel := l.random.IntN(4) == 0 && !needsRouters
	for leg := range 2 + l.random.IntN(3) {
		if parallel {
			link := l.link(from, to)
			s.right, s.left = append(s.right, hop(to, link)), append(s.left, hop(from, link))
			continue
		}
		name := fmt.Sprintf("m%d%d", i, leg)
		l.router(name)
		l.legs = append(l.legs, name)
		s.right, s.left = append(s.right, hop(name, l.link(from, name))), append(s.left, hop(name, l.link(name, to)))
	}
	l.stages = append(l.stages, s)
}

// hosts have a link to a router, or two.
func (l *ladder) hosts(prefix, router string) (names []string) {
	for i := range 3 {
		h := v1alpha1.Namespace{Name: fmt.Sprintf("%s%d", prefix, i)}
		hops := []v1alpha1.NextHop{{Via: router, Link: l.link(h.Name, router)}}
		if l.random.IntN(4) == 0 {
			hops = append(hops, v1alpha1.NextHop{Via: router, Link: l.link(h.Name, router)})
		}
		h.Routes = []v1alpha1.Route{{To: "default", NextHops: hops}}
		l.spec.Namespaces = append(l.spec.Namespaces, h)
		names, l.nodes = append(names, h.Name), append(l.nodes, h.Name)
	}
	return names
}

// writeRoutes gives the routers routes to the subnets of all hosts.
func (l *ladder) writeRoutes() {
	for i := range l.spec.Routers {
		r := &l.spec.Routers[i]
		right, left := l.nextHops(r.Name)
		for _, subnet := range l.subnetsOf(l.right) {
			if len(right) > 0 {
				r.Routes = append(r.Routes, v1alpha1.Route{To: subnet, NextHops: right})
			}
		}
		for _, subnet := range l.subnetsOf(l.left) {
			if len(left) > 0 {
				r.Routes = append(r.Routes, v1alpha1.Route{To: subnet, NextHops: left})
			}
		}
	}
}

// nextHops are those of a router to both sides.
func (l *ladder) nextHops(router string) (right, left []v1alpha1.NextHop) {
	var i, leg int
	if n, _ := fmt.Sscanf(router, "m%1d%1d", &i, &leg); n == 2 {
		return []v1alpha1.NextHop{{Via: fmt.Sprintf("r%d", i+1)}}, []v1alpha1.NextHop{{Via: fmt.Sprintf("r%d", i)}}
	}
	_, _ = fmt.Sscanf(router, "r%d", &i)
	if i < len(l.stages) {
		right = l.stages[i].right
	}
	if i > 0 {
		left = l.stages[i-1].left
	}
	return right, left
}

func (l *ladder) subnetsOf(hosts []string) (names []string) {
	for _, link := range l.spec.Links {
		if slices.Contains(hosts, link.Endpoints[0].Name) {
			names = append(names, link.Subnet)
		}
	}
	return names
}

func (l *ladder) routerNamed(name string) *v1alpha1.Router {
	return &l.spec.Routers[slices.IndexFunc(l.spec.Routers, func(r v1alpha1.Router) bool { return r.Name == name })]
}

// linkOf is a random link of a node, peer the node at its other end.
func (l *ladder) linkOf(node string) (link *v1alpha1.Link, peer string) {
	var found []int
	for i := range l.spec.Links {
		if ends := l.spec.Links[i].Endpoints; ends[0].Name == node || ends[1].Name == node {
			found = append(found, i)
		}
	}
	link = &l.spec.Links[found[l.random.IntN(len(found))]]
	peer = link.Endpoints[0].Name
	if peer == node {
		peer = link.Endpoints[1].Name
	}
	return link, peer
}

// probed is the first subnet of a probe's target on a side of a router, "" if there is none.
func (l *ladder) probed(side string) string {
	hosts := l.right
	if side == "left" {
		hosts = l.left
	}
	for _, p := range l.spec.Probes {
		if slices.Contains(hosts, p.To) {
			return l.subnetsOf([]string{p.To})[0]
		}
	}
	return ""
}

// specFaults break a leg in the spec: a router in it. Those of routes are for written ones.
var specFaults = map[string]func(l *ladder, leg string){
	"forwarding": func(l *ladder, leg string) { l.routerNamed(leg).Forwarding = v1alpha1.Disabled },
	"mtu": func(l *ladder, leg string) {
		link, _ := l.linkOf(leg)
		link.MTU = 1290
	},
	"link down": func(l *ladder, leg string) {
		link, _ := l.linkOf(leg)
		link.State = v1alpha1.LinkDown
	},
	"arp_ignore": func(l *ladder, leg string) {
		r := l.routerNamed(leg)
		r.Sysctls = append(r.Sysctls, v1alpha1.Sysctl{Name: "net.ipv4.conf.all.arp_ignore", Value: intstr.FromInt(8)})
	},
	"no route": func(l *ladder, leg string) {
		r := l.routerNamed(leg)
		r.Routes = slices.DeleteFunc(r.Routes, func(route v1alpha1.Route) bool { return route.To == l.probed("right") })
	},
	"loop": func(l *ladder, leg string) {
		r := l.routerNamed(leg)
		_, left := l.nextHops(leg)
		for i := range r.Routes {
			if r.Routes[i].To == l.probed("right") {
				r.Routes[i].NextHops = left
			}
		}
	},
	"blackhole": func(l *ladder, leg string) {
		r := l.routerNamed(leg)
		n := strings.TrimPrefix(l.probed("right"), "s")
		r.Routes = append(r.Routes, v1alpha1.Route{To: "10.0." + n + ".0/25", Type: v1alpha1.RouteBlackhole})
	},
	"two": func(l *ladder, leg string) {
		l.routerNamed(leg).Forwarding = v1alpha1.Disabled
		for _, other := range l.legs {
			if other != leg && other[:2] == leg[:2] {
				link, _ := l.linkOf(other)
				link.MTU = 1290
				return
			}
		}
	},
}
