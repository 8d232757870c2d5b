// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// checkIPv6Gateways makes every IPv6 next hop one that the kernel takes whatever the order of the routes. The
// kernel looks a gateway up when a route is added, and takes it only if the best route to it over the
// interface has no gateway itself. A longer route through the same neighbour prevents that, and onlink
// helps: then the best route of all need only lead to the interface.
func (n *network) checkIPv6Gateways() {
	for _, x := range n.nodes {
		if x.ipv6 && slices.ContainsFunc(slices.Collect(maps.Values(x.routes)), hasGlobalIPv6Gateway) {
			n.checkGatewaysOf(x)
		}
	}
}

func hasGlobalIPv6Gateway(r state.Route) bool {
	return slices.ContainsFunc(r.NextHops(), isGlobalIPv6Gateway)
}

// isGlobalIPv6Gateway leaves out link-local ones: the kernel takes any of them.
func isGlobalIPv6Gateway(h state.NextHop) bool { return h.Via.Is6() && !state.IsLinkLocal(h.Via) }

func (n *network) checkGatewaysOf(x *node) {
	table := x.ipv6Table()
	checked := map[state.NextHop]state.NextHop{}
	for _, key := range slices.SortedFunc(maps.Keys(x.routes), compareRouteKeys) {
		route := x.routes[key]
		hops := route.NextHops()
		for i, h := range hops {
			if !isGlobalIPv6Gateway(h) {
				continue
			}
			h.Weight = 0
			if _, ok := checked[h]; !ok {
				checked[h] = n.acceptedGateway(x, table, h)
			}
			hops[i].OnLink = checked[h].OnLink
		}
		route.Hops, _ = state.GroupOf(hops...)
		x.routes[key] = route
	}
}

func compareRouteKeys(a, b state.RouteKey) int {
	return cmp.Or(state.ComparePrefixes(a.Prefix, b.Prefix), cmp.Compare(a.Metric, b.Metric))
}

// acceptedGateway is the next hop with onlink where the kernel needs it. Where that does not help either, it
// reports a problem.
func (n *network) acceptedGateway(x *node, table []ipv6Route, h state.NextHop) state.NextHop {
	h.OnLink = h.OnLink || bestIPv6Route(table, h, h.Link).gateway
	best := bestIPv6Route(table, h, "")
	if h.OnLink && best.prefix.IsValid() && best.link != h.Link && !best.prefix.Addr().IsUnspecified() {
		n.refuse(x.field+".routes", "write a link-local address as next hop, or another prefix for one of them", "%s's route to %s over %s hides next hop %s over %s", x.name, best.prefix, best.link, h.Via, h.Link)
	}
	return h
}

// ipv6Route is an IPv6 route of a node with one of its next hops.
type ipv6Route struct {
	prefix  netip.Prefix
	metric  uint32
	link    string
	gateway bool
}

// ipv6Table are the IPv6 routes of a node that lead to links, those of its addresses included.
func (x *node) ipv6Table() []ipv6Route {
	table := connectedIPv6(nil, state.Loopback, x.loopbacks)
	for _, e := range x.ends {
		if e.up() {
			table = connectedIPv6(table, e.iface, e.addresses)
		}
	}
	for key, route := range x.routes {
		for _, h := range route.NextHops() {
			if key.Prefix.Addr().Is6() {
				table = append(table, ipv6Route{key.Prefix, key.Metric, h.Link, h.Via.IsValid()})
			}
		}
	}
	return table
}

func connectedIPv6(table []ipv6Route, link string, addresses []netip.Prefix) []ipv6Route {
	for _, p := range addresses {
		if p.Addr().Is6() {
			table = append(table, ipv6Route{prefix: p.Masked(), metric: state.PrefixMetric6, link: link})
		}
	}
	return table
}

// bestIPv6Route is the route that the kernel finds for a gateway: the longest, then the one with the lowest
// metric, then one over the gateway's link. With a link, only routes over it count. Of equal ones, one with
// a gateway counts, for the kernel may find either.
func bestIPv6Route(table []ipv6Route, h state.NextHop, link string) (best ipv6Route) {
	for _, r := range table {
		if (link == "" || r.link == link) && r.prefix.Contains(h.Via) && (!best.prefix.IsValid() || r.rank(h).compare(best.rank(h)) > 0) {
			best = r
		}
	}
	return best
}

// rank orders routes to one address.
type rank [4]int

func (a rank) compare(b rank) int { return slices.Compare(a[:], b[:]) }

func (r ipv6Route) rank(h state.NextHop) rank {
	order := rank{r.prefix.Bits(), -int(r.metric)}
	if r.link == h.Link {
		order[2] = 1
	}
	if r.gateway {
		order[3] = 1
	}
	return order
}
