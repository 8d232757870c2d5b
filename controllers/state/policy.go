// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"net/netip"
	"slices"
)

// Policy is what a namespace's kernel looks routes up by: its policy rules in their order, and the routes of
// all of its tables.
type Policy struct {
	// Rules are the rules of both families. The kernel's own have no What. One of these that is missing is in
	// its place.
	Rules  []Unmanaged
	Routes []TableRoute
}

// TableRoute is a route of any table.
type TableRoute struct {
	Table  uint32
	Prefix netip.Prefix
	// From is the sources that it is for (IPv6); zero for all.
	From   netip.Prefix
	Metric uint32
	// Verdict is what it makes of packets. Throws ends the lookup in its table.
	Verdict ForwardingVerdict
	Throws  bool
	Source  netip.Addr
	// Hops are the next hops whose links carry packets.
	Hops []NextHop
	// Attributes is the rest of it: metrics, encapsulation.
	Attributes string
}

// PolicyLookup is where a lookup ended.
type PolicyLookup struct {
	// Rule is the rule that decided; its What is empty for one of the kernel's own, and without any.
	Rule    Unmanaged
	Verdict ForwardingVerdict
	// Route is the route found in the rule's table.
	Route TableRoute
}

// Same reports whether two lookups do the same with packets.
func (l PolicyLookup) Same(o PolicyLookup) bool {
	return l.Verdict == o.Verdict && l.Route.Source == o.Route.Source && slices.Equal(l.Route.Hops, o.Route.Hops) && l.Route.Attributes == o.Route.Attributes
}

// Lookup follows the rules as the kernel does (fib_rules_lookup): to the first whose table has a route, or
// whose action rejects.
func (p Policy) Lookup(q ForwardingQuery) PolicyLookup {
	target := uint32(0)
	for _, rule := range p.Rules {
		r := rule.Rule
		if r.IPv6 != q.Destination.Is6() || r.Priority < target || !r.Matches(q) {
			continue
		}
		switch verdict, rejects := r.verdict(); {
		case rejects:
			return PolicyLookup{Rule: rule, Verdict: verdict}
		case r.Target > r.Priority && p.hasRule(r.Target, r.IPv6):
			target = r.Target
		case r.Table != 0:
			route, found := p.best(r.Table, q)
			if found && (route.rejects() || route.Prefix.Bits() > r.SuppressedBits-1) {
				return PolicyLookup{Rule: rule, Verdict: route.Verdict, Route: route}
			}
		}
	}
	return PolicyLookup{Verdict: NoRoute}
}

// hasRule reports whether a goto has a target: the kernel ignores one without.
func (p Policy) hasRule(priority uint32, ipv6 bool) bool {
	return slices.ContainsFunc(p.Rules, func(u Unmanaged) bool {
		return u.Rule.Priority == priority && u.Rule.IPv6 == ipv6 && !u.Rule.Missing
	})
}

func (r TableRoute) rejects() bool { return r.Verdict != Forward && r.Verdict != DeliverLocally }

// best is a table's route for a packet: the longest prefix, then the lowest metric, with a next hop that is
// alive. Of several without a difference the first in the kernel's order counts.
func (p Policy) best(table uint32, q ForwardingQuery) (best TableRoute, ok bool) {
	var matching []TableRoute
	for _, r := range p.Routes {
		usable := r.Verdict != Forward || r.Throws || len(r.Hops) > 0
		if r.Table == table && r.Prefix.Contains(q.Destination) && usable && (!r.From.IsValid() || r.From.Contains(q.Source)) {
			matching = append(matching, r)
		}
	}
	slices.SortStableFunc(matching, func(a, b TableRoute) int {
		return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), cmp.Compare(a.Metric, b.Metric))
	})
	if len(matching) == 0 || matching[0].Throws {
		return TableRoute{}, false
	}
	return matching[0], true
}

// Culprit finds the rule because of which a packet does not go as it would by the kernel's own rules, and the
// Policy without it. If no single rule is the reason, it is the one that decides, and all are left out.
func (p Policy) Culprit(q ForwardingQuery) (culprit Unmanaged, without Policy, ok bool) {
	own := p.without(func(u Unmanaged) bool { return u.What != "" })
	now, usual := p.Lookup(q), own.Lookup(q)
	if now.Same(usual) {
		return Unmanaged{}, p, false
	}
	for i, rule := range p.Rules {
		if rule.What == "" || rule.Rule.IPv6 != q.Destination.Is6() {
			continue
		}
		left := Policy{Rules: slices.Delete(slices.Clone(p.Rules), i, i+1), Routes: p.Routes}
		if rule.Rule.Missing {
			left = p.restored(i)
		}
		if left.Lookup(q).Same(usual) {
			return rule, left, true
		}
	}
	if now.Rule.What != "" {
		return now.Rule, own, true
	}
	return p.firstForeign(q.Destination.Is6()), own, true
}

func (p Policy) firstForeign(ipv6 bool) Unmanaged {
	i := slices.IndexFunc(p.Rules, func(u Unmanaged) bool { return u.What != "" && u.Rule.IPv6 == ipv6 })
	return p.Rules[max(i, 0)]
}

// without leaves rules out, and puts the kernel's own back.
func (p Policy) without(which func(Unmanaged) bool) Policy {
	left := Policy{Routes: p.Routes}
	for i, rule := range p.Rules {
		switch {
		case rule.Rule.Missing && which(rule):
			left.Rules = append(left.Rules, p.restored(i).Rules[i])
		case !which(rule):
			left.Rules = append(left.Rules, rule)
		}
	}
	return left
}

// restored puts one of the kernel's own rules back.
func (p Policy) restored(i int) Policy {
	rules := slices.Clone(p.Rules)
	rules[i].Rule.Missing, rules[i].What = false, ""
	return Policy{Rules: rules, Routes: p.Routes}
}
