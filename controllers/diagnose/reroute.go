// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// remedy is a change of a node's routes, and the next hop of a packet after it.
type remedy struct {
	fix  string
	link string
	via  netip.Addr
}

// progress is how far a packet gets after a change of routes.
type progress int

const (
	// stays: the packet does not leave the node, or comes back to it.
	stays progress = iota
	// goesOn: the packet leaves the node and is stopped further on.
	goesOn
	arrives
)

// reroute is the fix at a node that sends packets to a wrong next hop: the first change of its routes after
// which they arrive, else the first after which they get farther than the node. A change that does neither is
// no fix: the next one would take it back.
func (w walker) reroute(ctx context.Context, p packet, namespace string, decision state.ForwardingDecision) (fix string, how progress) {
	fix, how = w.undoDrift(ctx, p, namespace, decision)
	if other, ahead := w.shortcut(ctx, p, namespace, decision); ahead > how {
		return other, ahead
	}
	return fix, how
}

// undoDrift is the fix at a node whose next hop is not the one that the lab wants.
func (w walker) undoDrift(ctx context.Context, p packet, namespace string, decision state.ForwardingDecision) (fix string, how progress) {
	fix, ok := w.offPath(ctx, namespace, p.destination, decision)
	if !ok {
		return "", stays
	}
	for _, h := range w.wantedHops(namespace, p.destination) {
		how = max(how, w.progressOf(ctx, p, namespace, remedy{fix, h.Link, h.Via}))
	}
	return fix, how
}

// shortcut is the fix at a node whose next hop is not the first neighbour of the shortest path.
func (w walker) shortcut(ctx context.Context, p packet, namespace string, decision state.ForwardingDecision) (fix string, how progress) {
	path, ok := w.path(namespace, p.destination, nothing)
	if !ok || len(path) == 0 {
		return "", stays
	}
	next, met := w.over(ctx, state.LinkID{Namespace: namespace, Name: decision.Link}, decision.Via, p.destination)
	if met && w.isNearer(next.namespace, path, p.destination) {
		return "", stays
	}
	r, ok := w.rightWay(ctx, path[0], p.destination, decision)
	if !ok || r.link == decision.Link && r.via == decision.Via {
		return "", stays
	}
	return r.fix, w.progressOf(ctx, p, namespace, r)
}

// wantedHops are the next hops to an address that the lab wants at a node; without a lab, those of its routes.
func (w walker) wantedHops(namespace string, to netip.Addr) []state.NextHop {
	s := w.want()
	if s == nil {
		s = w.State
	}
	id, route, routed := bestRoute(s, namespace, to)
	for address := range s[namespace].Addresses {
		if address.Prefix.Contains(to) && (!routed || address.Prefix.Bits() >= id.Prefix.Bits()) {
			return []state.NextHop{{Link: address.Link}}
		}
	}
	return route.NextHops()
}

// progressOf follows a packet from a node over the next hop of a change.
func (w walker) progressOf(ctx context.Context, p packet, from string, r remedy) progress {
	at, ok := w.over(ctx, state.LinkID{Namespace: from, Name: r.link}, r.via, p.destination)
	if !ok {
		return stays
	}
	been := map[string]bool{from: true}
	for !been[at.namespace] {
		been[at.namespace] = true
		d, err := w.kernel.LookupRoute(ctx, state.ForwardingQuery{Namespace: at.namespace, Incoming: at.incoming, Source: p.source, Destination: p.destination})
		switch {
		case err == nil && d.Verdict == state.DeliverLocally:
			return arrives
		case err == nil && d.Verdict == state.NotForwarded && len(been) == 2: // as bad a gateway
			return stays
		case err != nil || d.Verdict != state.Forward:
			return goesOn
		}
		if at, ok = w.over(ctx, state.LinkID{Namespace: at.namespace, Name: d.Link}, d.Via, p.destination); !ok {
			return goesOn
		}
	}
	if at.namespace == from {
		return stays
	}
	return goesOn
}

// over is where packets arrive that leave through a link for a next hop.
func (w walker) over(ctx context.Context, out state.LinkID, via, to netip.Addr) (ingress, bool) {
	if !via.IsValid() {
		via = to
	}
	l, ok := w.answering(ctx, netip.Addr{}, newFlood(w.view, 0, nothing).from(out), via)
	return ingress{l.in.Namespace, l.in.Name}, ok
}

// rightWay is the change by which a node sends packets to the first neighbour of the shortest path: no route
// if the address is on that neighbour's link; another gateway of the route that it has, or a route of its own
// for the subnet of the address, so that other packets keep their way.
func (w walker) rightWay(ctx context.Context, first neighbour, to netip.Addr, decision state.ForwardingDecision) (r remedy, ok bool) {
	node := state.NodeOf(first.out.Namespace)
	route, found := w.usedRoute(ctx, first.out.Namespace, to, decision)
	if w.has(first.in.Namespace, to) && w.onSubnet(first.out, to) {
		if !decision.Via.IsValid() && decision.Link == first.out.Name {
			return r, false
		}
		connected := w.connectedFirst(first.out, to)
		if connected && !found { // a policy rule decides
			return r, false
		}
		if connected {
			return remedy{route.removal(node), first.out.Name, netip.Addr{}}, true
		}
		return remedy{w.hostRoute(first, to), first.out.Name, netip.Addr{}}, true
	}
	via, ok := w.gatewayOn(first, to)
	if !ok {
		return r, false
	}
	subnet := w.subnetOf(to)
	if found && (route.prefix.Bits() >= subnet.Bits() || !w.forwards(decision.Via)) {
		return remedy{w.otherGateway(route, first, via, to), first.out.Name, via}, true
	}
	return remedy{w.routeFixTo("add", subnet.String(), first, via, to), first.out.Name, via}, true
}

