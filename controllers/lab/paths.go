// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// graph is the lab in one address family. Slices are indexed by node.
type graph struct {
	f     family
	nodes []*node
	// nextHops are a node's usable next hops, in stored link order.
	nextHops [][]nextHop
	// previous are the nodes with a next hop at this one.
	previous [][]*node
	// attached are the nodes with an address in a prefix, on a link that is up or on lo. A node is there once
	// for each address.
	attached map[netip.Prefix][]*node
	// stub marks the namespaces with a default route.
	stub []bool
}

// derive derives the routes of every node under routing: Auto. A namespace with exactly one adjacent router
// gets a default route through it and nothing else. Every other node gets, for each prefix that it is not
// on, one route over all equal shortest paths, at most MaxNextHops of them. Namespaces are never transit;
// links that are down are left out.
func (g *graph) derive(add func(x *node, p netip.Prefix, nextHops []nextHop)) {
	g.deriveDefaults(add)
	distance := make([]int, len(g.nodes))
	for _, p := range slices.SortedFunc(maps.Keys(g.attached), state.ComparePrefixes) {
		g.measure(p, distance)
		g.derivePrefix(p, distance, add)
	}
}

func (n *network) graph(f family) *graph {
	size := len(n.nodes)
	g := &graph{
		f: f, nodes: n.nodes, nextHops: make([][]nextHop, size), previous: make([][]*node, size),
		attached: make(map[netip.Prefix][]*node, len(n.subnets)), stub: make([]bool, size),
	}
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
	nextHops := slices.Grow(g.nextHops[x.index], len(e.segment.ends)-1)
	for o := range e.neighbours() {
		if !e.isLive(o) {
			continue
		}
		if h, ok := e.nextHopTo(o, g.f); ok {
			nextHops = append(nextHops, h)
			g.previous[o.node.index] = append(g.previous[o.node.index], x)
		}
	}
	g.nextHops[x.index] = nextHops
}

func (g *graph) attach(x *node, p netip.Prefix) {
	if familyOf(p.Addr()) != g.f || state.IsLinkLocal(p.Addr()) {
		return
	}
	p = p.Masked()
	g.attached[p] = append(g.attached[p], x)
}

// deriveDefaults gives each namespace with exactly one adjacent router its default route.
func (g *graph) deriveDefaults(add func(x *node, p netip.Prefix, nextHops []nextHop)) {
	var routers []nextHop
	for _, x := range g.nodes {
		if x.router || !x.has(g.f) {
			continue
		}
		routers = routers[:0]
		for _, h := range g.nextHops[x.index] {
			if h.to.node.router {
				routers = append(routers, h)
			}
		}
		if len(routers) > 0 && sameNeighbour(routers) {
			g.stub[x.index] = true
			add(x, g.f.defaultRoute(), routers)
		}
	}
}

func sameNeighbour(nextHops []nextHop) bool {
	first := nextHops[0].to.node
	return !slices.ContainsFunc(nextHops, func(h nextHop) bool { return h.to.node != first })
}

// derivePrefix gives every node but stubs and those on the prefix its route there.
func (g *graph) derivePrefix(p netip.Prefix, distance []int, add func(x *node, p netip.Prefix, nextHops []nextHop)) {
	var shortest []nextHop
	for i, x := range g.nodes {
		if distance[i] <= 0 || g.stub[i] || slices.Contains(g.attached[p], x) {
			continue
		}
		shortest = shortest[:0]
		for _, h := range g.nextHops[i] {
			next := h.to.node
			if d := distance[next.index]; d == distance[i]-1 && (next.router || d == 0) {
				shortest = append(shortest, h)
			}
		}
		add(x, p, shortest)
	}
}

// nearest are the nodes at distance 0: the routers on the prefix, or, where none is on it, the namespaces.
func (g *graph) nearest(p netip.Prefix) []*node {
	var routers []*node
	for _, x := range g.attached[p] {
		if x.router {
			routers = append(routers, x)
		}
	}
	if len(routers) > 0 {
		return routers
	}
	return slices.Clone(g.attached[p])
}

// unreachable is the distance of a node without a path.
const unreachable = -1

// measure counts the hops from each node to the nearest one on the prefix.
func (g *graph) measure(p netip.Prefix, distance []int) {
	for i := range distance {
		distance[i] = unreachable
	}
	queue := g.nearest(p)
	for _, x := range queue {
		distance[x.index] = 0
	}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, from := range g.previous[x.index] {
			if distance[from.index] != unreachable {
				continue
			}
			distance[from.index] = distance[x.index] + 1
			if from.router {
				queue = append(queue, from)
			}
		}
	}
}
