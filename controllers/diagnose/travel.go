// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// walker follows packets through a lab.
type walker struct {
	view
	kernel Kernel
	// crossings are the results of cross.
	crossings map[departing]crossed
	// followsNAT reports that packets get the addresses that NAT gave them.
	followsNAT bool
}

// packet is the packet to follow.
type packet struct {
	// start is the network namespace of the sender.
	start               string
	source, destination netip.Addr
	// size is its length, 0 if it fits everywhere; oneWhole forbids fragmentation.
	size     int
	oneWhole bool
	isReply  bool
	// over is the sender's link for a request to a link-local address.
	over string
	// answers is the link on which the request of a reply has arrived.
	answers string
}

// trace is the path of a packet. Without a cause, it ended in the namespace end.
type trace struct {
	packet
	// sent is the source with which the packet was sent, if NAT is followed, lost reports that what NAT made of it is
	// not known.
	sent netip.Addr
	lost bool
	// chosen reports that the sender's kernel has chosen the source address.
	chosen bool
	hops   []Hop
	end    string
	cause  Cause
	// detour is the cause if it is a detour of a packet that takes another leg.
	detour Cause
	// passed are the network namespaces of the hops.
	passed []string
	// crossed are the segments on the path.
	crossed []crossing
}

// ingress is where a packet arrives: a namespace and the receiving link.
type ingress struct{ namespace, incoming string }

// travel follows a packet until it is delivered or stopped. It visits no node twice, so it ends.
func (w walker) travel(ctx context.Context, p packet) trace {
	t := trace{packet: p}
	w.proceed(ctx, &t, ingress{namespace: p.start})
	return t
}

func (w walker) proceed(ctx context.Context, t *trace, at ingress) {
	for t.end == "" && !t.cause.Found() {
		been := slices.Contains(t.passed, at.namespace)
		t.passed = append(t.passed, at.namespace)
		switch {
		case been:
			t.cause = w.loop(ctx, *t)
		case w.ttlExpired(*t):
			t.cause = w.timeToLive(ctx, t)
		default:
			at = w.step(ctx, t, at)
		}
	}
}

// step looks up the route at one node and crosses the segment of the outgoing link. It appends the hop, and
// sets end or cause when the trace is complete.
func (w walker) step(ctx context.Context, t *trace, at ingress) (next ingress) {
	if w.followsNAT {
		return w.stepTranslated(ctx, t, at)
	}
	return w.plainStep(ctx, t, at)
}

func (w walker) plainStep(ctx context.Context, t *trace, at ingress) (next ingress) {
	decision, err := w.kernel.LookupRoute(ctx, t.query(at))
	hop := Hop{Node: state.NodeOf(at.namespace), Incoming: at.incoming}
	if err != nil {
		t.hops, t.cause = append(t.hops, hop), unreadable(at, t.packet, err)
		return ingress{}
	}
	hop.Decision = decision
	if t.cause = w.refusal(ctx, t.packet, at, decision); t.cause.Found() {
		w.correct(ctx, t, at)
		t.hops = append(t.hops, hop)
		return ingress{}
	}
	if t.cause = w.sendsToAll(ctx, t.packet, at, decision); t.cause.Found() {
		t.hops = append(t.hops, hop)
		return ingress{}
	}
	if at.incoming == "" {
		t.chosen = !t.source.IsValid()
		t.source = sourceOf(t.packet, decision)
		if t.cause = w.unusableSource(t.packet, at); t.cause.Found() {
			t.hops = append(t.hops, hop)
			return ingress{}
		}
	}
	if decision.Verdict == state.DeliverLocally {
		t.hops, t.end = append(t.hops, hop), at.namespace
		return ingress{}
	}
	return w.leave(ctx, t, at, hop)
}

// query asks a node what it does with the packet. An IPv6 echo reply prefers a leg over the link on which the
// request has arrived (icmpv6_echo_reply).
func (t trace) query(at ingress) state.ForwardingQuery {
	q := state.ForwardingQuery{
		Namespace: at.namespace, Incoming: at.incoming, Source: t.source, Destination: t.destination, IsReply: t.isReply,
	}
	if at.incoming == "" && t.destination.Is6() {
		q.Outgoing = cmp.Or(t.over, t.answers)
	}
	return q
}

