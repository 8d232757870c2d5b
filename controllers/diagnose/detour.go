// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// detour is a decision of a node that does not follow from its main table: a policy rule, or a redirect that
// it has learnt.
type detour struct {
	query state.ForwardingQuery
	// because continues the message, fix removes the reason.
	because, fix string
	// verdict is what the node does with the packet, hop where it sends it.
	verdict state.ForwardingVerdict
	hop     state.NextHop
	source  netip.Addr
	// hidden says that the routes also differ in what no walk shows, like metrics, or that the kernel's lookup does
	// not match the rule: IPv6 looks up packets of others without the user that it forwards them with.
	hidden bool
	// without is the kernel without the reason.
	without Kernel
}

// detoured is the cause if packets take a detour and do not meet the same obstacle without it.
func (w walker) detoured(ctx context.Context, q Question, walk Walk) Cause {
	var first Cause
	for _, visited := range w.queries(q, walk) {
		for _, d := range w.detours(ctx, visited) {
			straight := w
			straight.kernel = d.without
			other := straight.explain(ctx, q)
			switch cause := w.detourCause(d, walk.Cause, visited.IsReply); {
			case d.hidden && walk.Cause.Reason == v1alpha1.ReasonNoReply:
				return cause
			case sameObstacle(other.Cause, walk.Cause):
			case !other.Cause.Found() || other.Cause.Reason == v1alpha1.ReasonNoReply:
				return cause
			case !first.Found():
				first = cause
			}
		}
	}
	return first
}

// sameObstacle reports whether two causes are one, whatever the path to it.
func sameObstacle(a, b Cause) bool { return a.Reason == b.Reason && a.Node == b.Node && a.Fix == b.Fix }

// visit is a lookup that a walk made.
type visit struct {
	state.ForwardingQuery
	decision state.ForwardingDecision
}

// queries are the lookups of a walk.
func (w walker) queries(q Question, walk Walk) (all []visit) {
	namespaces := w.namespaces()
	for i, hop := range walk.Forward {
		v := visit{state.ForwardingQuery{Namespace: namespaces[hop.Node], Incoming: hop.Incoming, Source: walk.Source, Destination: q.To}, hop.Decision}
		if i == 0 {
			v.Source, v.Outgoing = q.Source, q.Link
		}
		all = append(all, v)
	}
	for i, hop := range walk.Back {
		query := state.ForwardingQuery{Namespace: namespaces[hop.Node], Incoming: hop.Incoming, Source: q.To, Destination: walk.Source, IsReply: true}
		if i == 0 && q.To.Is6() { // a reply prefers the link of its request
			query.Outgoing = walk.Forward[len(walk.Forward)-1].Incoming
		}
		all = append(all, visit{query, hop.Decision})
	}
	return all
}

// detours are the reasons why a node does not follow its main table: for the packet itself or, if its source
// is filtered, for packets back to it.
func (w walker) detours(ctx context.Context, v visit) (found []detour) {
	if v.decision.Redirected {
		found = append(found, w.redirect(v))
	}
	return append(found, w.policyDetours(ctx, v)...)
}

// redirect is a gateway that a node has learnt (RFC 792): it remains until its time is up, whatever the routes.
func (w walker) redirect(v visit) detour {
	command := "ip -n %s route flush cache" // of IPv4
	if v.Destination.Is6() {
		command = "ip -6 -n %s route flush cache"
	}
	return detour{
		query: v.ForwardingQuery, because: ", a gateway that it has learnt from an ICMP redirect",
		fix: fmt.Sprintf(command, v.Namespace),
		hop: state.NextHop{Link: v.decision.Link, Via: v.decision.Via}, without: unlearned{w.kernel, w.view, v.Namespace},
	}
}

// unlearned is a kernel in which a namespace has learnt nothing.
type unlearned struct {
	Kernel
	view
	namespace string
}

// LookupRoute implements Kernel.
func (k unlearned) LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	learnt, err := k.Kernel.LookupRoute(ctx, q)
	if err != nil || q.Namespace != k.namespace || !learnt.Redirected {
		return learnt, err
	}
	q.Unlearned = true
	decision, err := k.Kernel.LookupRoute(ctx, q)
	if !decision.Source.IsValid() {
		decision.Source = k.sourceOn(state.LinkID{Namespace: q.Namespace, Name: decision.Link}, nextHop(packet{destination: q.Destination}, decision))
	}
	return decision, err
}

func (w walker) policyDetours(ctx context.Context, v visit) (found []detour) {
	policy, err := w.kernel.Policy(ctx, v.Namespace)
	if err != nil {
		return nil
	}
	queries := []state.ForwardingQuery{v.ForwardingQuery}
	if v.decision.Verdict == state.Filtered {
		queries = append(queries, state.ForwardingQuery{Namespace: v.Namespace, Source: v.Destination, Destination: v.Source})
	}
	for i, query := range queries {
		rule, without, ok := policy.Culprit(query)
		if !ok {
			continue
		}
		now := policy.Lookup(query)
		if ignored := rule.Rule.Missing && i == 0 && !differs(without.Lookup(query), v.decision); ignored { // by IPv6, see notDelivered
			continue
		}
		d := detour{query: query, because: " by " + rule.What, fix: undo(rule), verdict: now.Verdict, source: now.Route.Source}
		d.hidden = now.Route.Attributes != without.Lookup(query).Route.Attributes || i == 0 && differs(now, v.decision)
		if rule.Rule.Missing {
			d.because = ": it has " + rule.What
		}
		if rejected := now.Verdict == state.NoRoute && now.Rule.What != ""; rejected {
			d.verdict = state.Prohibited
		}
		if len(now.Route.Hops) > 0 {
			d.hop = now.Route.Hops[0]
		}
		if i > 0 {
			d.verdict = state.Filtered
		}
		d.without = byMainTable{w.kernel, w, policy, without, v.Namespace}
		found = append(found, d)
	}
	return found
}

