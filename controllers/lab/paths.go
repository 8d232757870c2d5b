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
	// adjacent are a node's usable next hops.
	adjacent []adjacency
	// previous are the nodes with a next hop at this one.
	previous [][]*node
	// attached are the nodes with an address in a prefix, on a link that is up or on lo. A node is there once
	// for each address.
	attached map[netip.Prefix][]*node
	// stub marks the namespaces with a default route.
	stub []bool
	// found is memory for shortest.
	found []orderedNextHop
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
		f: f, nodes: n.nodes, adjacent: make([]adjacency, size), previous: make([][]*node, size),
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
	from := &g.adjacent[x.index]
	for o := range e.neighbours() {
		if !e.isLive(o) || from.full(o.node) {
			continue
		}
		if h, ok := e.nextHopTo(o, g.f); ok && from.add(h, len(g.nodes)) {
			g.previous[o.node.index] = append(g.previous[o.node.index], x)
		}
	}
}

// adjacency are the next hops of a node, by neighbour.
type adjacency struct {
	neighbours []neighbour
	// at is the place of each node in neighbours, plus one; 0 for no neighbour. It is nil while they are few.
	at []int32
	// added is the number of next hops so far.
	added int
}

// neighbour is a node with the first MaxNextHops next hops at it. No route has more.
type neighbour struct {
	node     *node
	nextHops []orderedNextHop
}

// orderedNextHop is a next hop with its place in stored link order.
type orderedNextHop struct {
	nextHop
	order int
}

// fewNeighbours is how many neighbours are compared one by one: most nodes have one to four.
const fewNeighbours = 8

func (a *adjacency) to(x *node) *neighbour {
	i := a.place(x)
	if i < 0 {
		return nil
	}
	return &a.neighbours[i]
}

// place is a node's place in neighbours, -1 if it is none.
func (a *adjacency) place(x *node) int {
	if a.at != nil {
		return int(a.at[x.index]) - 1
	}
	return slices.IndexFunc(a.neighbours, func(known neighbour) bool { return known.node == x })
}

// full reports whether no route needs more next hops at a node.
func (a *adjacency) full(x *node) bool {
	known := a.to(x)
	return known != nil && len(known.nextHops) == state.MaxNextHops
}

// add adds a next hop, one of a number of nodes, and reports whether it is the first at its node.
func (a *adjacency) add(h nextHop, nodes int) (first bool) {
	known := a.to(h.to.node)
	if known == nil {
		first = true
		known = a.addNeighbour(h.to.node, nodes)
	}
	known.nextHops = append(known.nextHops, orderedNextHop{h, a.added})
	a.added++
	return first
}

func (a *adjacency) addNeighbour(x *node, nodes int) *neighbour {
	a.neighbours = append(a.neighbours, neighbour{node: x})
	switch {
	case a.at != nil:
		a.at[x.index] = int32(len(a.neighbours))
	case len(a.neighbours) > fewNeighbours:
		a.at = make([]int32, nodes)
		for i, known := range a.neighbours {
			a.at[known.node.index] = int32(i + 1)
		}
	}
	return &a.neighbours[len(a.neighbours)-1]
}

// firstOf are the first MaxNextHops of several neighbours' next hops.
func firstOf(all []orderedNextHop) []nextHop {
	slices.SortFunc(all, func(a, b orderedNextHop) int { return a.order - b.order })
	first := make([]nextHop, min(len(all), state.MaxNextHops))
	for i := range first {
		first[i] = all[i].nextHop
	}
	return first
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
	for _, x := range g.nodes {
		if x.router || !x.has(g.f) {
			continue
		}
		if router := g.onlyRouter(x); router != nil {
			g.stub[x.index] = true
			add(x, []netip.Prefix{g.f.defaultRoute()}, firstOf(slices.Clone(router.nextHops)))
		}
	}
}

// onlyRouter is the adjacent router of a node that has exactly one.
func (g *graph) onlyRouter(x *node) (router *neighbour) {
	neighbours := g.adjacent[x.index].neighbours
	for i := range neighbours {
		switch {
		case !neighbours[i].node.router:
		case router != nil:
			return nil
		default:
			router = &neighbours[i]
		}
	}
	return router
}

// deriveSite gives every node but stubs and those of the site its routes there.
func (g *graph) deriveSite(s *site, distance []int, add addFunc) {
	near := nearest(s.nodes)
	for i, x := range g.nodes {
		if distance[i] > 0 && !g.stub[i] && !slices.Contains(s.nodes, x) {
			add(x, s.prefixes, g.shortest(x, near, distance))
		}
	}
}

// shortest are the next hops of a node on its shortest paths to the nearest nodes of a site.
func (g *graph) shortest(x *node, near []*node, distance []int) []nextHop {
	all := g.found[:0]
	from := &g.adjacent[x.index]
	if distance[x.index] == 1 {
		for i, to := range near {
			if n := from.to(to); n != nil && !slices.Contains(near[:i], to) {
				all = append(all, n.nextHops...)
			}
		}
	} else {
		for _, n := range from.neighbours {
			if n.node.router && distance[n.node.index] == distance[x.index]-1 {
				all = append(all, n.nextHops...)
			}
		}
	}
	g.found = all
	return firstOf(all)
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
