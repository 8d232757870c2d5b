// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"net/netip"
	"slices"
)

// This file leads packets from the old ways to the new ones. A node whose new next hop still goes by its old way
// may send a packet back, so a route is changed after those of its next hops that decide about the same
// destinations. A packet that meets one changed route then meets only changed ones to its end, and one that meets none
// goes the old way, whose links and addresses are still there.

// reroute is a change of a route that is left to do.
type reroute struct {
	p   *played
	key RouteKey
	// deletes says that the route goes and another, of a shorter prefix, takes its place.
	deletes  bool
	progress progress
}

// progress is how far a change is.
type progress uint8

const (
	toDo progress = iota
	// waiting is for those of its next hops.
	waiting
	// postponed is what nothing answers yet, or whose next hops are postponed.
	postponed
	done
)

// rerouter holds the changes of all nodes through which packets may go.
type rerouter struct {
	*differ
	nodes map[string]*reroutes
}

// reroutes are those of a node.
type reroutes struct {
	// sorted are in order of prefix, so those within a prefix follow one another.
	sorted []*reroute
	// lengths has the lengths of their prefixes, by family.
	lengths [2][129]bool
	// coming are the networks of addresses that the node will have, near those that it reaches.
	coming []netip.Prefix
	near   reach
}

// reach is what a node finds on its links, by link.
type reach map[string][]reached

// reached is a destination on a link: the network of an address, or one of a route.
type reached struct {
	netip.Prefix
	metric uint32
	// beyond says that an IPv6 route finds it behind a gateway. A gateway among these is refused (ip6_route_check_nh).
	beyond bool
}

// hides reports whether the kernel chooses another destination for what both cover.
func (r reached) hides(o reached) bool {
	return o.Contains(r.Addr()) && (r.Bits() > o.Bits() || r.Bits() == o.Bits() && r.metric < o.metric)
}

// setRoutes replaces the routes whose next hops and source are there.
func (d *differ) setRoutes() {
	if d.complete {
		return
	}
	d.each(func(p *played) {
		if p.fresh {
			d.setFreshRoutes(p)
		}
	})
	r := &rerouter{differ: d}
	d.each(func(p *played) {
		if !p.fresh {
			r.collect(p)
		}
	})
	if r.nodes == nil {
		return
	}
	d.each(func(p *played) {
		if all := r.nodes[p.name]; all != nil {
			for _, change := range all.sorted {
				r.change(change)
			}
		}
	})
}

// addRoutes writes all that are missing. Nothing asks any more what the routes are then.
func (d *differ) addRoutes(p *played) {
	for _, key := range p.missingRoutes() {
		d.ops = append(d.ops, replaceRoute(RouteID{p.name, key}, p.now.Routes[key], p.want.Routes[key])...)
	}
}

// missingRoutes lists routes to a link first: one may be what makes the gateway of another reachable.
func (p *played) missingRoutes() []RouteKey {
	var toLinks, others []RouteKey
	for _, key := range missing(p.now.Routes, p.want.Routes, RouteKey.compare) {
		if p.want.Routes[key].toLink() {
			toLinks = append(toLinks, key)
		} else {
			others = append(others, key)
		}
	}
	return append(toLinks, others...)
}

// setFreshRoutes comes before the routes of others lead here. A namespace of which nothing is postponed is complete.
func (d *differ) setFreshRoutes(p *played) {
	if !p.postponed {
		d.addRoutes(p)
		p.differs = false
		return
	}
	near := p.nearby()
	for _, key := range p.missingRoutes() {
		if route := p.want.Routes[key]; d.ready(p, near, route) {
			for _, op := range replaceRoute(RouteID{p.name, key}, p.now.Routes[key], route) {
				d.do(op)
			}
		}
	}
}

// collect lists what is left to do of a node's routes.
func (r *rerouter) collect(p *played) {
	replaced := missing(p.now.Routes, p.want.Routes, RouteKey.compare)
	var deleted []RouteKey
	if p.want.exists() {
		deleted = unwanted(p.now.Routes, p.want.Routes, RouteKey.compare)
	}
	all := &reroutes{}
	for key := range p.want.Addresses {
		_, there := p.now.Addresses[key]
		if old, has := p.ipv6Row(key); !there && !(has && old.Prefix.Bits() < key.Prefix.Bits()) {
			all.coming = append(all.coming, key.Prefix)
		}
	}
	if len(replaced)+len(deleted)+len(all.coming) == 0 {
		return
	}
	for _, key := range replaced {
		all.add(&reroute{p: p, key: key})
	}
	for _, key := range deleted {
		_, covered := p.covering(key.Prefix)
		if _, connected := p.connecting(key.Prefix); covered || connected {
			all.add(&reroute{p: p, key: key, deletes: true})
		}
	}
	if r.nodes == nil {
		r.nodes = map[string]*reroutes{}
	}
	if len(all.sorted) > 0 {
		all.near = p.nearby()
	}
	slices.SortStableFunc(all.sorted, func(a, b *reroute) int { return a.key.compare(b.key) })
	r.nodes[p.name] = all
}

