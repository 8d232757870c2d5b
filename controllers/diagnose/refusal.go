// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// refusal is the cause if a node's kernel neither forwards nor delivers the packet.
func (w walker) refusal(ctx context.Context, p packet, at ingress, decision state.ForwardingDecision) Cause {
	switch {
	case decision.Verdict == state.DeliverLocally:
		return Cause{}
	case p.destination.Is4() && w.has(at.namespace, p.destination) && decision.Verdict != state.Filtered:
		return w.notLocal(ctx, p, at)
	case decision.Verdict == state.Forward && !p.destination.Is6():
		return Cause{}
	case p.destination.Is6() && w.has(at.namespace, p.destination):
		return w.notAccepted(p, at)
	case decision.Verdict == state.Forward:
		return Cause{}
	}
	switch decision.Verdict {
	case state.NoRoute:
		return w.noRoute(ctx, p, at)
	case state.Prohibited:
		return w.routeRejects(ctx, p, at, state.Prohibit)
	case state.Filtered:
		return w.sourceFiltered(ctx, p, at)
	default:
		return w.ambiguous(ctx, p, at, decision.Verdict)
	}
}

// ambiguous distinguishes causes that the kernel reports with one errno, by a lookup of the route alone:
// without interface and source, neither forwarding nor filters apply.
func (w walker) ambiguous(ctx context.Context, p packet, at ingress, verdict state.ForwardingVerdict) Cause {
	route, err := w.kernel.LookupRoute(ctx, state.ForwardingQuery{Namespace: at.namespace, Destination: p.destination})
	switch {
	case err != nil:
		return unreadable(at, p, err)
	case verdict == state.NotForwarded && at.incoming != "" && w.forwarding(p, at).value == state.Off:
		return w.forwardingDisabled(p, at)
	case verdict == state.NotForwarded && route.Verdict == state.NotForwarded:
		return w.routeRejects(ctx, p, at, state.Unreachable)
	case verdict == state.NotForwarded:
		return w.forwardingDisabled(p, at)
	case route.Verdict == state.Discarded:
		return w.routeRejects(ctx, p, at, state.Blackhole)
	}
	return w.sourceFiltered(ctx, p, at)
}

// notLocal is the cause if a node has an IPv4 address and its kernel does not deliver packets for it: the route in
// the local table, which the kernel made with the address, is gone or another one comes first.
func (w walker) notLocal(ctx context.Context, p packet, at ingress) Cause {
	node := state.NodeOf(at.namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: fmt.Sprintf("%s does not deliver packets for its own address %s: the table local has no route to it, or another rule or route comes first", node, p.destination),
		Fix:     fmt.Sprintf("check whether it is intended: ip -n %s route show table local", at.namespace),
	}
	if id, fix, ok := w.altered(at.namespace, func(a netip.Prefix) bool { return a.Addr() == p.destination }); ok {
		cause.Message = fmt.Sprintf("%s does not deliver packets for its own address %s on interface %s: the address was altered, or its route in the table local deleted", node, p.destination, id.Link)
		cause.Fix = fix
	}
	query := state.ForwardingQuery{Namespace: at.namespace, Incoming: at.incoming, Source: p.source, Destination: p.destination}
	if policy, err := w.kernel.Policy(ctx, at.namespace); err == nil {
		if rule, _, ok := policy.Culprit(query); ok {
			cause.Message = shorten(fmt.Sprintf("%s does not deliver packets for its own address %s: it has %s", node, p.destination, rule.What))
			cause.Fix = undo(rule)
		}
	}
	return cause
}

// notAccepted is the cause if a node has an IPv6 address and its kernel does not accept packets for it: the
// interface is down, came up less than a second ago, duplicate address detection has failed, or the route in the local
// table is gone. No lab lists that route: the kernel makes it a while after the address.
func (w walker) notAccepted(p packet, at ingress) Cause {
	if down, ok := w.linkDownBefore(at.namespace, p.destination); ok {
		return w.linkDown(down, " and has address "+p.destination.String())
	}
	node := state.NodeOf(at.namespace)
	return Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: fmt.Sprintf("%s does not accept packets for its address %s: duplicate address detection is running or has failed, or its route in the table local was deleted", node, p.destination),
		Fix:     fmt.Sprintf("check for the flags tentative and dadfailed: ip -n %s address show to %s", at.namespace, p.destination),
	}
}

