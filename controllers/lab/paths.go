// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/binary"
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
func (g *graph) derive(add addFunc) {
	g.deriveDefaults(add)
	distance := make([]int, len(g.nodes))
	for _, s := range g.sites() {
		g.measure(s.nodes, distance)
		g.deriveSite(s, distance, add)
	}
}

// addFunc adds a node's routes to prefixes, all over the same next hops.
type addFunc func(x *node, prefixes []netip.Prefix, nextHops []nextHop)

// site is where prefixes are attached to the same nodes: the paths to them are the same.
type site struct {
	nodes    []*node
	prefixes []netip.Prefix
}

// sites are in the order of their first prefixes.
func (g *graph) sites() []*site {
	var sites []*site
	byNodes := make(map[string]*site, len(g.attached))
	var key []byte
	for _, p := range slices.SortedFunc(maps.Keys(g.attached), state.ComparePrefixes) {
		key = key[:0]
		for _, x := range g.attached[p] {
			key = binary.AppendUvarint(key, uint64(x.index))
		}
		s := byNodes[string(key)]
		if s == nil {
			s = &site{nodes: g.attached[p]}
			byNodes[string(key)] = s
			sites = append(sites, s)
		}
		s.prefixes = append(s.prefixes, p)
	}
	return sites
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
func (g *graph) deriveDefaults(add addFunc) {
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
			add(x, []netip.Prefix{g.f.defaultRoute()}, routers)
		}
	}
}

func sameNeighbour(nextHops []nextHop) bool {
	first := nextHops[0].to.node
	return !slices.ContainsFunc(nextHops, func(h nextHop) bool { return h.to.node != first })
}

// deriveSite gives every node but stubs and those of the site its routes there.
func (g *graph) deriveSite(s *site, distance []int, add addFunc) {
	var shortest []nextHop
	for i, x := range g.nodes {
		if distance[i] <= 0 || g.stub[i] || slices.Contains(s.nodes, x) {
			continue
		}
		shortest = shortest[:0]
		for _, h := range g.nextHops[i] {
			next := h.to.node
			if d := distance[next.index]; d == distance[i]-1 && (next.router || d == 0) {
				shortest = append(shortest, h)
			}
		}
		add(x, s.prefixes, shortest)
	}
}

// nearest are the nodes at distance 0: the routers of a site, or, where it has none, its namespaces.
func nearest(site []*node) []*node {
	var routers []*node
	for _, x := range site {
		if x.router {
			routers = append(routers, x)
		}
	}
	if len(routers) > 0 {
		return routers
	}
	return slices.Clone(site)
}

// unreachable is the distance of a node without a path.
const unreachable = -1

// measure counts the hops from each node to the nearest one of a site.
func (g *graph) measure(site []*node, distance []int) {
	for i := range distance {
		distance[i] = unreachable
	}
	queue := nearest(site)
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
