// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// derivedRoutes are the routes of every node under routing: Auto; written routes replace them. Per family, a
// namespace with exactly one adjacent router gets a default route through it and nothing else. Every
// other node gets, for each prefix that it is not on, one route over all equal shortest paths. Namespaces
// are never transit; links that are down are left out.
func (n *network) derivedRoutes() map[*node]map[netip.Prefix]state.Route {
	routes := map[*node]map[netip.Prefix]state.Route{}
	for _, x := range n.nodes {
		routes[x] = map[netip.Prefix]state.Route{}
	}
	for _, f := range families {
		g := n.graph(f)
		stubs := g.deriveDefaults(routes)
		for _, p := range slices.SortedFunc(maps.Keys(g.attached), state.ComparePrefixes) {
			g.derivePrefix(p, stubs, routes)
		}
	}
	return routes
}

// graph is the lab in one address family.
type graph struct {
	f     family
	nodes []*node
	// nextHops are a node's usable next hops, in stored link order.
	nextHops map[*node][]nextHop
	// previous are the nodes with a next hop at this one.
	previous map[*node][]*node
	// attached are the nodes with an address in a prefix, on a link that is up or on lo.
	attached map[netip.Prefix]map[*node]bool
}

func (n *network) graph(f family) *graph {
	g := &graph{f: f, nodes: n.nodes, nextHops: map[*node][]nextHop{}, previous: map[*node][]*node{}, attached: map[netip.Prefix]map[*node]bool{}}
	for _, x := range n.nodes {
		for _, p := range x.loopbacks {
			g.attach(x, p)
		}
		for _, e := range x.ends {
			if e.up() {
				g.addEnd(x, e)
			}
		}
	}
	return g
}

func (g *graph) addEnd(x *node, e *end) {
	for _, p := range e.addresses {
		g.attach(x, p)
	}
	for _, o := range e.liveNeighbours() {
		if via, ok := e.gatewayTo(o, g.f); ok {
			g.nextHops[x] = append(g.nextHops[x], nextHop{end: e, to: o, via: via})
			g.previous[o.node] = append(g.previous[o.node], x)
		}
	}
}

func (g *graph) attach(x *node, p netip.Prefix) {
	if familyOf(p.Addr()) != g.f || state.IsLinkLocal(p.Addr()) {
		return
	}
	p = p.Masked()
	if g.attached[p] == nil {
		g.attached[p] = map[*node]bool{}
	}
	g.attached[p][x] = true
}

// deriveDefaults gives each namespace with exactly one adjacent router its default route,
// and returns these namespaces.
func (g *graph) deriveDefaults(routes map[*node]map[netip.Prefix]state.Route) map[*node]bool {
	stubs := map[*node]bool{}
	for _, x := range g.nodes {
		nextHops := slices.DeleteFunc(slices.Clone(g.nextHops[x]), func(h nextHop) bool { return !h.to.node.router })
		if x.router || !x.has(g.f) || len(nextHops) == 0 || !sameNeighbour(nextHops) {
			continue
		}
		stubs[x] = true
		routes[x][g.f.defaultRoute()] = x.equalCost(g.f, nextHops)
	}
	return stubs
}

func sameNeighbour(nextHops []nextHop) bool {
	first := nextHops[0].to.node
	return !slices.ContainsFunc(nextHops, func(h nextHop) bool { return h.to.node != first })
}

// equalCost is a route over at most MaxNextHops of the next hops, with equal weights.
func (x *node) equalCost(f family, nextHops []nextHop) state.Route {
	nextHops = nextHops[:min(len(nextHops), state.MaxNextHops)]
	weights := make([]int, len(nextHops))
	for i := range weights {
		weights[i] = 1
	}
	return x.route(f, nextHops, weights)
}

// derivePrefix gives every node but stubs and those on the prefix its route there.
func (g *graph) derivePrefix(p netip.Prefix, stubs map[*node]bool, routes map[*node]map[netip.Prefix]state.Route) {
	distance := g.distances(p)
	for x, away := range distance { // each writes only its own route
		if away == 0 || stubs[x] || g.attached[p][x] {
			continue
		}
		var nextHops []nextHop
		for _, h := range g.nextHops[x] {
			next := h.to.node
			if d, ok := distance[next]; ok && d == away-1 && (next.router || d == 0) {
				nextHops = append(nextHops, h)
			}
		}
		routes[x][p] = x.equalCost(g.f, nextHops)
	}
}

// nearest are the nodes at distance 0, in any order.
func (g *graph) nearest(p netip.Prefix) []*node {
	var routers, others []*node
	for x := range g.attached[p] {
		if x.router {
			routers = append(routers, x)
		} else {
			others = append(others, x)
		}
	}
	if len(routers) > 0 {
		return routers
	}
	return others
}

// distances counts the hops from each node to the nearest one on the prefix: a router, or, where no router
// is on it, a namespace.
func (g *graph) distances(p netip.Prefix) map[*node]int {
	queue := g.nearest(p)
	distance := make(map[*node]int, len(queue))
	for _, x := range queue {
		distance[x] = 0
	}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, from := range g.previous[x] {
			if _, seen := distance[from]; seen {
				continue
			}
			distance[from] = distance[x] + 1
			if from.router {
				queue = append(queue, from)
			}
		}
	}
	return distance
}
