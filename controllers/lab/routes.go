// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// defaultDestination is how a route says "everything else".
const defaultDestination = "default"

// writtenRoutes resolves the routes somebody wrote at a node. Routes whose every leg is
// over a link that is down have a zero Route: the kernel cannot hold them, and yet no
// derived route takes their place.
func (n *network) writtenRoutes(x *node) map[state.RouteID]state.Route {
	routes := map[state.RouteID]state.Route{}
	for i := range x.config.Routes {
		field := fmt.Sprintf("%s.routes[%d]", x.field, i)
		for id, route := range n.writtenRoute(field, x, &x.config.Routes[i]) {
			if _, twice := routes[id]; twice {
				n.refuseAbsent(AnyAbsent, field+".to", "give one of them another metric", "%s already has a route to %s with metric %d", x.name, state.Destination(id.Prefix), id.Metric)
				continue
			}
			n.checkConnected(field, x, id)
			routes[id] = route
		}
	}
	return routes
}

// checkConnected refuses a route that would take the place of the kernel's own to a prefix
// the node is on: there is one per destination and metric, the kernel's have 0 (256 for IPv6).
func (n *network) checkConnected(field string, x *node, id state.RouteID) {
	kernel := uint32(0)
	if id.Prefix.Addr().Is6() {
		kernel = 256
	}
	connected := func(p netip.Prefix) bool { return p.Masked() == id.Prefix }
	for _, e := range x.ends {
		if id.Metric == kernel && slices.ContainsFunc(e.addresses, connected) {
			n.refuseAbsent(AnyAbsent, field+".metric", "give the route another metric", "%s is connected to %s over %s already", x.name, id.Prefix, e.label())
			return
		}
	}
}

func (n *network) writtenRoute(field string, x *node, r *v1alpha1.Route) map[state.RouteID]state.Route {
	n.checkRouteForm(field, r)
	destinations := n.destinations(field, r.To)
	if len(destinations) == 0 {
		return nil
	}
	legs := n.legs(field, x, r)
	if _, err := netip.ParsePrefix(r.To); err != nil {
		dropForeignFamilies(legs)
	}
	routes := map[state.RouteID]state.Route{}
	for _, d := range destinations {
		f := familyOf(d.Addr())
		route := state.Route{Type: routeType(r.Type), Protocol: state.RouteProtocol}
		ok := x.has(f) || r.To != defaultDestination
		if route.Type == state.Unicast {
			route, ok = n.unicast(x, legs, f)
		}
		if ok && r.Src != "" && route != (state.Route{}) {
			ok = n.setSource(field, x, &route, f, r.Src)
		}
		if ok {
			routes[state.RouteID{Namespace: x.namespace, Prefix: d, Metric: metric(f, r.Metric)}] = route
		}
	}
	if len(routes) == 0 && (len(legs) > 0 || routeType(r.Type) != state.Unicast) {
		n.refuseAbsent(AnyAbsent, field, "write a destination and a next hop of one family", "%s has no next hop of the family of %s", x.name, r.To)
	}
	return routes
}

// setSource gives a route its source hint; ok is false where it is of the other family.
func (n *network) setSource(field string, x *node, route *state.Route, f family, text string) (ok bool) {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil || a.Zone() != "":
		n.refuse(field+".src", "write one of the node's addresses", "%q is not an address", text)
	case !x.hasAddress(a):
		n.refuseAbsent(AnyAbsent, field+".src", "write one of the node's addresses", "%s is not an address of %s", a, x.name)
	case route.Type != state.Unicast:
		n.refuse(field+".src", "remove it", "a route that leads nowhere has no source")
	case familyOf(a) != f:
		return false
	}
	route.Source = a
	return true
}

// dropForeignFamilies leaves next hops the families that are meant under a destination which stands for
// both: an IPv6 address means IPv6, a node the families it has. A router without IPv4 gets no IPv4
// route by a name either, so IPv4 that was sent to it would end there. An IPv4 prefix over
// such a next hop is written as a prefix.
func dropForeignFamilies(legs []leg) {
	for _, l := range legs {
		maps.DeleteFunc(l.hops, func(f family, h hop) bool {
			if l.byAddress {
				return f == ipv4 && h.via.Is6()
			}
			return h.to != nil && !h.to.node.has(f)
		})
	}
}

