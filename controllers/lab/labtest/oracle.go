// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Verdict is the prediction for a ping.
type Verdict int

// The verdicts.
const (
	No Verdict = iota
	Yes
	// Unclear: it depends on a choice that the API does not promise.
	Unclear
)

func (v Verdict) String() string { return [...]string{"unreachable", "reachable", "unclear"}[v] }

// both is the verdict on a request and its reply.
func (v Verdict) both(o Verdict) Verdict {
	switch {
	case v == No || o == No:
		return No
	case v == Unclear:
		return Unclear
	}
	return o
}

// any is the verdict where the kernel chooses one of several paths.
func anyOf(ways []Verdict) Verdict {
	if len(ways) == 0 {
		return No
	}
	for _, v := range ways {
		if v != ways[0] {
			return Unclear
		}
	}
	return ways[0]
}

// Pair is a ping and its verdict.
type Pair struct {
	From, To string
	// Target is To's first loopback, or else its first address on a link that is up.
	Target netip.Addr
	Expect Verdict
}

// Reachability predicts, for all ordered pairs of nodes and per family, whether the first can ping the
// second. It reads only addresses from the State.
func Reachability(spec *v1alpha1.NetLabSpec, want state.State) []Pair {
	n := newNetwork(spec, want)
	var pairs []Pair
	for _, six := range []bool{false, true} {
		for _, from := range n.nodes {
			if !from.target(six).IsValid() {
				continue
			}
			for _, to := range n.nodes {
				if target := to.target(six); target.IsValid() && from != to {
					pairs = append(pairs, Pair{from.name, to.name, target, n.ping(from, to, target)})
				}
			}
		}
	}
	return pairs
}

// node is a host, router or switch with addresses.
type node struct {
	name             string
	router, forwards bool
	loopbacks        []netip.Addr
	cards            []*card
	routes           []v1alpha1.Route
}

// card is an interface with addresses, or with an IPv6 link-local one only.
type card struct {
	node      *node
	name      string
	up        bool
	segment   portAtVLAN
	addresses []netip.Prefix
	linkLocal bool
}

// network is a lab's layer 3.
type network struct {
	spec       *v1alpha1.NetLabSpec
	nodes      []*node
	segmentsOf map[portAtVLAN][]*card
}

func newNetwork(spec *v1alpha1.NetLabSpec, want state.State) *network {
	n := &network{spec: spec, segmentsOf: map[portAtVLAN][]*card{}}
	byName := map[string]*node{}
	add := func(name string, router, forwards bool, c *v1alpha1.NodeConfig) {
		x := &node{name: name, router: router, forwards: forwards, routes: c.Routes}
		for _, p := range c.Loopbacks {
			x.loopbacks = append(x.loopbacks, netip.MustParsePrefix(p).Addr())
		}
		n.nodes, byName[name] = append(n.nodes, x), x
	}
	for i := range spec.Namespaces {
		add(spec.Namespaces[i].Name, false, false, &spec.Namespaces[i].NodeConfig)
	}
	for i := range spec.Routers {
		r := &spec.Routers[i]
		add(r.Name, true, r.Forwarding != v1alpha1.Disabled, &r.NodeConfig)
	}
	for i := range spec.Switches {
		forwards := spec.Switches[i].Forwarding == v1alpha1.Enabled
		add(spec.Switches[i].Name, forwards, forwards, &spec.Switches[i].NodeConfig)
	}
	w := newWiring(spec)
	live := w.segmentsOf(true)
	for _, e := range w.ends() {
		n.addCard(byName[e.node], e, live.of(e.portAtVLAN), want)
	}
	return n
}

func (n *network) addCard(x *node, e end, segment portAtVLAN, want state.State) {
	c := &card{node: x, name: e.ifaceName(), up: e.up, segment: segment}
	for id := range want.Addresses() {
		switch {
		case state.NodeOf(id.Namespace) != x.name || id.Link != c.name:
		case state.IsLinkLocal(id.Prefix.Addr()):
			c.linkLocal = true
		default:
			c.addresses = append(c.addresses, id.Prefix)
		}
	}
	slices.SortFunc(c.addresses, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	x.cards = append(x.cards, c)
	n.segmentsOf[segment] = append(n.segmentsOf[segment], c)
}

// family are the prefixes of a family.
func family(list []netip.Prefix, six bool) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(list), func(p netip.Prefix) bool { return p.Addr().Is6() != six })
}

