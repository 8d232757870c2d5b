// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// offPath is the fix if a node sends packets on another path than the lab wants: a connected or static route
// is missing, or an unmanaged route is more specific.
func (w walker) offPath(ctx context.Context, namespace string, to netip.Addr, decision state.ForwardingDecision) (fix string, ok bool) {
	if w.asWanted(namespace, to, decision) {
		return "", false
	}
	covers := func(p netip.Prefix) bool { return p.Contains(to) }
	if op, ok := w.unwantedAddress(namespace, covers); ok && !decision.Via.IsValid() {
		return w.drifted(op), true
	}
	if op, ok := w.plannedAddress(namespace, to, covers); ok {
		return w.drifted(op), true
	}
	if lost, ok := w.lostPrefix(namespace, to); ok {
		return w.drifted(state.AddPrefixRoute{AddressID: lost}), true
	}
	if fix, ok := w.lostRoute(namespace, to); ok {
		return fix, true
	}
	best, _, _ := bestRoute(w.State, namespace, to)
	if route, ok := w.unmanagedRoute(ctx, namespace, to, "unicast"); ok && (best.Namespace == "" || !best.Prefix.IsValid() || precedes(route.Route, best.RouteKey)) {
		return undo(route), true
	}
	return "", false
}

// asWanted reports whether a node's forwarding decision is the one that the lab wants.
func (w walker) asWanted(namespace string, to netip.Addr, decision state.ForwardingDecision) bool {
	if w.lab == nil {
		return false
	}
	id, route, routed := bestRoute(w.lab.Want, namespace, to)
	for address := range w.lab.Want[namespace].Addresses {
		if address.Prefix.Contains(to) && address.Prefix.Bits() >= id.Prefix.Bits() {
			return address.Link == decision.Link && !decision.Via.IsValid()
		}
	}
	hops := route.NextHops()
	return routed && slices.ContainsFunc(hops, func(h state.NextHop) bool { return h.Link == decision.Link && h.Via == decision.Via })
}

// unmanagedRoute is the best unmanaged route of a type to an address.
func (w walker) unmanagedRoute(ctx context.Context, namespace string, to netip.Addr, kind string) (best state.Unmanaged, ok bool) {
	found, err := w.kernel.Unmanaged(ctx, namespace)
	if err != nil {
		return best, false
	}
	for _, i := range found {
		r := i.Route
		if r.Type == kind && r.Prefix.Contains(to) && (!ok || precedes(r, state.RouteKey{Prefix: best.Route.Prefix, Metric: best.Route.Metric})) {
			best, ok = i, true
		}
	}
	return best, ok
}
