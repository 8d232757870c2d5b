// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// cross takes a packet over the segment of the outgoing link to the interface that answers for the next hop,
// or returns the cause that stops it.
func (w walker) cross(ctx context.Context, p packet, at ingress, decision state.ForwardingDecision) (neighbour, Cause) {
	out := state.LinkID{Namespace: at.namespace, Name: decision.Link}
	stopped := neighbour{out: out}
	if !w.leadsOn(out) {
		return stopped, w.leavesLab(ctx, p, out, decision)
	}
	if decision.Via.IsValid() && w.has(out.Namespace, decision.Via) {
		return stopped, w.ownGateway(p, out.Namespace, decision.Via)
	}
	if stopped.obstacle = w.departure(p, out); stopped.obstacle.kind != nothing {
		return stopped, w.stops(p, stopped)
	}
	length, wanted := min(p.size, w.link(out).MTU), nextHop(p, decision)
	neighbours := newFlood(w.view, length, nothing).from(out)
	if l, cause, ok := w.byEntry(ctx, out, wanted, neighbours); ok {
		return l, cause
	}
	if l, ok := w.answering(ctx, p.source, neighbours, wanted); ok {
		return l, cmp.Or(w.withoutARP(l, wanted), w.noLinkLocal(p, l, wanted))
	}
	for _, lifted := range []obstacleKind{isHeld, isDown, isNoPort, isTooSmall, isOtherVLAN, isBlocked, repairable, all} {
		if l, ok := w.answering(ctx, p.source, newFlood(w.view, length, lifted).from(out), wanted); ok {
			return w.stoppedAt(p, l, wanted)
		}
	}
	return stopped, cmp.Or(w.noProxy(ctx, p, out, decision, neighbours), w.noHolder(p, out, decision, neighbours))
}

// ownGateway is the cause if a node has the address of its gateway. It sends such frames to itself (arp_constructor).
func (w walker) ownGateway(p packet, namespace string, gateway netip.Addr) Cause {
	node := state.NodeOf(namespace)
	return Cause{
		Reason:  v1alpha1.ReasonDuplicateAddress,
		Node:    node,
		Message: fmt.Sprintf("the gateway of %s for %s is %s, which is also an address of %s itself", node, p.destination, gateway, node),
		Fix:     w.withoutAddress(namespace, gateway, fmt.Sprintf("in the spec, give %s an address that its gateway does not have", node)),
	}
}

// departure is the obstacle between an interface and the other end of its veth pair, whatever is behind that.
func (w walker) departure(p packet, out state.LinkID) obstacle {
	cable := out
	if link := w.link(out); link.Kind == state.VLANLink {
		cable.Name = link.Parent
	}
	link, peer := w.link(out), w.link(cable).Peer
	switch {
	case !w.carries(out):
		return obstacle{isDown, w.downEnd(out)}
	case p.oneWhole && p.size > link.MTU:
		return obstacle{isTooSmall, out}
	case w.isCable(cable) && min(p.size, link.MTU) > w.link(peer).MTU+vlanHeader:
		return obstacle{isTooSmall, peer}
	}
	return obstacle{}
}

// answering is the neighbour that answers for an address: an interface that has the address comes before one
// whose node has it on another interface, and these before proxies.
func (w walker) answering(ctx context.Context, asker netip.Addr, neighbours []neighbour, address netip.Addr) (best neighbour, ok bool) {
	for _, l := range neighbours {
		if !w.answersFor(l, address) {
			continue
		}
		if w.linkHas(l.in, address) {
			return l, true
		}
		if !ok {
			best, ok = l, true
		}
	}
	if ok {
		return best, true
	}
	i := slices.IndexFunc(neighbours, func(l neighbour) bool { return w.isProxy(ctx, asker, l, address) })
	if i < 0 {
		return best, false
	}
	return neighbours[i], true
}

// stoppedAt is a neighbour whose path ends at its obstacle, and the cause. Without an obstacle the cause is
// the VLAN.
func (w walker) stoppedAt(p packet, l neighbour, wanted netip.Addr) (neighbour, Cause) {
	if l.obstacle.kind == nothing {
		return w.otherVLAN(p, l, wanted)
	}
	return l, w.stops(p, l)
}

