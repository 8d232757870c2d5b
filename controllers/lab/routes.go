// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// defaultDestination is the destination that stands for 0.0.0.0/0 and ::/0.
const defaultDestination = "default"

// addRoutes adds the routes of every node: the written ones and, with routing: Auto, the derived ones to
// other destinations.
func (n *network) addRoutes() {
	for _, x := range n.nodes {
		x.routes = n.writtenRoutes(x)
	}
	n.rows = n.countRows()
	if n.spec.Routing != v1alpha1.RoutingManual {
		n.deriveRoutes()
	}
	n.checkRows()
	for _, x := range n.nodes {
		if len(x.config.Routes) > 0 {
			maps.DeleteFunc(x.routes, func(_ state.RouteKey, r state.Route) bool { return r == state.Route{} })
		}
	}
}

func (n *network) deriveRoutes() {
	written := map[*node][]netip.Prefix{}
	for _, x := range n.nodes {
		for key := range x.routes {
			written[x] = append(written[x], key.Prefix)
		}
	}
	for _, f := range families {
		if !slices.ContainsFunc(n.nodes, func(x *node) bool { return x.has(f) }) {
			continue // no prefix to lead to
		}
		n.graph(f).derive(func(x *node, prefixes []netip.Prefix, nextHops []nextHop) {
			if len(written[x]) > 0 {
				prefixes = slices.DeleteFunc(slices.Clone(prefixes), func(p netip.Prefix) bool { return slices.Contains(written[x], p) })
			}
			if len(prefixes) > 0 && !n.refuseDerived(x, nextHops) {
				n.addDerived(x, f, prefixes, nextHops)
			}
		})
	}
}

// addDerived counts all routes, and keeps those of a lab that is not too large.
func (n *network) addDerived(x *node, f family, prefixes []netip.Prefix, nextHops []nextHop) {
	n.rows += len(prefixes)
	n.derivedRows += len(prefixes)
	if n.rows > MaxRows {
		return
	}
	route := x.route(f, nextHops)
	for _, p := range prefixes {
		x.routes[state.RouteKey{Prefix: p, Metric: metric(f, 0)}] = route
	}
}

// refuseDerived refuses addresses that lead a derived route to a next hop that the kernel does not take,
// once for each pair of ends.
func (n *network) refuseDerived(x *node, nextHops []nextHop) bool {
	i := slices.IndexFunc(nextHops, func(h nextHop) bool { return h.fault != "" })
	if i < 0 {
		return false
	}
	h := nextHops[i]
	if pair := [2]*end{h.end, h.to}; !n.refusedPairs[pair] {
		n.refusedPairs[pair] = true
		n.refuse(h.to.field, "write another address there", "%s, the next hop of derived routes of %s, is %s", h.via, x.name, h.fault)
	}
	return true
}

// writtenRoutes resolves the routes of a node's spec. A route whose every next hop is over a link that is
// down is the zero Route: the kernel refuses it, and yet no derived route replaces it.
func (n *network) writtenRoutes(x *node) map[state.RouteKey]state.Route {
	routes := map[state.RouteKey]state.Route{}
	for i := range x.config.Routes {
		field := fieldAt(x.field, "routes", i)
		for key, route := range n.writtenRoute(field, x, &x.config.Routes[i]) {
			if _, twice := routes[key]; twice {
				n.refuseAbsent(AnyAbsent, field+".to", "write another metric at one of them", "%s already has a route to %s with metric %d", x.name, state.Destination(key.Prefix), key.Metric)
				continue
			}
			n.checkConnected(field, x, key)
			routes[key] = route
		}
	}
	return routes
}