// noRoute is NetworkUnreachable for the request and NoReturnRoute for the reply, unless the route is missing
// because a link is down.
func (w walker) noRoute(ctx context.Context, p packet, at ingress) Cause {
	node := state.NodeOf(at.namespace)
	if down, ok := w.linkDownBefore(at.namespace, p.destination); ok {
		return w.linkDown(down, fmt.Sprintf(", on the path from %s to %s", node, p.destination))
	}
	why, fix := w.whyNoRoute(ctx, p, at)
	cause := Cause{
		Reason:  v1alpha1.ReasonNetworkUnreachable,
		Node:    node,
		Message: shorten(fmt.Sprintf("%s has no route to %s%s", node, p.destination, why)),
		Fix:     fix,
	}
	if p.isReply {
		cause.Reason = v1alpha1.ReasonNoReturnRoute
		cause.Message = shorten(fmt.Sprintf("%s has no route back to %s%s", node, p.destination, why))
	}
	return cause
}

// whyNoRoute continues the message with the reason. Drift and unmanaged objects come first: a route in the
// spec would only work around them.
func (w walker) whyNoRoute(ctx context.Context, p packet, at ingress) (why, fix string) {
	if why, fix, ok := w.cannotSend(at.namespace, p.destination); ok {
		return why, fix
	}
	if lost, ok := w.lostPrefix(at.namespace, p.destination); ok {
		return fmt.Sprintf(": the connected route of its interface %s is missing", lost.Link), w.drifted(state.AddPrefixRoute{AddressID: lost})
	}
	if why, fix, ok := w.hiddenGateway(ctx, at.namespace, p.destination); ok {
		return why, fix
	}
	if fix, ok := w.lostRoute(at.namespace, p.destination); ok {
		return "", fix
	}
	if route, ok := w.unmanagedRoute(ctx, at.namespace, p.destination, "throw"); ok {
		return ": " + route.What + ", ends the lookup", undo(route)
	}
	return w.missing(at.namespace, p.destination)
}

// hiddenGateway is a policy rule because of which a node does not reach the gateway that its route would have.
func (w walker) hiddenGateway(ctx context.Context, namespace string, to netip.Addr) (why, fix string, ok bool) {
	if _, route, ok := bestRoute(w.want(), namespace, to); ok {
		for _, h := range route.NextHops() {
			if why, fix, ok := w.ruleHides(ctx, state.ForwardingQuery{Namespace: namespace, Destination: h.Via, Outgoing: h.Link}); ok {
				return why, fix, true
			}
		}
	}
	path, reached := w.path(namespace, to, nothing)
	if !reached || len(path) == 0 {
		return "", "", false
	}
	via, _ := w.gatewayOn(path[0], to)
	return w.ruleHides(ctx, state.ForwardingQuery{Namespace: namespace, Destination: via})
}

// ruleHides is the policy rule because of which a look-up for a gateway fails. The kernel refuses routes via it
// (fib_check_nh).
func (w walker) ruleHides(ctx context.Context, gateway state.ForwardingQuery) (why, fix string, ok bool) {
	policy, err := w.kernel.Policy(ctx, gateway.Namespace)
	if err != nil || !gateway.Destination.IsValid() {
		return "", "", false
	}
	rule, without, ok := policy.Culprit(gateway)
	if !ok || without.Lookup(gateway).Verdict != state.Forward || policy.Lookup(gateway).Verdict == state.Forward {
		return "", "", false
	}
	return fmt.Sprintf(", and %s keeps it from its gateway %s", rule.What, gateway.Destination), undo(rule), true
}

// setting is a sysctl and its value.
type setting struct {
	key   state.SettingKey
	value state.Value
}

// forwarding is the setting that decides whether a node forwards a received packet: for IPv4 the interface's,
// for IPv6 the namespace's.
func (w walker) forwarding(p packet, at ingress) setting {
	if p.destination.Is6() {
		return w.setting(at.namespace, state.SettingKey{Setting: state.IPv6Forwarding})
	}
	all := w.setting(at.namespace, state.SettingKey{Setting: state.IPv4Forwarding})
	if all.value == state.Off {
		return all
	}
	return w.setting(at.namespace, state.SettingKey{Link: at.incoming, Setting: state.IPv4Forwarding})
}

func (w walker) forwardingDisabled(p packet, at ingress) Cause {
	node := state.NodeOf(at.namespace)
	family := familyName(p.destination)
	off := w.forwarding(p, at)
	cause := Cause{
		Reason:  v1alpha1.ReasonForwardingDisabled,
		Node:    node,
		Message: fmt.Sprintf("%s does not forward %s", node, family),
		Fix:     w.settingFix(at.namespace, w.forwardingInSpec(at.namespace), off.key, state.On),
	}
	if off.value == state.Off {
		cause.Message += fmt.Sprintf(": %s is 0", off.key)
	}
	return cause
}

// forwardingInSpec is what a spec says of a node that forwards.
func (w walker) forwardingInSpec(namespace string) string {
	node := state.NodeOf(namespace)
	if _, isSwitch := w.bridges[namespace]; isSwitch {
		return fmt.Sprintf("set forwarding: Enabled on switch %s", node)
	}
	return fmt.Sprintf("list %s under routers without forwarding: Disabled", node)
}

