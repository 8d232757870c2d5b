// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// fib is one namespace's routing: its local table, its connected prefixes and its routes.
type fib struct {
	state     state.State
	namespace string
	dead      map[leg]bool
	// policy is set where a rule is not the kernel's own.
	policy *state.Policy
}

func (k *Kernel) fibOf(namespace string) fib {
	return fib{state: k.state, namespace: namespace, dead: k.dead}
}

// entry is one line of the table.
type entry struct {
	prefix  netip.Prefix
	metric  uint32
	kind    state.RouteType
	local   bool
	source  netip.Addr
	hops    []state.NextHop
	legs    []state.Leg // of a route with several, dead ones too
	natural bool        // made by the kernel: wins between equals
}

// LookupRoute says what the kernel would do with a packet.
func (k *Kernel) LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	if err := ctx.Err(); err != nil {
		return state.ForwardingDecision{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	err := missingNamespace(k.state, q.Namespace)
	if err == nil && q.Incoming != "" {
		err = missingLink(k.state, state.LinkID{Namespace: q.Namespace, Name: q.Incoming})
	}
	if err != nil {
		return state.ForwardingDecision{}, fmt.Errorf("look up %s in %s: %w", q.Destination, q.Namespace, err)
	}
	f := k.fibOf(q.Namespace)
	f.policy = k.foreignPolicy(q.Namespace)
	if q.Incoming == "" && q.Source.Is4() && !f.local(q.Source) {
		return state.ForwardingDecision{}, fmt.Errorf("look up %s from %s in %s: %[2]s is not an address of %[3]s", q.Destination, q.Source, q.Namespace)
	}
	return f.decide(q), nil
}

func (f fib) decide(q state.ForwardingQuery) state.ForwardingDecision {
	switch {
	case q.Incoming == "":
		return f.lookup(q)
	case q.Destination.Is4():
		return f.decideIncoming4(q)
	}
	return f.decideIncoming6(q)
}

// decideIncoming4 follows ip_route_input_slow: whether the interface forwards is asked
// before whether there is a route, the source is checked after both.
func (f fib) decideIncoming4(q state.ForwardingQuery) state.ForwardingDecision {
	decision := f.lookup(q)
	switch {
	case decision.Verdict != state.DeliverLocally && f.links()[q.Incoming].Settings[state.IPv4Forwarding] == state.Off:
		return state.ForwardingDecision{Verdict: state.NotForwarded}
	case decision.Verdict != state.DeliverLocally && decision.Verdict != state.Forward:
		return decision
	case q.Source.IsValid() && (f.local(q.Source) || f.filtered(q)):
		return state.ForwardingDecision{Verdict: state.Filtered}
	}
	return decision
}

// decideIncoming6 asks the setting too, as package kernel does: the kernel's look-up does not.
func (f fib) decideIncoming6(q state.ForwardingQuery) state.ForwardingDecision {
	decision := f.lookup(q)
	if decision.Verdict != state.DeliverLocally && f.state[f.namespace].Settings[state.IPv6Forwarding] == state.Off {
		return state.ForwardingDecision{Verdict: state.NotForwarded}
	}
	return decision
}

// filtered is reverse-path filtering: strict wants the way back over the same interface,
// loose any way back. The higher of the two settings counts.
func (f fib) filtered(q state.ForwardingQuery) bool {
	mode := max(f.state[f.namespace].Settings[state.AllRPFilter].Number(), f.links()[q.Incoming].Settings[state.RPFilter].Number())
	if mode == 0 {
		return false
	}
	back := f.lookup(state.ForwardingQuery{Destination: q.Source, Source: q.Destination})
	return back.Verdict != state.Forward || mode == 1 && back.Link != q.Incoming
}

func (f fib) links() map[string]state.Link { return f.state[f.namespace].Links }

var rejections = map[state.RouteType]state.ForwardingVerdict{
	state.Blackhole:   state.Discarded,
	state.Unreachable: state.NotForwarded,
	state.Prohibit:    state.Prohibited,
	state.OtherType:   state.NoRoute,
}

// lookup regards the policy rules.
func (f fib) lookup(q state.ForwardingQuery) state.ForwardingDecision {
	if f.policy != nil {
		return f.byPolicy(q)
	}
	return f.follow(q.Destination, q.Outgoing)
}

// follow is a look-up without regard to where the packet comes from, of routes over one link if it is given.
// For IPv6 a longer prefix comes before the link.
func (f fib) follow(destination netip.Addr, outgoing string) state.ForwardingDecision {
	e, ok := f.best(destination, func(h state.NextHop) bool { return outgoing == "" || h.Link == outgoing })
	if best, any := f.best(destination, func(state.NextHop) bool { return true }); destination.Is6() && any && best.prefix != e.prefix {
		e, ok = best, true
	}
	switch {
	case !ok:
		return state.ForwardingDecision{Verdict: state.NoRoute}
	case e.local:
		return state.ForwardingDecision{Verdict: state.DeliverLocally, Link: state.Loopback, Source: destination}
	case e.kind != state.Unicast:
		return state.ForwardingDecision{Verdict: rejections[e.kind]}
	}
	hop := e.hops[0]
	decision := state.ForwardingDecision{Link: hop.Link, Via: hop.Via, Source: f.source(e, hop, destination)}
	if len(e.legs) > 1 {
		decision.Route, decision.Legs = e.prefix, e.legs
	}
	return decision
}

// best is the entry with the longest prefix, then the lowest metric, that has a leg which
// is alive and usable. Only such legs are left in it.
func (f fib) best(destination netip.Addr, usable func(state.NextHop) bool) (entry, bool) {
	for _, e := range f.entries(destination) {
		if e.local || e.kind != state.Unicast {
			return e, true
		}
		e.hops = slices.DeleteFunc(slices.Clone(e.hops), func(h state.NextHop) bool { return !usable(h) })
		if len(e.hops) > 0 {
			return e, true
		}
	}
	return entry{}, false
}

// entries lists what matches a destination, the best first.
func (f fib) entries(destination netip.Addr) []entry {
	var found []entry
	for _, e := range slices.Concat(f.kernelEntries(), f.routes()) {
		if e.prefix.Contains(destination) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int {
		return cmp.Or(
			cmp.Compare(order(a.local), order(b.local)),
			cmp.Compare(b.prefix.Bits(), a.prefix.Bits()),
			cmp.Compare(a.metric, b.metric),
			cmp.Compare(order(a.natural), order(b.natural)),
			cmp.Compare(a.link(), b.link()),
		)
	})
	return found
}

// link makes the order of equals stable.
func (e entry) link() string {
	if len(e.hops) == 0 {
		return ""
	}
	return e.hops[0].Link
}

func order(first bool) int {
	if first {
		return 0
	}
	return 1
}

// kernelEntries are made by the kernel for addresses. An IPv4 address is local even while
// its interface is down, an IPv6 one is not; an IPv4 prefix on lo is local as a whole.
func (f fib) kernelEntries() []entry {
	var made []entry
	for name, link := range f.links() {
		if link.Up && name == state.Loopback {
			made = append(made, localEntry(netip.MustParsePrefix("127.0.0.0/8")), localEntry(netip.MustParsePrefix("::1/128")))
		}
		for _, address := range f.addresses(name) {
			if link.Up || address.Addr().Is4() {
				made = append(made, localEntry(netip.PrefixFrom(address.Addr(), address.Addr().BitLen())))
			}
			row := f.state[f.namespace].Addresses[state.AddressKey{Link: name, Prefix: address}]
			if link.Up && !address.IsSingleIP() && !row.PrefixRouteMissing {
				made = append(made, connected(name, address))
			}
		}
	}
	return made
}

func localEntry(prefix netip.Prefix) entry { return entry{prefix: prefix, local: true} }

func connected(link string, address netip.Prefix) entry {
	return entry{
		prefix: address.Masked(), local: link == state.Loopback && address.Addr().Is4(), natural: true,
		source: address.Addr(), metric: connectedMetric(address.Addr()),
		hops: []state.NextHop{{Link: link}},
	}
}

// connectedMetric is 0 for IPv4 and IP6_RT_PRIO_ADDRCONF for IPv6.
func connectedMetric(address netip.Addr) uint32 {
	if address.Is4() {
		return 0
	}
	return 256
}

func (f fib) routes() []entry {
	var routes []entry
	for key, route := range f.state[f.namespace].Routes {
		id := state.RouteID{Namespace: f.namespace, RouteKey: key}
		e := entry{prefix: id.Prefix, metric: id.Metric, kind: route.Type, source: route.Source}
		for _, hop := range route.NextHops() {
			dead := f.dead[leg{id, hop.Link}]
			e.legs = append(e.legs, state.Leg{Link: hop.Link, Via: hop.Via, Weight: hop.Weight, Dead: dead})
			if !dead {
				e.hops = append(e.hops, hop)
			}
		}
		routes = append(routes, e)
	}
	return routes
}

// local reports whether the node answers to address.
func (f fib) local(address netip.Addr) bool {
	return slices.ContainsFunc(f.kernelEntries(), func(e entry) bool { return e.local && e.prefix.Contains(address) })
}

// source is the address the kernel sends from: the route's, else the one on the outgoing
// interface that shares a subnet with the next hop, else that interface's first.
func (f fib) source(e entry, hop state.NextHop, destination netip.Addr) netip.Addr {
	if e.source.IsValid() {
		return e.source
	}
	next := hop.Via
	if !next.IsValid() {
		next = destination
	}
	var first netip.Addr
	for _, p := range f.addresses(hop.Link) {
		if p.Addr().Is4() != destination.Is4() || state.IsLinkLocal(p.Addr()) != state.IsLinkLocal(destination) {
			continue
		}
		if p.Contains(next) {
			return p.Addr()
		}
		if !first.IsValid() {
			first = p.Addr()
		}
	}
	return first
}

func (f fib) hasIPv4(link string) bool {
	return slices.ContainsFunc(f.addresses(link), func(p netip.Prefix) bool { return p.Addr().Is4() })
}

// addresses lists an interface's addresses in the kernel's order.
func (f fib) addresses(link string) []netip.Prefix {
	rows := f.state[f.namespace].Addresses
	var keys []state.AddressKey
	for key := range rows {
		if key.Link == link {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b state.AddressKey) int {
		return cmp.Or(cmp.Compare(rows[a].Order, rows[b].Order), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	prefixes := make([]netip.Prefix, len(keys))
	for i, key := range keys {
		prefixes[i] = key.Prefix
	}
	return prefixes
}