// reaches reports whether an address is in a prefix of the card.
func (c *card) reaches(a netip.Addr) bool {
	return slices.ContainsFunc(c.addresses, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (c *card) has(a netip.Addr) bool {
	return slices.ContainsFunc(c.addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// target is the address of a node for pings.
func (x *node) target(six bool) netip.Addr {
	for _, a := range x.loopbacks {
		if a.Is6() == six {
			return a
		}
	}
	for _, c := range x.cards {
		if own := family(c.addresses, six); c.up && len(own) > 0 {
			return own[0].Addr()
		}
	}
	return netip.Addr{}
}

func (x *node) owns(a netip.Addr) bool {
	return slices.Contains(x.loopbacks, a) || slices.ContainsFunc(x.cards, func(c *card) bool { return c.has(a) })
}

// has reports whether a node has an address of a family, be its link up or not.
func (x *node) has(six bool) bool {
	return slices.ContainsFunc(x.loopbacks, func(a netip.Addr) bool { return a.Is6() == six }) ||
		slices.ContainsFunc(x.cards, func(c *card) bool { return len(family(c.addresses, six)) > 0 })
}

// names reports whether a card can have another one on its segment as a next hop: by an address in one of
// its prefixes or, where the other has none of the family, by its link-local address.
func (c *card) names(o *card, six bool) bool {
	theirs := family(o.addresses, six)
	if len(theirs) == 0 {
		return c.linkLocal && o.linkLocal
	}
	return slices.ContainsFunc(theirs, func(p netip.Prefix) bool { return c.reaches(p.Addr()) })
}

// hop is a next hop: a neighbour, or, without one, the destination itself on the link.
type hop struct{ out, to *card }

// neighbours are all next hops of a node.
func (n *network) neighbours(x *node, six bool) []hop {
	var hops []hop
	for _, c := range x.cards {
		if !c.up {
			continue
		}
		for _, o := range n.segmentsOf[c.segment] {
			if o.node != x && o.up && c.names(o, six) {
				hops = append(hops, hop{c, o})
			}
		}
	}
	return hops
}

// ping is the verdict on a request and its reply, over every path and every source address that the kernel
// can choose.
func (n *network) ping(from, to *node, target netip.Addr) Verdict {
	var ways []Verdict
	for _, h := range n.lookup(from, target) {
		there := n.through(h, target, map[*node]bool{from: true})
		for _, source := range h.sources(target.Is6()) {
			ways = append(ways, there.both(n.deliver(to, source, map[*node]bool{})))
		}
	}
	return anyOf(ways)
}

// sources are the possible source addresses of a request.
func (h hop) sources(six bool) []netip.Addr {
	x := h.out.node
	byLinkLocal := h.to != nil && len(family(h.to.addresses, six)) == 0
	var all []netip.Addr
	for _, a := range x.loopbacks {
		if a.Is6() != six {
			continue
		}
		if byLinkLocal && !six {
			return []netip.Addr{a}
		}
		all = append(all, a)
	}
	for _, c := range append([]*card{h.out}, x.cards...) {
		own := family(c.addresses, six)
		for _, p := range own {
			all = append(all, p.Addr())
		}
		if c == h.out && len(own) > 0 {
			return all[len(all)-len(own):]
		}
	}
	return all
}

// deliver follows a packet from a node to an address.
func (n *network) deliver(x *node, to netip.Addr, visited map[*node]bool) Verdict {
	if x.owns(to) {
		return Yes
	}
	if visited[x] {
		return No
	}
	visited[x] = true
	defer delete(visited, x)
	var ways []Verdict
	for _, h := range n.lookup(x, to) {
		ways = append(ways, n.through(h, to, visited))
	}
	return anyOf(ways)
}

// through follows a packet over a hop.
func (n *network) through(h hop, to netip.Addr, visited map[*node]bool) Verdict {
	if h.to == nil {
		return n.onLink(h.out, to)
	}
	switch next := h.to.node; {
	case h.to.segment != h.out.segment || !h.to.up:
		return No
	case next.owns(to):
		return Yes
	case !next.forwards:
		return No
	default:
		return n.deliver(next, to, visited)
	}
}

// onLink is the nodes that answer for an address on a segment. A node answers ARP for all of its IPv4
// addresses on every interface, and neighbour discovery only for those of the interface.
func (n *network) onLink(c *card, to netip.Addr) Verdict {
	for _, o := range n.segmentsOf[c.segment] {
		if o != c && o.up && (o.has(to) || to.Is4() && o.node.owns(to)) {
			return Yes
		}
	}
	return No
}

// lookup is a node's next hops to an address: a connected prefix, else the most specific route, a written
// one before a derived one.
func (n *network) lookup(x *node, to netip.Addr) []hop {
	best, hops := -1, []hop(nil)
	for _, c := range x.cards {
		for _, p := range c.addresses {
			switch {
			case !c.up || !p.Contains(to) || p.Bits() < best:
			case p.Bits() == best:
				hops = append(hops, hop{out: c})
			default:
				best, hops = p.Bits(), []hop{{out: c}}
			}
		}
	}
	if best >= 0 {
		return hops
	}
	for i := range x.routes {
		for _, p := range n.destinations(x.routes[i].To) {
			if p.Contains(to) && p.Bits() > best {
				if legs, ok := n.written(x, &x.routes[i], to.Is6()); ok {
					best, hops = p.Bits(), legs
				}
			}
		}
	}
	if best < 0 && n.spec.Routing != v1alpha1.RoutingManual {
		return n.derived(x, to)
	}
	return hops
}

func (n *network) destinations(to string) []netip.Prefix {
	if to == "default" {
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	}
	for _, s := range n.spec.Subnets {
		if s.Name == to {
			var list []netip.Prefix
			for _, c := range s.CIDRs {
				list = append(list, netip.MustParsePrefix(c))
			}
			return list
		}
	}
	return []netip.Prefix{netip.MustParsePrefix(to)}
}

// written are a written route's hops; ok is false where there is no such route in this family.
func (n *network) written(x *node, r *v1alpha1.Route, six bool) (hops []hop, ok bool) {
	if r.Type != "" && r.Type != v1alpha1.RouteUnicast {
		return nil, true
	}
	for _, c := range x.cards {
		if c.name != r.Link || !c.up {
			continue
		}
		for _, other := range n.nodes {
			for _, o := range other.cards {
				if other.name == r.Via && x.has(six) && other.has(six) && c.names(o, six) && n.wired(c, o) {
					hops = append(hops, hop{c, o})
				}
			}
		}
	}
	return hops, len(hops) > 0
}

// wired reports whether two cards are on one segment, links that are down included.
func (n *network) wired(a, b *card) bool {
	w := newWiring(n.spec)
	all := w.segmentsOf(false)
	var at [2]portAtVLAN
	for _, e := range w.ends() {
		for i, c := range []*card{a, b} {
			if e.node == c.node.name && e.ifaceName() == c.name {
				at[i] = all.of(e.portAtVLAN)
			}
		}
	}
	return at[0] == at[1]
}

// derived is the next hops of routing: Auto. A host with one adjacent router sends everything there. Every
// other node uses the shortest paths to a router on the destination's prefix or, where there is none, to
// a host on it.
func (n *network) derived(x *node, to netip.Addr) []hop {
	hops := n.neighbours(x, to.Is6())
	routers := slices.DeleteFunc(slices.Clone(hops), func(h hop) bool { return !h.to.node.router })
	if !x.router && len(routers) > 0 && !slices.ContainsFunc(routers, func(h hop) bool { return h.to.node != routers[0].to.node }) {
		return routers
	}
	best, nearest := -1, []hop(nil)
	for p, on := range n.prefixes() {
		if !p.Contains(to) || p.Bits() < best {
			continue
		}
		if found := n.nearest(x, hops, on, to.Is6()); len(found) > 0 {
			best, nearest = p.Bits(), found
		}
	}
	return nearest
}

// prefixes are all prefixes, with the nodes on them.
func (n *network) prefixes() map[netip.Prefix][]*node {
	on := map[netip.Prefix][]*node{}
	for _, x := range n.nodes {
		for _, a := range x.loopbacks {
			p := netip.PrefixFrom(a, a.BitLen())
			on[p] = append(on[p], x)
		}
		for _, c := range x.cards {
			for _, p := range c.addresses {
				if p = p.Masked(); c.up && !slices.Contains(on[p], x) {
					on[p] = append(on[p], x)
				}
			}
		}
	}
	return on
}

// nearest are those of a node's next hops that are one hop closer to one of the goals.
func (n *network) nearest(x *node, hops []hop, on []*node, six bool) []hop {
	goals := slices.DeleteFunc(slices.Clone(on), func(y *node) bool { return !y.router })
	if len(goals) == 0 {
		goals = on
	}
	steps := n.steps(goals, six)
	least := -1
	var found []hop
	for _, h := range hops {
		s, ok := steps[h.to.node]
		switch {
		case !ok || s > 0 && !h.to.node.router:
		case least < 0 || s < least:
			least, found = s, []hop{h}
		case s == least:
			found = append(found, h)
		}
	}
	return found
}

// steps counts the hops from each node to the goals, over routers.
func (n *network) steps(goals []*node, six bool) map[*node]int {
	steps := map[*node]int{}
	for _, goal := range goals {
		steps[goal] = 0
	}
	for far, grew := 0, true; grew; far++ {
		grew = false
		for _, x := range n.nodes {
			if _, known := steps[x]; known {
				continue
			}
			for _, h := range n.neighbours(x, six) {
				if s, ok := steps[h.to.node]; ok && s == far && (far == 0 || h.to.node.router) {
					steps[x], grew = far+1, true
				}
			}
		}
	}
	return steps
}