// differs reports whether the kernel's decision is another than that of its rules.
func differs(now state.PolicyLookup, decision state.ForwardingDecision) bool {
	if now.Verdict != state.Forward || decision.Verdict != state.Forward {
		return (now.Verdict == state.Forward) != (decision.Verdict == state.Forward)
	}
	return !slices.ContainsFunc(now.Route.Hops, func(h state.NextHop) bool { return h.Link == decision.Link && h.Via == decision.Via })
}

// detourCause says what the node does and why. Farther obstacles are not named: the packet has no business
// there.
func (w walker) detourCause(d detour, met Cause, isReply bool) Cause {
	node, to := state.NodeOf(d.query.Namespace), d.query.Destination
	cause := Cause{Reason: met.Reason, Node: node, Fix: d.fix}
	if met.Reason == v1alpha1.ReasonProbeError {
		cause.Reason = v1alpha1.ReasonNoReply
	}
	switch d.verdict {
	case state.Forward:
		cause.Message = fmt.Sprintf("%s sends packets to %s%s%s", node, to, prefixed(" from ", d.source), nextHopWords(d.hop))
	case state.DeliverLocally:
		cause.Message = fmt.Sprintf("%s takes packets to %s for its own", node, to)
	case state.NoRoute:
		cause.Reason, cause.Message = v1alpha1.ReasonNetworkUnreachable, fmt.Sprintf("%s has no route to %s", node, to)
		if isReply {
			cause.Reason, cause.Message = v1alpha1.ReasonNoReturnRoute, fmt.Sprintf("%s has no route back to %s", node, to)
		}
	case state.Filtered:
		cause.Reason = v1alpha1.ReasonSourceFiltered
		cause.Message = fmt.Sprintf("%s drops packets from %s: its route back is another", node, to)
	default:
		cause.Reason, cause.Message = v1alpha1.ReasonRouteRejects, fmt.Sprintf("%s rejects packets to %s", node, to)
	}
	cause.Message = shorten(cause.Message + d.because)
	if goesOn := met.Reason == v1alpha1.ReasonRoutingLoop || met.Reason == v1alpha1.ReasonHostUnreachable && d.hop.Via.IsValid(); goesOn && d.verdict == state.Forward {
		cause.Message = shorten(cause.Message + "; " + met.Message)
	}
	return cause
}

func nextHopWords(hop state.NextHop) string {
	return prefixed(" via ", hop.Via) + " out of " + hop.Link
}

// byMainTable is a kernel in which a namespace has another policy.
type byMainTable struct {
	Kernel
	w            walker
	now, without state.Policy
	namespace    string
}

// LookupRoute implements Kernel.
func (k byMainTable) LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	decision, err := k.Kernel.LookupRoute(ctx, q)
	if err != nil || q.Namespace != k.namespace || decision.Verdict != state.Filtered && k.now.Lookup(q).Same(k.without.Lookup(q)) {
		return decision, err
	}
	return k.decide(q), nil
}

// Policy implements Kernel.
func (k byMainTable) Policy(ctx context.Context, namespace string) (state.Policy, error) {
	if namespace == k.namespace {
		return k.without, nil
	}
	return k.Kernel.Policy(ctx, namespace)
}

// decide is what a node does by its routes, its forwarding settings and its reverse-path filter.
func (k byMainTable) decide(q state.ForwardingQuery) state.ForwardingDecision {
	found := k.without.Lookup(q)
	d := state.ForwardingDecision{Verdict: found.Verdict}
	switch {
	case found.Verdict == state.DeliverLocally:
		d.Link, d.Source = state.Loopback, q.Destination
	case q.Incoming != "" && k.w.forwarding(packet{destination: q.Destination}, ingress{q.Namespace, q.Incoming}).value == state.Off:
		return state.ForwardingDecision{Verdict: state.NotForwarded}
	case found.Verdict == state.Forward:
		hop := found.Route.Hops[0]
		d.Link, d.Via, d.Source = hop.Link, hop.Via, found.Route.Source
		if !d.Source.IsValid() {
			d.Source = k.w.sourceOn(state.LinkID{Namespace: q.Namespace, Name: d.Link}, nextHop(packet{destination: q.Destination}, d))
		}
	default:
		return d
	}
	if q.Incoming != "" && q.Destination.Is4() && k.filtered(q) {
		return state.ForwardingDecision{Verdict: state.Filtered}
	}
	return d
}

// filtered is the reverse-path filter: it refuses a source to which the route leads over another interface
// (1), or to which there is none (2).
func (k byMainTable) filtered(q state.ForwardingQuery) bool {
	mode := k.w.strictest(state.LinkID{Namespace: q.Namespace, Name: q.Incoming}, state.AllRPFilter, state.RPFilter).value.Number()
	if mode == 0 {
		return k.w.has(q.Namespace, q.Source)
	}
	back := k.without.Lookup(state.ForwardingQuery{Namespace: q.Namespace, Source: q.Destination, Destination: q.Source})
	return back.Verdict != state.Forward || mode == 1 && back.Route.Hops[0].Link != q.Incoming
}