// leave crosses the segment of the outgoing link of a hop and appends the hop.
func (w walker) leave(ctx context.Context, t *trace, at ingress, hop Hop) (next ingress) {
	decision := hop.Decision
	hop.Outgoing, hop.Via = decision.Link, decision.Via
	over, cause := w.crossOnce(ctx, t.packet, at, decision)
	hop.Through = over.through()
	if t.cause = cause; cause.Found() {
		w.correctWay(ctx, t, at.namespace, decision)
		t.hops = append(t.hops, hop)
		return ingress{}
	}
	t.crossed = append(t.crossed, crossing{over, nextHop(t.packet, decision)})
	hop.Next = state.NodeOf(over.in.Namespace)
	t.hops = append(t.hops, hop)
	return ingress{over.in.Namespace, over.in.Name}
}

// sourceOf is the packet's source address after the sender's lookup; the zero Addr if the lookup returned
// none.
func sourceOf(p packet, decision state.ForwardingDecision) netip.Addr {
	switch {
	case p.source.IsValid():
		return p.source
	case decision.Verdict == state.DeliverLocally:
		return p.destination
	}
	return decision.Source
}

// unusableSource is the cause if the sender's kernel finds no source address because one was altered: an address of
// scope host is none for other nodes.
func (w walker) unusableSource(p packet, at ingress) Cause {
	id, fix, ok := w.altered(at.namespace, func(a netip.Prefix) bool { return a.Addr().Is4() == p.destination.Is4() })
	if p.source.IsValid() || !ok {
		return Cause{}
	}
	node := state.NodeOf(at.namespace)
	return Cause{
		Reason:  v1alpha1.ReasonNetworkUnreachable,
		Node:    node,
		Message: fmt.Sprintf("%s has no source address for packets to %s: its address %s on interface %s was altered", node, p.destination, id.Prefix, id.Link),
		Fix:     fix,
	}
}

// unreadable is the cause if a route lookup fails.
func unreadable(at ingress, p packet, err error) Cause {
	node := state.NodeOf(at.namespace)
	return Cause{
		Reason:  v1alpha1.ReasonProbeError,
		Node:    node,
		Message: shorten(fmt.Sprintf("route lookup in %s for packets to %s: %v", node, p.destination, err)),
	}
}

// correct replaces the fix at a node that does not forward if another node should not have sent the packet to
// it.
func (w walker) correct(ctx context.Context, t *trace, at ingress) {
	if t.cause.Reason != v1alpha1.ReasonForwardingDisabled || len(t.hops) == 0 {
		return
	}
	sender, decision := t.passed[len(t.passed)-2], t.hops[len(t.hops)-1].Decision
	if cause := w.takesGateway(t.packet, sender, at, decision); cause.Found() {
		t.cause = cause
		return
	}
	fix, how := w.undoDrift(ctx, t.packet, sender, decision)
	path, _ := w.path(sender, t.destination, nothing)
	if isOnPath := slices.ContainsFunc(path, func(l neighbour) bool { return l.in.Namespace == at.namespace }); how == stays && !isOnPath {
		fix, how = w.shortcut(ctx, t.packet, sender, decision)
	}
	if how > stays {
		t.cause.Fix = fix
	}
}

// takesGateway is the cause if a node gets packets only because it has the address of the sender's gateway, which the lab
// does not give it.
func (w walker) takesGateway(p packet, sender string, at ingress, decision state.ForwardingDecision) Cause {
	op, ok := w.unwantedAddress(at.namespace, func(a netip.Prefix) bool { return a.Addr() == decision.Via })
	if !ok {
		return Cause{}
	}
	node := state.NodeOf(at.namespace)
	return Cause{
		Reason:  v1alpha1.ReasonDuplicateAddress,
		Node:    node,
		Message: fmt.Sprintf("%s gets packets from %s to %s: it has %s on interface %s, the address of the gateway", node, state.NodeOf(sender), p.destination, op.Prefix, op.Link),
		Fix:     w.drifted(op),
	}
}

// correctWay replaces the fix if the next hop does not exist and another one leads on.
func (w walker) correctWay(ctx context.Context, t *trace, namespace string, decision state.ForwardingDecision) {
	if t.cause.Reason != v1alpha1.ReasonHostUnreachable || t.cause.Node != state.NodeOf(namespace) {
		return
	}
	fix, how := w.undoDrift(ctx, t.packet, namespace, decision)
	_, connected := w.covering(state.LinkID{Namespace: namespace, Name: decision.Link}, t.destination)
	if byRoute := decision.Via.IsValid() || !connected; how == stays && byRoute && len(decision.Legs) < 2 {
		fix, how = w.shortcut(ctx, t.packet, namespace, decision)
	}
	if how > stays {
		t.cause.Fix = fix
	}
}