func (n *network) checkRouteForm(field string, r *v1alpha1.Route) {
	forms := 0
	for _, has := range []bool{r.Via != "" || r.Link != "", len(r.NextHops) > 0, routeType(r.Type) != state.Unicast} {
		if has {
			forms++
		}
	}
	if forms != 1 {
		n.refuse(field, "write via: for one next hop, nextHops: for several, link: where the destination itself is on a link, or type: Blackhole, Unreachable or Prohibit",
			"a route has exactly one of via (or link), nextHops and a type other than Unicast")
	}
	if r.OnLink && (r.Via == "" || r.Link == "") {
		n.refuseAbsent(AnyAbsent, field+".onLink", "write via: with the address and link: with the link", "onLink says that a next hop is on a link")
	}
	if len(r.NextHops) > state.MaxNextHops {
		n.refuse(field+".nextHops", "", "a route has at most %d next hops, not %d", state.MaxNextHops, len(r.NextHops))
	}
	if r.Metric < 0 || r.Metric > 1<<31-1 {
		n.refuse(field+".metric", "", "a metric is 0 to 2147483647, not %d", r.Metric)
	}
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

// destinations are the prefixes a route's to stands for.
func (n *network) destinations(field, to string) []netip.Prefix {
	if to == defaultDestination {
		return []netip.Prefix{ipv4.defaultRoute(), ipv6.defaultRoute()}
	}
	if s := n.subnetByName[to]; s != nil {
		return s.cidrs
	}
	p, err := netip.ParsePrefix(to)
	switch {
	case err != nil:
		n.refuseAbsent(SubnetAbsent, field+".to", n.known("subnets", n.subnetNames()), "%q is neither default, nor a subnet of the lab, nor a prefix in CIDR notation", to)
		return nil
	case p != p.Masked():
		n.refuse(field+".to", fmt.Sprintf("write %s", p.Masked()), "%s has host bits", p)
		return nil
	}
	return []netip.Prefix{p}
}

// leg is a written next hop, in every family it can serve.
type leg struct {
	hops   map[family]hop
	weight int
	// byAddress says that the next hop was written as an address, not as a node's name.
	byAddress bool
}

func (n *network) legs(field string, x *node, r *v1alpha1.Route) []leg {
	switch {
	case r.OnLink:
		return n.onLinkLeg(field, x, r)
	case r.Via != "":
		return n.leg(nil, field, x, r.Via, r.Link, 1)
	case r.Link != "":
		return n.connectedLeg(field, x, r.Link)
	}
	var legs []leg
	for i, h := range r.NextHops {
		field := fmt.Sprintf("%s.nextHops[%d]", field, i)
		if h.Weight < 0 || h.Weight > 256 {
			n.refuse(field+".weight", "", "a weight is 1 to 256, not %d", h.Weight)
			continue
		}
		legs = n.leg(legs, field, x, h.Via, h.Link, max(1, int(h.Weight)))
	}
	return legs
}

// onLinkLeg is a next hop that is on the link because somebody says so (RTNH_F_ONLINK).
func (n *network) onLinkLeg(field string, x *node, r *v1alpha1.Route) []leg {
	e := n.endCalled(field, x, r.Link)
	a, err := netip.ParseAddr(r.Via)
	switch {
	case err != nil || a.Zone() != "":
		n.refuse(field+".via", "write the next hop's address", "%q is not an address, and onLink needs one", r.Via)
		return nil
	case !isUnicast(a):
		n.refuse(field+".via", "write a neighbour's address", "%s is an address that no neighbour can have", a)
		return nil
	case x.owns(a):
		n.refuse(field+".via", "write a neighbour's address", "%s is an address of %s itself", a, x.name)
		return nil
	case e == nil:
		return nil
	}
	return []leg{{hops: map[family]hop{familyOf(a): {end: e, via: a, onLink: true}}, weight: 1, byAddress: true}}
}

// connectedLeg is for a destination that is itself on a link.
func (n *network) connectedLeg(field string, x *node, link string) []leg {
	e := n.endCalled(field, x, link)
	if e == nil {
		return nil
	}
	return []leg{{hops: map[family]hop{ipv4: {end: e}, ipv6: {end: e}}, weight: 1}}
}

// endCalled finds a node's end by its link; nil, with the problem noted, when there is none.
func (n *network) endCalled(field string, x *node, link string) *end {
	i := slices.IndexFunc(x.ends, called(link))
	if i < 0 {
		n.refuseAbsent(AnyAbsent, field+".link", n.known("links at "+x.name, x.linkNames()), "no link %q is plugged into %s", link, x.name)
		return nil
	}
	return x.ends[i]
}

func (n *network) leg(legs []leg, field string, x *node, via, link string, weight int) []leg {
	hops := n.via(field, x, via, link)
	if len(hops) == 0 {
		return legs
	}
	for _, other := range legs {
		if sameHops(other.hops, hops) {
			n.refuseAbsent(AnyAbsent, field, "use weight: for a larger share", "%s is there twice", via)
			return legs
		}
	}
	_, err := netip.ParseAddr(via)
	return append(legs, leg{hops: hops, weight: weight, byAddress: err == nil})
}

func sameHops(a, b map[family]hop) bool {
	for f, h := range a {
		if o, ok := b[f]; ok && o.end == h.end && o.via == h.via {
			return true
		}
	}
	return false
}

// unicast is the route over all legs; ok is false unless each can serve the family. Legs
// over links that are down are left out.
func (n *network) unicast(x *node, legs []leg, f family) (state.Route, bool) {
	var hops []hop
	var weights []int
	for _, l := range legs {
		h, ok := l.hops[f]
		if !ok || !x.has(f) && (f == ipv4 || !h.via.IsValid()) {
			return state.Route{}, false
		}
		if h.end.up() {
			hops, weights = append(hops, h), append(weights, l.weight)
		}
	}
	return x.route(f, hops, weights), len(legs) > 0
}

// route builds a unicast route; it is zero without hops.
func (x *node) route(f family, hops []hop, weights []int) state.Route {
	if len(hops) == 0 {
		return state.Route{}
	}
	route := state.Route{Type: state.Unicast, Protocol: state.RouteProtocol}
	next := make([]state.NextHop, len(hops))
	for i, h := range hops {
		next[i] = state.NextHop{Link: h.end.iface, Via: h.via, Weight: weights[i], OnLink: h.onLink}
		if f == ipv4 && h.via.Is6() {
			route.Source = x.loopback(f)
		}
	}
	if len(next) == 1 {
		next[0].Weight = 1
	}
	route.Hops, route.MoreHops = state.SortHops(next)
	return route
}

// loopback is the node's first loopback of a family, zero without one.
func (x *node) loopback(f family) netip.Addr {
	for _, p := range x.loopbacks {
		if familyOf(p.Addr()) == f {
			return p.Addr()
		}
	}
	return netip.Addr{}
}
