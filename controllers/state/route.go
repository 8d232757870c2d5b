// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unique"
)

// RouteProtocol is the routing protocol number of every route NetLab installs.
const RouteProtocol = 78

// DefaultIPv6Metric is what the kernel makes of an IPv6 route without a metric.
const DefaultIPv6Metric = 1024

// PrefixMetric6 is what the kernel gives an IPv6 route that it makes with an address.
const PrefixMetric6 = 256

// MaxNextHops is how many next hops a route of a lab can have.
const MaxNextHops = 4

// RouteKey names a route of a namespace's main table: the kernel keeps one per destination and metric.
type RouteKey struct {
	Prefix netip.Prefix
	Metric uint32
}

func (k RouteKey) compare(o RouteKey) int {
	if order := ComparePrefixes(k.Prefix, o.Prefix); order != 0 {
		return order
	}
	return cmp.Compare(k.Metric, o.Metric)
}

// RouteID names a route on a machine.
type RouteID struct {
	Namespace string
	RouteKey
}

// Namespaces implements Op.
func (id RouteID) Namespaces() []string { return []string{id.Namespace} }

// RouteType is what the kernel does with a packet that matches.
type RouteType uint8

// The route types of rtnetlink(7) that a lab can hold.
const (
	Unicast RouteType = iota
	Blackhole
	Unreachable
	Prohibit
	// OtherType is any type that a lab never asks for.
	OtherType
)

var routeTypeNames = [...]string{"", "blackhole", "unreachable", "prohibit", "other"}

// String is how ip route writes the type; empty for unicast.
func (t RouteType) String() string { return routeTypeNames[t] }

// Route is where packets for a destination go.
type Route struct {
	Type RouteType
	// Source is the preferred source address; the zero Addr where the kernel chooses.
	Source netip.Addr
	// Hops are those in use.
	Hops NextHopGroup
	// MoreHops counts next hops beyond MaxNextHops, which no plan adds.
	MoreHops int
	// Protocol is RouteProtocol for ours.
	Protocol uint8
}

// NextHops returns the next hops in use.
func (r Route) NextHops() []NextHop {
	if r.Hops == (NextHopGroup{}) {
		return nil
	}
	hops := r.Hops.hops.Value()
	used := 0
	for used < len(hops) && hops[used] != (NextHop{}) {
		used++
	}
	return hops[:used]
}

func (r Route) onLink(link string) bool {
	return slices.ContainsFunc(r.NextHops(), func(h NextHop) bool { return h.Link == link })
}

// NextHop is one of the ways that a route has.
type NextHop struct {
	Link string
	// Via is the gateway; the zero Addr for a destination on the link itself. An IPv6 one
	// under an IPv4 destination is legal (RFC 8950).
	Via netip.Addr
	// Weight is 1 unless the next hop gets more than its share.
	Weight int
	// OnLink says that the gateway is on the link though no prefix of the interface says so.
	OnLink bool
}

// NextHopGroup is up to MaxNextHops next hops in canonical order; the zero one has none. A large lab has a hundred
// routes for each group: equal groups share their memory, and comparing two is comparing pointers.
type NextHopGroup struct {
	hops unique.Handle[[MaxNextHops]NextHop]
}

// GroupOf returns at most MaxNextHops next hops in canonical order: by link, then gateway, then weight.
func GroupOf(hops ...NextHop) (group NextHopGroup, more int) {
	if len(hops) == 0 {
		return NextHopGroup{}, 0
	}
	if len(hops) > 1 {
		hops = slices.Clone(hops)
		slices.SortFunc(hops, func(a, b NextHop) int {
			return cmp.Or(cmp.Compare(a.Link, b.Link), a.Via.Compare(b.Via), cmp.Compare(a.Weight, b.Weight))
		})
	}
	var sorted [MaxNextHops]NextHop
	n := copy(sorted[:], hops)
	return NextHopGroup{unique.Make(sorted)}, len(hops) - n
}