// forwards reports whether an address is that of a node that forwards.
func (v view) forwards(gateway netip.Addr) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(v.owners[gateway])), func(namespace string) bool { return v.isRouter(namespace, gateway) })
}

// holds reports whether any node has an address.
func (v view) holds(address netip.Addr) bool { return len(v.owners[address]) > 0 }

// connectedFirst reports whether a node without routes would send packets for an address over an interface: no
// other interface has a prefix that covers the address and is as long.
func (v view) connectedFirst(out state.LinkID, to netip.Addr) bool {
	longest := -1
	for _, p := range v.addresses[out] {
		if p.Contains(to) {
			longest = max(longest, p.Bits())
		}
	}
	for _, id := range v.links[out.Namespace] {
		for _, p := range v.addresses[id] {
			if id != out && v.carries(id) && p.Contains(to) && p.Bits() >= longest {
				return false
			}
		}
	}
	return true
}

// hostRoute is the fix if a node has two links with prefixes that cover an address, and takes the wrong one.
func (v view) hostRoute(l neighbour, to netip.Addr) string {
	node := state.NodeOf(l.out.Namespace)
	return fit(fmt.Sprintf("in the spec, give each link of %s a subnet of its own, or add to %s routes: [{to: %q, link: %s}]", node, node, host(to), l.out.Name),
		fmt.Sprintf("ip -n %s route replace %s dev %s", l.out.Namespace, host(to), l.out.Name))
}

// routeUsed is the route by which a node makes a decision, and the command that deletes it.
type routeUsed struct {
	prefix netip.Prefix
	metric uint32
	delete string
	// unmanaged: the spec does not have it.
	unmanaged bool
	// several: the node has routes to the prefix that differ in their metrics.
	several bool
}

// name tells the route from others of the node.
func (r routeUsed) name() string {
	usual := r.metric == 0 || r.prefix.Addr().Is6() && r.metric == state.DefaultIPv6Metric
	switch {
	case !r.several:
		return prefixName(r.prefix)
	case usual:
		return prefixName(r.prefix) + " without a metric"
	}
	return fmt.Sprintf("%s with metric %d", prefixName(r.prefix), r.metric)
}

// hasOtherMetric reports whether a node has a route to the same prefix with another metric.
func (v view) hasOtherMetric(id state.RouteID) bool {
	for key := range v.State[id.Namespace].Routes {
		if key.Prefix == id.Prefix && key.Metric != id.Metric {
			return true
		}
	}
	return false
}

// removal is the fix that removes the route.
func (r routeUsed) removal(node string) string {
	if r.unmanaged {
		return fit("undo it unless it is intended", r.delete)
	}
	return fit(fmt.Sprintf("in the spec, remove the route to %s from %s", r.name(), node), r.delete)
}

// usedRoute is the route by which a node makes a decision: one of the lab's, or a more specific unmanaged one.
func (w walker) usedRoute(ctx context.Context, namespace string, to netip.Addr, decision state.ForwardingDecision) (routeUsed, bool) {
	id, route, found := bestRoute(w.State, namespace, to)
	other, foreign := w.unmanagedRoute(ctx, namespace, to, "unicast")
	if foreign && (!found || precedes(other.Route, id.RouteKey)) {
		return routeUsed{prefix: other.Route.Prefix, metric: other.Route.Metric, delete: other.Undo, unmanaged: true}, true
	}
	if !found || !decision.Via.IsValid() && decision.Link != "" && len(route.NextHops()) > 0 && route.NextHops()[0].Via.IsValid() {
		return routeUsed{}, false
	}
	command := state.DeleteRoute{RouteID: id, Protocol: route.Protocol}.String()
	return routeUsed{prefix: id.Prefix, metric: id.Metric, delete: command, several: w.hasOtherMetric(id)}, true
}

// precedes reports whether an unmanaged route comes before one of the lab's: by a longer prefix, or a lower metric.
func precedes(r state.UnmanagedRoute, than state.RouteKey) bool {
	return r.Prefix.Bits() > than.Prefix.Bits() || r.Prefix == than.Prefix && r.Metric < than.Metric
}

// otherGateway is the fix that replaces the gateway of a route.
func (v view) otherGateway(route routeUsed, first neighbour, via, to netip.Addr) string {
	if usual := to.Is6() && route.metric == state.DefaultIPv6Metric; route.unmanaged && (usual || route.metric == 0) {
		return v.routeFixTo("replace", prefixName(route.prefix), first, via, to)
	}
	if route.unmanaged {
		return route.removal("")
	}
	node, hops := state.NodeOf(first.out.Namespace), v.viaInSpec(first, via, to)
	command := fmt.Sprintf("ip -n %s route replace %s", first.out.Namespace, v.hop(first.out, via, to, prefixName(route.prefix)))
	if usual := to.Is6() && route.metric == state.DefaultIPv6Metric; route.metric != 0 && !usual {
		command += fmt.Sprintf(" metric %d", route.metric)
	}
	return fit(fmt.Sprintf("in the spec, set %s in the route to %s of %s", hops, route.name(), node), command)
}

// subnetOf is the shortest prefix with which a node has an address, else the address alone.
func (v view) subnetOf(address netip.Addr) netip.Prefix {
	subnet := host(address)
	for id := range v.State.Addresses() {
		if id.Prefix.Addr() == address && id.Prefix.Bits() < subnet.Bits() {
			subnet = id.Prefix.Masked()
		}
	}
	return subnet
}
