// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// lookup finds the routes of a node as its kernel does, those that the kernel makes for addresses among them.
type lookup struct {
	best map[netip.Prefix]legs
	// bits are the lengths of the prefixes of a family, the longest first.
	bits map[family][]int
}

// legs are those of a route. One that rejects packets has none.
type legs struct {
	metric uint32
	all    []leg
}

// leg is a way on from a node: the interface, the neighbour's address there, and the source that the route prefers. The
// address is zero for a destination on the link.
type leg struct {
	end          *end
	next, source netip.Addr
}

func newLookup(x *node) *lookup {
	l := &lookup{best: make(map[netip.Prefix]legs, len(x.routes)), bits: map[family][]int{}}
	for _, e := range x.ends {
		for _, p := range e.addresses {
			if e.up() && hasConnectedRoute(p) {
				l.add(p.Masked(), legs{connectedMetric(p), []leg{{end: e}}})
			}
		}
	}
	for key, route := range x.routes {
		l.add(key.Prefix, legs{key.Metric, x.legsOf(route)})
	}
	for p := range l.best {
		f := familyOf(p.Addr())
		if !slices.Contains(l.bits[f], p.Bits()) {
			l.bits[f] = append(l.bits[f], p.Bits())
		}
	}
	for _, bits := range l.bits {
		slices.SortFunc(bits, func(a, b int) int { return b - a })
	}
	return l
}

func connectedMetric(p netip.Prefix) uint32 {
	if p.Addr().Is4() {
		return 0
	}
	return state.PrefixMetric6
}

// add keeps the route with the lowest metric.
func (l *lookup) add(p netip.Prefix, route legs) {
	if other, there := l.best[p]; !there || route.metric < other.metric {
		l.best[p] = route
	}
}

func (x *node) legsOf(route state.Route) (all []leg) {
	for _, hop := range route.NextHops() {
		if e := x.endOf(hop.Link); e != nil {
			all = append(all, leg{e, hop.Via, route.Source})
		}
	}
	return all
}

// legs are the ways of a packet.
func (l *lookup) legs(to netip.Addr) []leg {
	for _, bits := range l.bits[familyOf(to)] {
		route, there := l.best[netip.PrefixFrom(to, bits).Masked()]
		if !there {
			continue
		}
		all := slices.Clone(route.all)
		for i := range all {
			if !all[i].next.IsValid() {
				all[i].next = to
			}
		}
		return all
	}
	return nil
}

func (s *neighbours) lookupOf(x *node) *lookup {
	found, ok := s.lookups[x]
	if !ok {
		found = newLookup(x)
		s.lookups[x] = found
	}
	return found
}