// stops is the cause for an obstacle.
func (w walker) stops(p packet, l neighbour) Cause {
	at, where := l.obstacle.at, fmt.Sprintf(", on the path from %s to %s", state.NodeOf(l.out.Namespace), p.destination)
	switch l.obstacle.kind {
	case isDown:
		return w.linkDown(at, where)
	case isTooSmall:
		return w.tooBig(p, at)
	case isHeld:
		return w.heldPort(at)
	case isBlocked:
		return w.blockedPort(at, where)
	case isNoPort, isOtherVLAN, nothing, repairable, all:
	}
	return w.noPort(at, where)
}

// heldPort is the cause if STP has not converged on a port, or has yet to open it.
func (w walker) heldPort(port state.LinkID) Cause {
	node := state.NodeOf(port.Namespace)
	return Cause{
		Reason:  v1alpha1.ReasonSpanningTree,
		Node:    node,
		Message: fmt.Sprintf("%s %s of %s", w.held[port], port.Name, node),
		Fix:     w.heldFix(port, "wait: STP takes up to 10 seconds to converge after a change"),
	}
}

// blockedPort is the cause if a port does not forward and no spanning tree is about to change that.
func (w walker) blockedPort(port state.LinkID, where string) Cause {
	node := state.NodeOf(port.Namespace)
	return Cause{
		Reason:  v1alpha1.ReasonSpanningTree,
		Node:    node,
		Message: fmt.Sprintf("port %s of %s is blocked%s", port.Name, node, where),
		Fix:     w.heldFix(port, fmt.Sprintf("inspect the port: bridge -n %s -d link show dev %s", port.Namespace, port.Device())),
	}
}

// heldFix takes back what keeps a port from forwarding, if the plan does.
func (w walker) heldFix(port state.LinkID, otherwise string) string {
	op, ok := planned(w.view, func(o state.ResetAttribute) bool { return o.Namespace == port.Namespace && o.Link == port.Name })
	if !ok {
		return otherwise
	}
	return w.drifted(op)
}

// Converging is the cause while a spanning tree converges anywhere in a lab, the zero Cause if none does.
func Converging(see state.Observation) Cause {
	w := walker{view: look(see, Question{})}
	for _, port := range see.Converging() {
		if w.held[port] != "" {
			return w.heldPort(port)
		}
	}
	return Cause{}
}

// noPort is the cause if an interface of a switch is not a port of its bridge.
func (w walker) noPort(id state.LinkID, where string) Cause {
	node, bridge := state.NodeOf(id.Namespace), w.bridges[id.Namespace]
	return Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: fmt.Sprintf("interface %s of %s is not a port of bridge %s%s", id.Name, node, bridge.Name, where),
		Fix:     fit(drift, fmt.Sprintf("ip -n %s link set %s master %s", id.Namespace, id.Device(), bridge.Name)),
	}
}

// leavesLab is the cause if a node sends packets out of an interface of others: by a route of others, or by the prefix of an
// address of that interface.
func (w walker) leavesLab(ctx context.Context, p packet, out state.LinkID, decision state.ForwardingDecision) Cause {
	node := state.NodeOf(out.Namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: fmt.Sprintf("%s sends packets to %s out of interface %s, which leads to no node of the lab", node, p.destination, out.Name),
		Fix:     fmt.Sprintf("inspect the interface: ip -n %s link show %s", out.Namespace, out.Device()),
	}
	if fix, ok := w.offPath(ctx, out.Namespace, p.destination, decision); ok {
		cause.Fix = fix
	}
	return cause
}

// linkDown names the end that is down. A veth has a carrier only while both ends are up.
func (w walker) linkDown(id state.LinkID, where string) Cause {
	node := state.NodeOf(id.Namespace)
	up := state.SetAdmin{LinkID: id, Up: true}
	cause := Cause{
		Reason:  v1alpha1.ReasonLinkDown,
		Node:    node,
		Message: fmt.Sprintf("interface %s of %s is down%s", id.Name, node, where),
		Fix:     fit("in the spec, set state: Up on its link", command(up)),
	}
	_, isPlanned := planned(w.view, func(o state.SetAdmin) bool { return o == up })
	switch {
	case isPlanned || id.Name == state.Loopback || w.isBridge(id):
		cause.Fix = w.drifted(up)
	case w.link(id).Up:
		cause.Message = fmt.Sprintf("interface %s of %s has no carrier%s", id.Name, node, where)
		cause.Fix = "set the other end of its link up"
	}
	return cause
}

// vlanHeader is what a veth accepts in addition to its MTU (is_skb_forwardable).
const vlanHeader = 4