func (w walker) routeRejects(ctx context.Context, p packet, at ingress, kind state.RouteType) Cause {
	node := state.NodeOf(at.namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonRouteRejects,
		Node:    node,
		Message: fmt.Sprintf("%s has %s %s route for %s", node, article(kind), kind, p.destination),
		Fix:     fmt.Sprintf("remove the %s route from %s; find it with: %s", kind, node, listRoutes(at.namespace, p.destination, kind)),
	}
	if id, ok := w.rejecting(at.namespace, p.destination, kind); ok {
		prefix := prefixName(id.Prefix)
		cause.Message = fmt.Sprintf("%s rejects packets to %s: %s route for %s", node, p.destination, kind, prefix)
		cause.Fix = fit(fmt.Sprintf("in the spec, remove the %s route to %s from %s", kind, prefix, node),
			fmt.Sprintf("ip -n %s route delete %s %s", at.namespace, kind, id.Prefix))
		if fix, ok := w.otherRoute(id); ok {
			cause.Fix = fix
		}
		return cause
	}
	if route, ok := w.unmanagedRoute(ctx, at.namespace, p.destination, kind.String()); ok {
		cause.Message = shorten(fmt.Sprintf("%s rejects packets to %s: %s", node, p.destination, route.What))
		cause.Fix = undo(route)
	}
	return cause
}

// sendsToAll is the cause if a node's route for a node's address is one for broadcasts or multicasts.
func (w walker) sendsToAll(ctx context.Context, p packet, at ingress, decision state.ForwardingDecision) Cause {
	if !decision.Broadcast {
		return Cause{}
	}
	route, ok := w.localRoute(ctx, at.namespace, p.destination)
	if !ok {
		return Cause{}
	}
	node := state.NodeOf(at.namespace)
	return Cause{
		Reason:  v1alpha1.ReasonRouteRejects,
		Node:    node,
		Message: shorten(fmt.Sprintf("%s does not send a ping to %s: it has %s", node, p.destination, route.What)),
		Fix:     undo(route),
	}
}

// listRoutes is the command that lists a namespace's routes of a type. Without -6, ip lists IPv4 routes only.
func listRoutes(namespace string, like netip.Addr, kind state.RouteType) string {
	if like.Is6() {
		return fmt.Sprintf("ip -6 -n %s route show type %s", namespace, kind)
	}
	return fmt.Sprintf("ip -n %s route show type %s", namespace, kind)
}

func article(kind state.RouteType) string {
	if kind == state.Unreachable {
		return "an"
	}
	return "a"
}

// sourceFiltered is the cause if a node drops a packet because of its source address.
func (w walker) sourceFiltered(ctx context.Context, p packet, at ingress) Cause {
	if cause := w.localSource(ctx, p, at); cause.Found() {
		return cause
	}
	node := state.NodeOf(at.namespace)
	cause := Cause{Reason: v1alpha1.ReasonSourceFiltered, Node: node}
	filter := w.strictest(state.LinkID{Namespace: at.namespace, Name: at.incoming}, state.AllRPFilter, state.RPFilter)
	switch {
	case filter.value != state.Absent:
		cause.Message = fmt.Sprintf("%s drops packets from %s received on %s: its route back is over another interface, and %s is %s",
			node, p.source, at.incoming, filter.key, filter.value)
		cause.Fix = w.settingFix(at.namespace, fmt.Sprintf("give %s a route to %s over %s, or set %s: 0", node, p.source, at.incoming, filter.inSpec()), filter.key, state.Off)
	default:
		cause.Message = fmt.Sprintf("%s drops packets from %s received on %s because of their source address", node, p.source, at.incoming)
	}
	return cause
}

// strictest is the setting of a namespace or that of an interface, whichever is higher: that one applies. It
// is zero if neither is set.
func (v view) strictest(id state.LinkID, all, own state.Setting) (highest setting) {
	for _, key := range []state.SettingKey{{Setting: all}, {Link: id.Name, Setting: own}} {
		if s := v.setting(id.Namespace, key); s.value.Number() > highest.value.Number() {
			highest = s
		}
	}
	return highest
}

// inSpec is the setting of the spec's closed list from which an interface gets its own.
func (s setting) inSpec() state.SettingKey { return state.SettingKey{Setting: s.key.Setting} }

// rejecting is the best matching route of a type to an address.
func (v view) rejecting(namespace string, address netip.Addr, kind state.RouteType) (best state.RouteID, ok bool) {
	best.Namespace = namespace
	for key, route := range v.State[namespace].Routes {
		if route.Type == kind && key.Prefix.Contains(address) && (!ok || key.Prefix.Bits() > best.Prefix.Bits()) {
			best.RouteKey, ok = key, true
		}
	}
	return best, ok
}
