// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// leg is one interface of a route. A dead one stays in the route but carries nothing until
// its interface comes back.
type leg struct {
	route state.RouteID
	link  string
}

// after is what the kernel holds after op, which it did not refuse.
func (k *Kernel) after(op state.Op) state.State {
	switch op := op.(type) {
	case state.CreateNamespace:
		if k.state[op.Name].Mounted {
			return k.state
		}
	case state.DeleteRoute:
		if route, ok := k.state[op.Namespace].Routes[op.RouteKey]; !ok || route.Protocol != op.Protocol {
			return k.state
		}
	case state.AddAddress:
		if _, there := k.state[op.Namespace].Addresses[op.AddressKey]; !there && k.hasIPv6Address(op.AddressID) {
			return k.state
		}
	case state.ReplaceRoute:
		k.revive(func(l leg) bool { return l.route == op.RouteID })
	default: // does what With says
	}
	next := k.switches.after(op, k.state, k.state.With(op))
	k.reviveLegs(op)
	k.keepSurvivors(op, next)
	k.revive(func(l leg) bool { _, there := next[l.route.Namespace].Routes[l.route.RouteKey]; return !there })
	return next
}

// hasIPv6Address: the kernel knows an IPv6 address of an interface by its bits alone, so
// replacing it with another prefix length changes nothing.
func (k *Kernel) hasIPv6Address(id state.AddressID) bool {
	link := state.LinkID{Namespace: id.Namespace, Name: id.Link}
	return id.Prefix.Addr().Is6() && k.fibOf(id.Namespace).hasAddress(link, id.Prefix.Addr())
}

func (k *Kernel) revive(match func(leg) bool) {
	maps.DeleteFunc(k.dead, func(l leg, _ bool) bool { return match(l) })
}

// reviveLegs follows fib_sync_up and rt6_sync_up.
func (k *Kernel) reviveLegs(op state.Op) {
	switch op := op.(type) {
	case state.SetAdmin:
		if op.Up {
			k.revive(func(l leg) bool {
				return follows(op.LinkID, state.LinkID{Namespace: l.route.Namespace, Name: l.link}, k.state)
			})
		}
	case state.AddAddress:
		if op.Prefix.Addr().Is4() {
			k.revive(func(l leg) bool {
				return l.route.Namespace == op.Namespace && l.link == op.Link && l.route.Prefix.Addr().Is4()
			})
		}
	case state.SetSysctl:
		if op.Setting == state.DisableIPv6 && op.Value == state.Off {
			k.revive(func(l leg) bool { return l.route.Namespace == op.Namespace && l.route.Prefix.Addr().Is6() })
		}
	default: // brings no next hop back
	}
}

// keepSurvivors puts back what With took along and the kernel keeps.
func (k *Kernel) keepSurvivors(op state.Op, next state.State) {
	for namespace, n := range next {
		if !n.Mounted {
			continue
		}
		for key, route := range k.state[namespace].Routes {
			id := state.RouteID{Namespace: namespace, RouteKey: key}
			if _, there := n.Routes[key]; there || deletes(op, id) {
				continue
			}
			keep := k.survives4
			if key.Prefix.Addr().Is6() {
				keep = k.survives6
			}
			if kept, ok := keep(op, id, route, next); ok {
				n.Routes[key] = kept
			}
		}
	}
}

func deletes(op state.Op, id state.RouteID) bool {
	deletion, ok := op.(state.DeleteRoute)
	return ok && deletion.RouteID == id
}

// survives4: an IPv4 route goes with its source address, with any interface it uses, and
// when its last leg dies.
func (k *Kernel) survives4(op state.Op, id state.RouteID, route state.Route, next state.State) (state.Route, bool) {
	if route.Source.IsValid() && !(fib{state: next, namespace: id.Namespace}).local(route.Source) {
		return route, false
	}
	for _, hop := range route.NextHops() {
		if _, there := next[id.Namespace].Links[hop.Link]; !there {
			return route, false
		}
	}
	return route, k.someLegLives(op, id, route, next)
}

// survives6: an IPv6 route loses the legs whose interface lost IPv6, and only forgets its
// source address.
func (k *Kernel) survives6(op state.Op, id state.RouteID, route state.Route, next state.State) (state.Route, bool) {
	if route.Source.IsValid() && !(fib{state: next, namespace: id.Namespace}).local(route.Source) {
		route.Source = netip.Addr{}
	}
	hops := slices.DeleteFunc(slices.Clone(route.NextHops()), func(hop state.NextHop) bool {
		return !hasIPv6(next, state.LinkID{Namespace: id.Namespace, Name: hop.Link})
	})
	if len(hops) == 0 {
		return route, len(route.NextHops()) == 0
	}
	if len(hops) == 1 {
		hops[0].Weight = 1
	}
	route.Hops, _ = state.GroupOf(hops...)
	return route, k.someLegLives(op, id, route, next)
}

// someLegLives marks the legs that op kills and reports whether one is left.
func (k *Kernel) someLegLives(op state.Op, id state.RouteID, route state.Route, next state.State) bool {
	alive := 0
	for _, hop := range route.NextHops() {
		l := leg{id, hop.Link}
		if kills(op, id, hop.Link, next) {
			k.dead[l] = true
		}
		if !k.dead[l] {
			alive++
		}
	}
	return alive > 0 || len(route.NextHops()) == 0
}

// follows reports whether an interface goes up and down with id: it is id, or on it for a VLAN.
func follows(id, other state.LinkID, s state.State) bool {
	return id == other || id.Namespace == other.Namespace && s[other.Namespace].Links[other.Name].Parent == id.Name
}

func kills(op state.Op, id state.RouteID, link string, next state.State) bool {
	on := state.LinkID{Namespace: id.Namespace, Name: link}
	switch op := op.(type) {
	case state.SetAdmin:
		return !op.Up && follows(op.LinkID, on, next)
	case state.DeleteAddress:
		return id.Prefix.Addr().Is4() && op.Namespace == id.Namespace && op.Link == link &&
			op.Prefix.Addr().Is4() && !(fib{state: next, namespace: id.Namespace}).hasIPv4(link)
	case state.SetSysctl:
		return id.Prefix.Addr().Is6() && ipv6Disabled(next, on)
	default:
		return false
	}
}