// tooBig names an interface whose MTU is too small, or the other end of its link if its MTU is smaller.
func (w walker) tooBig(p packet, end state.LinkID) Cause {
	if peer := w.link(end).Peer; w.isCable(end) && w.link(peer).MTU < w.link(end).MTU {
		end = peer
	}
	node, limit := state.NodeOf(end.Namespace), w.link(end).MTU
	fix := fit(fmt.Sprintf("in the spec, set mtu: %d on its link and no smaller mtu at either end, or reduce sizeBytes", p.size),
		command(state.SetMTU{LinkID: end, MTU: p.size}))
	if op, ok := planned(w.view, func(o state.SetMTU) bool { return o.LinkID == end && o.MTU >= p.size }); ok {
		fix = w.drifted(op)
	}
	return Cause{
		Reason:  v1alpha1.ReasonMessageTooBig,
		Node:    node,
		Message: fmt.Sprintf("packets of %d bytes to %s exceed the MTU of interface %s of %s (%d)", p.size, p.destination, end.Name, node, limit),
		Fix:     fix,
	}
}

// staleMTU is the cause if every link is large enough and the sender's kernel still has a smaller path MTU in
// its route cache. It expires only after ten minutes.
func (w walker) staleMTU(ctx context.Context, request trace) Cause {
	first := request.hops[0].Decision
	if first.MTU == 0 || request.size <= first.MTU {
		return Cause{}
	}
	if first.RouteMTU == first.MTU {
		return w.smallRoute(ctx, request)
	}
	node, command := state.NodeOf(request.start), "ip -n %s route flush cache" // of IPv4
	if request.destination.Is6() {
		command = "ip -6 -n %s route flush cache"
	}
	cause := Cause{
		Reason:  v1alpha1.ReasonMessageTooBig,
		Node:    node,
		Message: fmt.Sprintf("packets of %d bytes to %s exceed the path MTU in the route cache of %s (%d)", request.size, request.destination, node, first.MTU),
		Fix:     fmt.Sprintf(command, request.start),
	}
	if fix, ok := w.renewed(request.start, first); ok && request.destination.Is6() {
		cause.Fix = fix
	}
	return cause
}

// smallRoute is the cause if the sender's route has an MTU that is too small. No lab has such a route.
func (w walker) smallRoute(ctx context.Context, request trace) Cause {
	node := state.NodeOf(request.start)
	route, fix := w.metricOfRoute(ctx, request)
	return Cause{
		Reason:  v1alpha1.ReasonMessageTooBig,
		Node:    node,
		Message: fmt.Sprintf("packets of %d bytes to %s exceed the MTU of %s in %s (%d)", request.size, request.destination, route, node, request.decisionAt(0).MTU),
		Fix:     fix,
	}
}

// renewed is the fix that drops the path MTUs of a multipath route. IPv6 lists those of the first leg only
// (rt6_dump_route), so that flushing the cache leaves the others.
func (w walker) renewed(namespace string, decision state.ForwardingDecision) (fix string, ok bool) {
	for key, route := range w.State[namespace].Routes {
		if len(decision.Legs) > 0 && key.Prefix == decision.Route && len(route.NextHops()) > 1 {
			fix = command(state.ReplaceRoute{RouteID: state.RouteID{Namespace: namespace, RouteKey: key}, Route: route})
			return fix, utf8.RuneCountInString(fix) <= maxText
		}
	}
	return "", false
}

// nextHop is the address that must be resolved on the link.
func nextHop(p packet, decision state.ForwardingDecision) netip.Addr {
	if decision.Via.IsValid() {
		return decision.Via
	}
	return p.destination
}

// answersFor reports whether ARP or neighbour discovery resolves an address to a neighbour that has it. IPv6
// answers for the interface's own addresses; IPv4 for all of the node's unless arp_ignore is set.
func (w walker) answersFor(l neighbour, address netip.Addr) bool {
	id := l.in
	switch {
	case address.Is6():
		return w.linkHas(id, address)
	case !w.has(id.Namespace, address):
		return false
	}
	switch ignore := w.strictest(id, state.AllARPIgnore, state.ARPIgnore).value.Number(); ignore {
	case 8:
		return false
	case 2: // only senders in the subnet of the address (inet_confirm_addr)
		asker := w.sourceOn(l.out, address)
		return slices.ContainsFunc(w.addresses[id], func(p netip.Prefix) bool { return p.Addr() == address && p.Contains(asker) })
	case 1:
		return w.linkHas(id, address)
	}
	return true
}