// loop is the cause if a packet visits the last node for the second time. If the only path to the destination
// is over a link that is down, the cause is the link: another route, often the default route, then leads
// back.
func (w walker) loop(ctx context.Context, t trace) Cause {
	again := t.passed[len(t.passed)-1]
	round := t.passed[slices.Index(t.passed, again):]
	if _, open := w.path(again, t.destination, nothing); !open {
		if down, ok := w.linkDownBefore(again, t.destination); ok {
			return w.linkDown(down, fmt.Sprintf("; routing loop for %s: %s", t.destination, wayThrough(round)))
		}
	}
	return Cause{
		Reason:  v1alpha1.ReasonRoutingLoop,
		Node:    state.NodeOf(again),
		Message: shorten(fmt.Sprintf("routing loop for %s: %s", t.destination, wayThrough(round))),
		Fix:     w.wayOut(ctx, t, round),
	}
}

func wayThrough(namespaces []string) string {
	var nodes []string
	for _, namespace := range namespaces {
		nodes = append(nodes, state.NodeOf(namespace))
	}
	return strings.Join(nodes, " -> ")
}

// wayOut is the fix of a loop: the change of routes on its first node after which the packet arrives, else gets
// out of the loop.
func (w walker) wayOut(ctx context.Context, t trace, round []string) string {
	out, best := w.inSpec(fmt.Sprintf("correct the routes to %s on these nodes", t.destination)), stays
	for i, namespace := range round[:len(round)-1] {
		if fix, how := w.reroute(ctx, t.packet, namespace, t.decisionAt(len(t.passed)-len(round)+i)); how > best {
			out, best = fix, how
		}
	}
	return out
}

// isNearer reports whether a node is one step nearer to an address than the shortest path from another. There
// can be several such nodes.
func (w walker) isNearer(namespace string, path []neighbour, address netip.Addr) bool {
	rest, reached := w.path(namespace, address, nothing)
	return reached && len(rest) < len(path)
}

// decisionAt is the forwarding decision of the n-th node on the path.
func (t trace) decisionAt(n int) (d state.ForwardingDecision) {
	if n >= 0 && n < len(t.hops) {
		d = t.hops[n].Decision
	}
	return d
}

// ttlExpired reports whether the packet's TTL has expired: a node that would forward it with TTL 1 drops it.
func (w walker) ttlExpired(t trace) bool {
	if ofRoute := t.decisionAt(0).HopLimit; ofRoute > 0 {
		return len(t.hops) > ofRoute
	}
	limit := w.ttlSetting(t).value
	return limit != state.Absent && len(t.hops) > limit.Number()
}

// ttlSetting is the sender's setting for the TTL.
func (w walker) ttlSetting(t trace) setting {
	key := state.SettingKey{Setting: state.IPDefaultTTL}
	if t.destination.Is6() && len(t.hops) > 0 {
		key = state.SettingKey{Link: t.hops[0].Outgoing, Setting: state.HopLimit}
	}
	return w.setting(t.start, key)
}

// hopLimitName is the name of the field in the IP header.
func hopLimitName(address netip.Addr) string {
	if address.Is4() {
		return "TTL"
	}
	return "hop limit"
}

func (w walker) timeToLive(ctx context.Context, t *trace) Cause {
	last := &t.hops[len(t.hops)-1]
	last.Next = ""
	node := state.NodeOf(t.start)
	cause := Cause{
		Reason:  v1alpha1.ReasonTTLExceeded,
		Node:    node,
		Message: fmt.Sprintf("the %s of packets from %s to %s expires at %s", hopLimitName(t.destination), node, t.destination, last.Node),
	}
	if ofRoute := t.decisionAt(0).HopLimit; ofRoute > 0 {
		route, fix := w.metricOfRoute(ctx, *t)
		cause.Message, cause.Fix = shorten(fmt.Sprintf("%s: %s has hoplimit %d", cause.Message, route, ofRoute)), fix
		return cause
	}
	ttl := w.ttlSetting(*t)
	cause.Message += fmt.Sprintf(": %s is %s", ttl.key, ttl.value)
	cause.Fix = w.settingFix(t.start, fmt.Sprintf("set %s: 255 on %s", ttl.inSpec(), node), ttl.key, state.ValueOf(255))
	return cause
}

// metricOfRoute names the route of the sender whose metrics decide about its packets. No lab has any: the route is
// unmanaged, or one of the lab's that was changed.
func (w walker) metricOfRoute(ctx context.Context, t trace) (route, fix string) {
	if fix, ok := w.lostRoute(t.start, t.destination); ok {
		return "the route to it", fix
	}
	if used, ok := w.usedRoute(ctx, t.start, t.destination, t.decisionAt(0)); ok {
		return "the route to " + prefixName(used.prefix), used.removal(state.NodeOf(t.start))
	}
	return "the route to it", shorten(fmt.Sprintf("find the route: ip -n %s route get %s", t.start, t.destination))
}