func dumpRoute(namespace string, k RouteKey, r Route) string {
	return fmt.Sprintf("route %s %s more=%d\n", namespace, routeText(k, r), r.MoreHops)
}

// ReplaceRoute installs a route whether or not there is one for its destination and metric.
type ReplaceRoute struct {
	RouteID
	Route
}

// DeleteRoute removes a route.
type DeleteRoute struct {
	RouteID
	// Protocol is the observed one, so that no other route can be meant.
	Protocol uint8
}

// DeleteNextHop removes one next hop of an IPv6 route, and the route with its last one. IPv6 keeps each next hop as a
// route of its own: the others carry packets meanwhile. The kernel lists a route that somebody appends as a next hop of
// the first, under the protocol of the first.
type DeleteNextHop struct {
	RouteID
	NextHop
}

// String has ip route show's own order: attributes of the whole route come before its
// next hops when there are several, because ip route reads everything behind the first nexthop as theirs.
func (o ReplaceRoute) String() string {
	return fmt.Sprintf("ip -n %s route replace %s", o.Namespace, routeText(o.RouteKey, o.Route))
}

// String names IPv6's metric whatever it is: without one, any route to the destination fits.
func (o DeleteRoute) String() string {
	text := fmt.Sprintf("ip -n %s route delete %s proto %d", o.Namespace, Destination(o.Prefix), o.Protocol)
	if o.Metric != 0 {
		text += fmt.Sprintf(" metric %d", o.Metric)
	}
	return text
}

// String names the metric, because without one any route to the destination fits.
func (o DeleteNextHop) String() string {
	return fmt.Sprintf("ip -n %s route delete %s %s metric %d", o.Namespace, Destination(o.Prefix), o.text(o.Prefix), o.Metric)
}

func routeText(id RouteKey, r Route) string {
	hops := r.NextHops()
	words := []string{Destination(id.Prefix)}
	switch {
	case r.Type != Unicast:
		words = []string{r.Type.String(), Destination(id.Prefix)}
	case slices.ContainsFunc(hops, func(h NextHop) bool { return h.Via.Is6() }):
		// "default" through an IPv6 gateway is IPv6's, whatever else the line says.
		words = []string{id.Prefix.String()}
	}
	one := len(hops) == 1 && hops[0].Weight == 1
	if one {
		words = append(words, hops[0].text(id.Prefix))
	}
	words = append(words, fmt.Sprintf("proto %d", r.Protocol))
	if r.Source.IsValid() {
		words = append(words, "src "+r.Source.String())
	}
	if id.Metric != 0 && (id.Prefix.Addr().Is4() || id.Metric != DefaultIPv6Metric) {
		words = append(words, fmt.Sprintf("metric %d", id.Metric))
	}
	for _, h := range hops {
		if !one {
			words = append(words, fmt.Sprintf("nexthop %s weight %d", h.text(id.Prefix), h.Weight))
		}
	}
	return strings.Join(words, " ")
}

// Destination is a prefix as ip route writes it. The family of "default" is not in its
// name, so IPv6's is written out.
func Destination(p netip.Prefix) string {
	if p == netip.PrefixFrom(netip.IPv4Unspecified(), 0) {
		return "default"
	}
	return p.String()
}

// text is the next hop as ip route writes it; only a gateway of another family than the
// destination's says which it is.
func (h NextHop) text(destination netip.Prefix) string {
	onLink := ""
	if h.OnLink {
		onLink = " onlink"
	}
	switch {
	case !h.Via.IsValid():
		return "dev " + h.Link
	case h.Via.Is6() && destination.Addr().Is4():
		return fmt.Sprintf("via inet6 %s dev %s%s", h.Via, h.Link, onLink)
	}
	return fmt.Sprintf("via %s dev %s%s", h.Via, h.Link, onLink)
}