func (all *reroutes) add(change *reroute) {
	all.sorted = append(all.sorted, change)
	prefix := change.key.Prefix
	all.lengths[familyOf(prefix)][prefix.Bits()] = true
}

func familyOf(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 0
	}
	return 1
}

// covering is the wanted route that takes the place of one to a prefix.
func (p *played) covering(prefix netip.Prefix) (key RouteKey, ok bool) {
	for bits := prefix.Bits(); bits >= 0; bits-- {
		shorter := netip.PrefixFrom(prefix.Addr(), bits).Masked()
		for _, metric := range []uint32{0, DefaultIPv6Metric} {
			if _, there := p.want.Routes[RouteKey{shorter, metric}]; there {
				return RouteKey{shorter, metric}, true
			}
		}
	}
	return RouteKey{}, false
}

// connecting is the wanted address whose network takes the place of a route to a prefix.
func (p *played) connecting(prefix netip.Prefix) (found AddressKey, ok bool) {
	for key := range p.want.Addresses {
		within := key.Prefix.Contains(prefix.Addr()) && key.Prefix.Bits() <= prefix.Bits() && p.want.Links[key.Link].Up
		if within && (!ok || key.Prefix.Bits() > found.Prefix.Bits() || key.Prefix.Bits() == found.Prefix.Bits() && key.compare(found) < 0) {
			found, ok = key, true
		}
	}
	return found, ok
}

// change does what is left to do of a route, after what it waits for. Where changes wait for one another in a circle,
// no order is right, and one goes first.
func (r *rerouter) change(c *reroute) progress {
	if c.progress != toDo {
		return c.progress
	}
	c.progress = waiting
	ops, possible := r.operations(c)
	if !possible {
		c.progress = postponed
		return postponed
	}
	for _, op := range ops {
		r.do(op)
	}
	c.progress = done
	return done
}

// operations are those of a change, if it is possible by now.
func (r *rerouter) operations(c *reroute) (ops []Op, possible bool) {
	if c.deletes {
		key, covered := c.p.covering(c.key.Prefix)
		next := c.p.want.Routes[key]
		ops = []Op{DeleteRoute{RouteID{c.p.name, c.key}, c.p.now.Routes[c.key].Protocol}}
		if address, connected := c.p.connecting(c.key.Prefix); connected && (!covered || address.Prefix.Bits() >= key.Prefix.Bits()) {
			_, there := c.p.now.Addresses[address]
			return ops, there && r.there(c.p, address.Link) && c.p.now.Links[address.Link].Up
		}
		return ops, (c.p.now.Routes[key] == next || r.changeOf(c.p, key)) && r.nextHopsChange(c, next)
	}
	next := c.p.want.Routes[c.key]
	return replaceRoute(RouteID{c.p.name, c.key}, c.p.now.Routes[c.key], next), r.ready(c.p, r.nodes[c.p.name].near, next) && r.nextHopsChange(c, next)
}

// changeOf does the change of one route of a node.
func (r *rerouter) changeOf(p *played, key RouteKey) bool {
	for _, c := range r.nodes[p.name].to(key.Prefix) {
		if c.key == key && !c.deletes {
			return r.change(c) == done
		}
	}
	return true
}

// nextHopsChange does first what is left to do at the next hops of a route about the same destinations.
func (r *rerouter) nextHopsChange(c *reroute, next Route) bool {
	for _, hop := range next.NextHops() {
		for _, node := range r.holders(c.p, hop) {
			if slices.ContainsFunc(node.coming, c.key.Prefix.Overlaps) {
				return false
			}
			for _, later := range r.about(node, c.key.Prefix) {
				if r.change(later) == postponed {
					return false
				}
			}
		}
	}
	return true
}

// holders are the namespaces that should have a gateway's address, where it decides about anything.
func (r *rerouter) holders(p *played, hop NextHop) (nodes []*reroutes) {
	for _, id := range r.ownersOf(hop.Via) {
		if peer := p.now.Links[hop.Link].Peer; IsLinkLocal(hop.Via) && peer.Namespace != id.Namespace && r.wanted(peer).Master == "" {
			continue
		}
		if all := r.nodes[id.Namespace]; all != nil && id.Namespace != p.name && !slices.Contains(nodes, all) {
			nodes = append(nodes, all)
		}
	}
	return nodes
}