func (n *network) writtenRoute(field string, x *node, r *v1alpha1.Route) map[state.RouteKey]state.Route {
	n.checkRouteForm(field, r)
	destinations := n.destinations(field, r.To)
	if len(destinations) == 0 {
		return nil
	}
	written := n.writtenNextHops(field, x, r)
	if len(destinations) > 1 {
		dropForeignFamilies(written)
	}
	known := len(n.problems)
	routes := map[state.RouteKey]state.Route{}
	for _, d := range destinations {
		f := familyOf(d.Addr())
		route, ok := state.Route{Type: routeType(r.Type), Protocol: state.RouteProtocol}, x.serves(destinations, f)
		if route.Type == state.Unicast {
			route, ok = n.unicast(field, x, written, f, ok)
		}
		if ok && r.Src != "" && route != (state.Route{}) {
			ok = n.setSource(field, x, &route, f, r.Src)
		}
		if ok {
			routes[state.RouteKey{Prefix: d, Metric: metric(f, r.Metric)}] = route
		}
	}
	if len(routes) == 0 && known == len(n.problems) && (len(written) > 0 || routeType(r.Type) != state.Unicast) {
		n.refuseFamilies(field, x, r.To)
	}
	return routes
}

// refuseFamilies refuses a route that no family of its destination can have.
func (n *network) refuseFamilies(field string, x *node, to string) {
	if to == defaultDestination && !x.has(ipv4) && !x.has(ipv6) {
		n.refuseAbsent(AnyAbsent, field+".to", "write 0.0.0.0/0 or ::/0", "%s has no address, and default means the families that it has", x.name)
		return
	}
	n.refuseAbsent(AnyAbsent, field, "write a destination and a next hop of one address family", "the route has no next hop of the address family of %s", to)
}

// serves reports whether destinations stand for a route of the family at the node. Those of both families
// stand for the families that it has addresses of.
func (x *node) serves(destinations []netip.Prefix, f family) bool {
	return len(destinations) == 1 || x.has(f)
}

// destinations are the prefixes that a route's to stands for.
func (n *network) destinations(field, to string) []netip.Prefix {
	prefixes := n.prefixesOf(to)
	switch {
	case len(prefixes) == 0 && n.subnetByName[to] == nil:
		n.refuseAbsent(SubnetAbsent, field+".to", n.knownSubnets(), "%q is neither default, nor a subnet of the lab, nor a prefix", to)
	case len(prefixes) == 1 && prefixes[0] != prefixes[0].Masked():
		n.refuse(field+".to", fmt.Sprintf("write %s", prefixes[0].Masked()), "%s has host bits set", prefixes[0])
		return nil
	}
	return prefixes
}

// prefixesOf are those that a route's to stands for, as they are written; none where it has no meaning.
func (n *network) prefixesOf(to string) []netip.Prefix {
	if to == defaultDestination {
		return []netip.Prefix{ipv4.defaultRoute(), ipv6.defaultRoute()}
	}
	if s := n.subnetByName[to]; s != nil {
		return s.cidrs
	}
	p, err := netip.ParsePrefix(to)
	if err != nil {
		return nil
	}
	return []netip.Prefix{p}
}

func (n *network) checkRouteForm(field string, r *v1alpha1.Route) {
	oneOf(n, field, "type", r.Type, v1alpha1.RouteUnicast, v1alpha1.RouteBlackhole, v1alpha1.RouteUnreachable, v1alpha1.RouteProhibit)
	forms := 0
	for _, has := range []bool{r.Via != "" || r.Link != "", len(r.NextHops) > 0, routeType(r.Type) != state.Unicast} {
		if has {
			forms++
		}
	}
	const fix = "write via: for one next hop, nextHops: for several, link: for a destination on that link, or type: Blackhole, Unreachable or Prohibit"
	switch {
	case forms == 0:
		n.refuseAbsent(AnyAbsent, field, fix, "the route has no next hop")
	case forms > 1:
		n.refuse(field, fix, "the route has more than one of via (or link), nextHops and a type other than Unicast")
	}
	if r.OnLink && (r.Via == "" || r.Link == "") {
		n.refuseAbsent(AnyAbsent, field+".onLink", "write via: with the address and link: with the link", "onLink needs via and link")
	}
	n.checkSize(field, "nextHops", len(r.NextHops), state.MaxNextHops)
	n.checkRange(field+".metric", "metric", int(r.Metric), 0, math.MaxInt32)
}