func (o ReplaceRoute) apply(m machine) { m.in(o.Namespace).Routes[o.RouteKey] = o.Route }
func (o DeleteRoute) apply(m machine)  { delete(m.in(o.Namespace).Routes, o.RouteKey) }

func (o DeleteNextHop) apply(m machine) {
	routes := m.in(o.Namespace).Routes
	rest := routes[o.RouteKey].without(o.NextHop)
	if len(rest.NextHops()) == 0 {
		delete(routes, o.RouteKey)
		return
	}
	routes[o.RouteKey] = rest
}

// without is the route without one of its next hops. The last one left has no weight.
func (r Route) without(hop NextHop) Route {
	hops := slices.DeleteFunc(slices.Clone(r.NextHops()), func(h NextHop) bool { return h == hop })
	if len(hops) == 1 {
		hops[0].Weight = 1
	}
	r.Hops, _ = GroupOf(hops...)
	return r
}

// unwantedHops are the next hops without which an IPv6 route is as wanted; none if there are no such.
func unwantedHops(id RouteID, now, want Route) (hops []NextHop) {
	if id.Prefix.Addr().Is4() {
		return nil
	}
	for _, hop := range now.NextHops() {
		if hop.Via.IsValid() && !slices.Contains(want.NextHops(), hop) {
			hops = append(hops, hop)
			now = now.without(hop)
		}
	}
	if now != want {
		return nil
	}
	return hops
}

// replaceRoute writes a route, or deletes the next hops that it has beside the wanted ones.
func replaceRoute(id RouteID, now, want Route) (ops []Op) {
	for _, hop := range unwantedHops(id, now, want) {
		ops = append(ops, DeleteNextHop{id, hop})
	}
	if len(ops) == 0 {
		ops = append(ops, ReplaceRoute{id, want})
	}
	return ops
}

// dropRoutes removes routes with a next hop on the link. An IPv6 route with several next hops loses
// only that one in the kernel; it is removed here all the same, so that Diff writes it again.
func (n *Namespace) dropRoutes(link string, match func(netip.Prefix) bool) {
	maps.DeleteFunc(n.Routes, func(k RouteKey, r Route) bool {
		return match(k.Prefix) && (r.onLink(link) || link == Loopback && rejects6(k, r))
	})
}

// dropRoutesVia6 removes IPv4 routes whose gateway on the link is an IPv6 neighbour.
func (n *Namespace) dropRoutesVia6(link string) {
	maps.DeleteFunc(n.Routes, func(_ RouteKey, r Route) bool {
		return slices.ContainsFunc(r.NextHops(), func(h NextHop) bool { return h.Link == link && h.Via.Is6() })
	})
}

// rejects6 reports whether a route is one of IPv6's without next hops, which the kernel keeps
// on lo and removes when lo goes down or loses IPv6. IPv4's have no device.
func rejects6(k RouteKey, r Route) bool { return r.Type != Unicast && k.Prefix.Addr().Is6() }

func anyPrefix(netip.Prefix) bool { return true }

// deleteRoutes deletes what want lacks. A namespace that goes takes its routes along for certain.
func (d *differ) deleteRoutes() {
	d.each(func(p *played) {
		d.deleteRoutesOf(p, func(RouteKey, Route) bool { return true })
	})
}

// deleteRoutesOf deletes those that match of the routes that want lacks.
func (d *differ) deleteRoutesOf(p *played, match func(RouteKey, Route) bool) {
	if p.want == nil || !p.want.exists() {
		return
	}
	for _, key := range unwanted(p.now.Routes, p.want.Routes, RouteKey.compare) {
		if route := p.now.Routes[key]; match(key, route) {
			d.do(DeleteRoute{RouteID{p.name, key}, route.Protocol})
		}
	}
}

// toLink reports whether the destination is on a link.
func (r Route) toLink() bool {
	hops := r.NextHops()
	return r.Type == Unicast && (len(hops) == 0 || !hops[0].Via.IsValid())
}