// ownersOf are where an address should be.
func (d *differ) ownersOf(a netip.Addr) []AddressID {
	if !a.IsValid() {
		return nil
	}
	if d.owners == nil {
		d.owners = map[netip.Addr][]AddressID{}
		for id := range d.want.Addresses() {
			d.owners[id.Prefix.Addr()] = append(d.owners[id.Prefix.Addr()], id)
		}
		for _, owners := range d.owners {
			slices.SortFunc(owners, func(a, b AddressID) int {
				return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), a.compare(b.AddressKey))
			})
		}
	}
	return d.owners[a]
}

// about are the changes of a node that decide about some destination in a prefix: those within it, and those that
// cover it.
func (r *rerouter) about(node *reroutes, prefix netip.Prefix) []*reroute {
	from, _ := slices.BinarySearchFunc(node.sorted, prefix, func(c *reroute, p netip.Prefix) int {
		return ComparePrefixes(c.key.Prefix, p)
	})
	to := from
	for to < len(node.sorted) && prefix.Contains(node.sorted[to].key.Prefix.Addr()) {
		to++
	}
	found := slices.Clone(node.sorted[from:to])
	for bits := prefix.Bits() - 1; bits >= 0; bits-- {
		if node.lengths[familyOf(prefix)][bits] {
			found = append(found, node.to(netip.PrefixFrom(prefix.Addr(), bits).Masked())...)
		}
	}
	return found
}

// to are the changes of routes to exactly one prefix.
func (all *reroutes) to(prefix netip.Prefix) []*reroute {
	from, _ := slices.BinarySearchFunc(all.sorted, prefix, func(c *reroute, p netip.Prefix) int {
		return ComparePrefixes(c.key.Prefix, p)
	})
	to := from
	for to < len(all.sorted) && all.sorted[to].key.Prefix == prefix {
		to++
	}
	return all.sorted[from:to]
}

// nearby leaves out what is beyond a gateway and hides nothing.
func (p *played) nearby() reach {
	near := reach{}
	for key := range p.now.Addresses {
		near[key.Link] = append(near[key.Link], reached{key.Prefix.Masked(), PrefixMetric6, false})
	}
	for key, route := range p.now.Routes {
		for _, hop := range route.NextHops() {
			if !hop.Via.IsValid() {
				near[hop.Link] = append(near[hop.Link], reached{key.Prefix, key.Metric, false})
			}
		}
	}
	for key, route := range p.now.Routes {
		if key.Prefix.Addr().Is4() {
			continue
		}
		for _, hop := range route.NextHops() {
			behind := reached{key.Prefix, key.Metric, true}
			if hop.Via.IsValid() && slices.ContainsFunc(near[hop.Link], func(o reached) bool { return !o.beyond && behind.hides(o) }) {
				near[hop.Link] = append(near[hop.Link], behind)
			}
		}
	}
	return near
}

// takes reports whether the kernel takes a gateway on a link: it finds it there, and not behind another.
func (r reach) takes(hop NextHop) bool {
	if !hop.Via.IsValid() || hop.OnLink || IsLinkLocal(hop.Via) {
		return true
	}
	var best *reached
	for i, each := range r[hop.Link] {
		if each.Contains(hop.Via) && (best == nil || each.hides(*best)) {
			best = &r[hop.Link][i]
		}
	}
	return best != nil && !best.beyond
}

// ready reports whether the kernel takes a route now, and something answers at its next hops.
func (d *differ) ready(p *played, near reach, route Route) bool {
	for _, hop := range route.NextHops() {
		if !d.there(p, hop.Link) || !p.now.Links[hop.Link].Up || !d.answers(p, hop) || !near.takes(hop) {
			return false
		}
	}
	return !route.Source.IsValid() || p.hasAddress(route.Source)
}

// answers reports whether a gateway's address that some node should have is on one by now, and not on this one.
func (d *differ) answers(p *played, hop NextHop) bool {
	if IsLinkLocal(hop.Via) || !hop.Via.IsValid() {
		return true
	}
	owners := d.ownersOf(hop.Via)
	there := len(owners) == 0
	for _, id := range owners {
		_, has := d.at(id.Namespace).Addresses[id.AddressKey]
		there = there || has && !d.shareAddress(p, hop.Link, d.of(id.Namespace))
	}
	return there && !p.hasAddress(hop.Via)
}

// shareAddress reports whether a link has an address that moves, and another node has it, too. The other does not
// answer who asks from an address of its own.
func (d *differ) shareAddress(p *played, link string, other *played) bool {
	for _, key := range p.now.addressesOf(link) {
		if a := key.Prefix.Addr(); other != p && len(d.leavingRows(a)) > 0 && other.hasAddress(a) {
			return true
		}
	}
	return false
}

func (p *played) hasAddress(a netip.Addr) bool {
	for key := range p.now.Addresses {
		if key.Prefix.Addr() == a {
			return true
		}
	}
	return false
}