// checkConnected refuses a route that would replace the kernel's connected route: the kernel holds one
// route per destination and metric, and its own have metric 0 (IPv6: 256).
func (n *network) checkConnected(field string, x *node, key state.RouteKey) {
	kernel := uint32(0)
	if key.Prefix.Addr().Is6() {
		kernel = 256
	}
	connected := func(p netip.Prefix) bool { return p.Masked() == key.Prefix }
	for _, e := range x.ends {
		if key.Metric == kernel && slices.ContainsFunc(e.addresses, connected) {
			n.refuseAbsent(AnyAbsent, field+".metric", "write another metric", "%s already has the connected route to %s over %s with this metric", x.name, key.Prefix, e.label())
			return
		}
	}
}

// setSource sets the preferred source address of a route; ok is false where it is of the other family.
func (n *network) setSource(field string, x *node, route *state.Route, f family, text string) (ok bool) {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil || a.Zone() != "":
		n.refuse(field+".src", "write one of the node's addresses", "%q is not an IP address", text)
	case !x.hasAddress(a):
		n.refuseAbsent(AnyAbsent, field+".src", "write one of the node's addresses", "%s is not an address of %s", a, x.name)
	case route.Type != state.Unicast:
		n.refuse(field+".src", "remove it", "only a Unicast route has a source address")
	case familyOf(a) != f:
		return false
	}
	route.Source = a
	return true
}

func routeType(t v1alpha1.RouteType) state.RouteType {
	switch t {
	case v1alpha1.RouteBlackhole:
		return state.Blackhole
	case v1alpha1.RouteUnreachable:
		return state.Unreachable
	case v1alpha1.RouteProhibit:
		return state.Prohibit
	case v1alpha1.RouteUnicast:
	}
	return state.Unicast
}

func metric(f family, written int64) uint32 {
	if written == 0 && f == ipv6 {
		return state.DefaultIPv6Metric
	}
	return uint32(written)
}

// unicast is the route over all next hops; ok is false unless each can serve the family. An IPv6 address as
// next hop serves IPv6 even at a node without IPv6 addresses. Next hops over links that are down are left out.
func (n *network) unicast(field string, x *node, written []writtenNextHop, f family, serves bool) (state.Route, bool) {
	var nextHops []nextHop
	for _, w := range written {
		h, ok := w.byFamily[f]
		if !ok || !serves && (f == ipv4 || !h.via.IsValid()) || n.refuseNextHop(field, h, f) {
			return state.Route{}, false
		}
		if h.end.up() {
			h.weight = w.weight
			nextHops = append(nextHops, h)
		}
	}
	return x.route(f, nextHops), len(written) > 0
}

// refuseNextHop refuses a next hop that the kernel does not take: with an address that is none of a
// neighbour, or over an interface without IPv6.
func (n *network) refuseNextHop(field string, h nextHop, f family) bool {
	switch {
	case h.fault != "":
		n.refuse(field+".via", "write another address at "+h.to.field, "next hop %s of %s is %s", h.via, h.to.node.name, h.fault)
	case (f == ipv6 || h.via.Is6()) && h.end.mtu < state.MinIPv6MTU:
		n.refuse(field, fmt.Sprintf("write mtu: %d or more at the link", state.MinIPv6MTU), "the MTU of link %s is %d, below %d, the minimum for IPv6", h.end.label(), h.end.mtu, state.MinIPv6MTU)
	case (f == ipv6 || h.via.Is6()) && h.end.bridgeOnly():
		n.refuse(field, "write an address at the switch", "%s has no address, and so no IPv6", h.end.node.name)
	default:
		return false
	}
	return true
}

// route builds a unicast route; it is zero without next hops.
func (x *node) route(f family, nextHops []nextHop) state.Route {
	if len(nextHops) == 0 {
		return state.Route{}
	}
	route := state.Route{Type: state.Unicast, Protocol: state.RouteProtocol}
	if f == ipv4 && slices.ContainsFunc(nextHops, func(h nextHop) bool { return h.via.Is6() }) {
		route.Source = x.loopback(f)
	}
	if len(nextHops) == 1 { // the kernel stores no weight then
		route.Hops, _ = state.GroupOf(nextHops[0].row(1))
		return route
	}
	rows := make([]state.NextHop, len(nextHops))
	for i, h := range nextHops {
		rows[i] = h.row(max(1, h.weight))
	}
	route.Hops, route.MoreHops = state.GroupOf(rows...)
	return route
}
