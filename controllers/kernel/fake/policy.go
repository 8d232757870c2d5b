// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"cmp"
	"context"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// The kernel's tables, of linux/rtnetlink.h.
const (
	localTable = 255
	mainTable  = 254
)

// AddRoutes puts routes into other tables of a namespace.
func (k *Kernel) AddRoutes(namespace string, routes ...state.TableRoute) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tables[namespace] = append(k.tables[namespace], routes...)
}

// Policy lists the kernel's own rules, those that AddUnmanaged added, and the routes of all tables.
func (k *Kernel) Policy(ctx context.Context, namespace string) (state.Policy, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.policy(namespace), ctx.Err()
}

func (k *Kernel) policy(namespace string) state.Policy {
	p := state.Policy{Routes: slices.Clone(k.tables[namespace])}
	for _, ipv6 := range []bool{false, true} {
		p.Rules = append(p.Rules,
			state.Unmanaged{Rule: state.PolicyRule{IPv6: ipv6, Action: "lookup local", Table: localTable}},
			state.Unmanaged{Rule: state.PolicyRule{Priority: state.MainRule, IPv6: ipv6, Action: "lookup main", Table: mainTable}})
	}
	for _, o := range k.others[namespace] {
		if o.Rule != (state.PolicyRule{}) {
			p.Rules = append(p.Rules, o)
		}
	}
	slices.SortStableFunc(p.Rules, func(a, b state.Unmanaged) int { return cmp.Compare(a.Rule.Priority, b.Rule.Priority) })
	p.Rules = slices.DeleteFunc(p.Rules, func(r state.Unmanaged) bool {
		return r.What == "" && slices.ContainsFunc(p.Rules, func(o state.Unmanaged) bool {
			return o.Rule.Missing && o.Rule.Priority == r.Rule.Priority && o.Rule.IPv6 == r.Rule.IPv6
		})
	})
	f := k.fibOf(namespace)
	for _, e := range slices.Concat(f.kernelEntries(), f.routes()) {
		p.Routes = append(p.Routes, tableRoute(e))
	}
	return p
}

func tableRoute(e entry) state.TableRoute {
	r := state.TableRoute{Table: mainTable, Prefix: e.prefix, Metric: e.metric, Source: e.source, Hops: e.hops}
	switch {
	case e.local:
		r.Table, r.Verdict = localTable, state.DeliverLocally
	case e.kind != state.Unicast:
		r.Verdict = rejections[e.kind]
	}
	return r
}

// byPolicy is a lookup that regards all rules.
func (f fib) byPolicy(q state.ForwardingQuery) state.ForwardingDecision {
	found := f.policy.Lookup(q)
	switch {
	case found.Verdict == state.DeliverLocally:
		return state.ForwardingDecision{Verdict: state.DeliverLocally, Link: state.Loopback, Source: q.Destination}
	case found.Verdict != state.Forward:
		return state.ForwardingDecision{Verdict: found.Verdict}
	}
	hop := found.Route.Hops[0]
	return state.ForwardingDecision{Link: hop.Link, Via: hop.Via, Source: f.source(entry{source: found.Route.Source}, hop, q.Destination)}
}

// foreignPolicy is the policy of a namespace in which a rule is not the kernel's own.
func (k *Kernel) foreignPolicy(namespace string) *state.Policy {
	p := k.policy(namespace)
	if !slices.ContainsFunc(p.Rules, func(r state.Unmanaged) bool { return r.What != "" }) {
		return nil
	}
	return &p
}

// SetTranslations says what NAT of a namespace has made of packets: here it changes no packet.
func (k *Kernel) SetTranslations(namespace string, all ...state.Translation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.translations[namespace] = all
}

// Translations lists those that SetTranslations set.
func (k *Kernel) Translations(ctx context.Context, namespace string) ([]state.Translation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.translations[namespace]), ctx.Err()
}

// SetMACTable says what the bridges of a namespace have learnt: here no frame passes them.
func (k *Kernel) SetMACTable(namespace string, entries ...state.MACEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.macTables[namespace] = entries
}

// MACTable lists the entries that SetMACTable set.
func (k *Kernel) MACTable(ctx context.Context, namespace string) ([]state.MACEntry, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.macTables[namespace]), ctx.Err()
}

// SetNeighbours says which entries the neighbour tables of a namespace have.
func (k *Kernel) SetNeighbours(namespace string, entries ...state.NeighbourEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.neighbours[namespace] = entries
}

// Neighbours lists the entries that SetNeighbours set, and the permanent ones: resolving an address makes none here.
func (k *Kernel) Neighbours(ctx context.Context, namespace string) ([]state.NeighbourEntry, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := slices.Clone(k.neighbours[namespace])
	for key, row := range k.state[namespace].Neighbours {
		all = append(all, state.NeighbourEntry{Link: key.Link, Address: key.Address, MAC: row.MAC, Permanent: true})
	}
	return all, ctx.Err()
}
