// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// drift is the fix of a drifted lab, in addition to the command.
const drift = "the kernel state has drifted from the spec: repair it with up -f, in a cluster with driftPolicy: Correct"

// drifted is the fix by an operation of the plan: the spec needs no change. If the operation would fail, it is
// the one that comes before it; an interface that is missing takes several.
func (v view) drifted(op state.Op) string {
	for range maxBefore {
		first, ok := v.before(op)
		if !ok {
			break
		}
		op = first
	}
	switch op.(type) {
	case state.AddLink, state.AddBridge, state.AddVLANLink:
		return drift
	default:
		return v.withFollowers(op)
	}
}

// withFollowers is the fix by an operation and, as far as there is room, by those of the plan that bring back what
// went with it: addresses of an interface, and routes over it.
func (v view) withFollowers(op state.Op) string {
	fix := fit(drift, v.commandNow(op))
	link, ok := linkOf(op)
	if !ok || fix == drift {
		return fix
	}
	for _, next := range v.left {
		first, needs := v.before(next)
		if !follows(next, link) || next == op || needs && first != op {
			continue
		}
		if longer := fix + "; " + v.commandNow(next); utf8.RuneCountInString(longer) <= maxText {
			fix = longer
		}
	}
	return fix
}

// commandNow is an operation as a user types it now. It leaves out what an operation on a bridge does not change: a kernel
// without VLAN filtering refuses the word. An interface has an IPv6 address once, whatever its prefix: the other one is
// deleted first.
func (v view) commandNow(op state.Op) string {
	switch o := op.(type) {
	case state.SetBridge:
		if v.State[o.Namespace].Bridges[o.Name].VLANFiltering == o.Bridge.VLANFiltering {
			return strings.NewReplacer(" vlan_filtering 0", "", " vlan_filtering 1", "").Replace(command(op))
		}
	case state.AddAddress:
		for _, key := range inOrder(v.State[o.Namespace].Addresses) {
			if key.Link == o.Link && key.Prefix.Addr() == o.Prefix.Addr() && key.Prefix != o.Prefix && o.Prefix.Addr().Is6() {
				return command(state.DeleteAddress{AddressID: state.AddressID{Namespace: o.Namespace, AddressKey: key}}) + "; " + command(op)
			}
		}
	default:
	}
	return command(op)
}

// linkOf is the interface that an operation makes usable.
func linkOf(op state.Op) (link state.LinkID, ok bool) {
	switch o := op.(type) {
	case state.AddAddress:
		return state.LinkID{Namespace: o.Namespace, Name: o.Link}, true
	case state.SetAdmin:
		return o.LinkID, true
	case state.SetMTU:
		return o.LinkID, true
	case state.SetSysctl:
		return state.LinkID{Namespace: o.Namespace, Name: o.Link}, o.Setting == state.DisableIPv6
	default:
		return link, false
	}
}

// follows reports whether an operation adds an address to an interface, or a route over it. Without a name, it is
// any of the namespace.
func follows(op state.Op, link state.LinkID) bool {
	switch o := op.(type) {
	case state.AddAddress:
		return o.Namespace == link.Namespace && (o.Link == link.Name || link.Name == "")
	case state.ReplaceRoute:
		return o.Namespace == link.Namespace && slices.ContainsFunc(o.NextHops(), func(h state.NextHop) bool { return h.Link == link.Name || link.Name == "" })
	default:
		return false
	}
}

// maxBefore is the number of operations that an operation can need: a route an address, an address IPv6, IPv6
// an MTU, an MTU the interface.
const maxBefore = 4

// before is the planned operation without which another one fails now.
func (v view) before(op state.Op) (first state.Op, ok bool) {
	switch o := op.(type) {
	case state.AddAddress:
		return v.usable(state.LinkID{Namespace: o.Namespace, Name: o.Link}, o.Prefix.Addr())
	case state.ReplaceRoute:
		for _, h := range o.NextHops() {
			if first, ok := v.gatewayReady(o.Namespace, h, o.Prefix.Addr()); ok {
				return first, true
			}
		}
	case state.SetAdmin:
		return v.made(o.LinkID)
	default:
	}
	return nil, false
}

// usable is the planned operation without which an interface takes no address of a family.
func (v view) usable(id state.LinkID, like netip.Addr) (first state.Op, ok bool) {
	if first, ok := v.made(id); ok || like.Is4() {
		return first, ok
	}
	if op, ok := planned(v, func(o state.SetMTU) bool { return o.LinkID == id }); ok && v.link(id).MTU < state.MinIPv6MTU {
		return op, true
	}
	op, ok := v.withoutIPv6(id)
	return op, ok
}

// absence says that an interface of the lab is not there, or that another one has its name.
func (v view) absence(id state.LinkID) string {
	if _, there := v.State[id.Namespace].Links[id.Name]; there {
		return "is not the lab's own"
	}
	return "is missing"
}

// made is the planned operation that makes an interface which is missing, or whose name another one has.
func (v view) made(id state.LinkID) (op state.Op, ok bool) {
	return planned(v, func(o state.Op) bool {
		switch o := o.(type) {
		case state.AddLink:
			return o.Ends[0].LinkID == id || o.Ends[1].LinkID == id
		case state.AddBridge:
			return o.LinkID == id
		case state.AddVLANLink:
			return o.LinkID == id
		default:
			return false
		}
	})
}

// gatewayReady is the planned operation without which a route has no next hop.
func (v view) gatewayReady(namespace string, h state.NextHop, like netip.Addr) (first state.Op, ok bool) {
	id := state.LinkID{Namespace: namespace, Name: h.Link}
	if first, ok := v.usable(id, like); ok {
		return first, true
	}
	if up := (state.SetAdmin{LinkID: id, Up: true}); !v.link(id).Up && slices.Contains(v.left, state.Op(up)) {
		return up, true
	}
	if !h.Via.IsValid() || h.OnLink || state.IsLinkLocal(h.Via) {
		return nil, false
	}
	if lost, ok := v.lostPrefix(namespace, h.Via); ok && lost.Link == h.Link {
		return state.AddPrefixRoute{AddressID: lost}, true
	}
	if v.onSubnet(id, h.Via) {
		return nil, false
	}
	return planned(v, func(o state.Op) bool {
		add, is := o.(state.AddAddress)
		return is && add.Namespace == namespace && add.Link == h.Link && add.Prefix.Contains(h.Via)
	})
}

// command is an operation as a user types it.
func command(op state.Op) string {
	return strings.Replace(op.String(), "sysctl -qw ", "sysctl -w ", 1)
}

// planned is the first operation of the plan that matches.
func planned[O state.Op](v view, match func(O) bool) (found O, ok bool) {
	for _, op := range v.left {
		if o, is := op.(O); is && match(o) {
			return o, true
		}
	}
	return found, false
}

// changing leaves out operations of a plan that change no row now: a plan also writes routes again that
// another operation may remove, and deletes addresses to add them in another order.
func (v view) changing(plan []state.Op) (ops []state.Op) {
	for _, op := range plan {
		if v.changes(op) {
			ops = append(ops, op)
		}
	}
	return ops
}

func (v view) changes(op state.Op) bool {
	switch o := op.(type) {
	case state.ReplaceRoute:
		return v.State[o.Namespace].Routes[o.RouteKey] != o.Route
	case state.AddAddress:
		row, there := v.State[o.Namespace].Addresses[o.AddressKey]
		return !there || row.Drift == state.DriftInPlace
	case state.DeleteAddress:
		_, wanted := v.want()[o.Namespace].Addresses[o.AddressKey]
		return !wanted
	default:
		return true
	}
}

// inSpec is a change of routes in the spec. It offers routing: Auto unless the lab has it.
func (v view) inSpec(what string) string {
	if v.lab != nil && v.lab.Routing == v1alpha1.RoutingAuto {
		return "in the spec, " + what
	}
	return "in the spec, set routing: Auto, or " + what
}

// want is the wanted state; nil if it is unknown.
func (v view) want() state.State {
	if v.lab == nil {
		return nil
	}
	return v.lab.Want
}

// plannedSetting is the planned operation that writes a setting.
func (v view) plannedSetting(id state.SettingID) (op state.SetSysctl, ok bool) {
	return planned(v, func(o state.SetSysctl) bool { return o.SettingID == id })
}

// plannedAddress is the planned operation that adds a matching address of a family to a node, link-local ones
// excluded.
func (v view) plannedAddress(namespace string, like netip.Addr, match func(netip.Prefix) bool) (op state.AddAddress, ok bool) {
	return planned(v, func(o state.AddAddress) bool {
		a := o.Prefix.Addr()
		return o.Namespace == namespace && a.Is4() == like.Is4() && !state.IsLinkLocal(a) && match(o.Prefix)
	})
}

// altered is the fix if a matching address of a node is there and differs from one that is only added.
func (v view) altered(namespace string, match func(netip.Prefix) bool) (id state.AddressID, fix string, ok bool) {
	rows := v.State[namespace].Addresses
	for _, key := range inOrder(rows) {
		if rows[key].Drift == state.NoDrift || !match(key.Prefix) {
			continue
		}
		id := state.AddressID{Namespace: namespace, AddressKey: key}
		commands := command(state.AddAddress{AddressID: id})
		if rows[key].Drift == state.DriftForGood {
			commands = command(state.DeleteAddress{AddressID: id}) + "; " + commands
		}
		return id, v.withRoutes(fit(drift, commands), state.LinkID{Namespace: namespace, Name: key.Link}), true
	}
	return id, "", false
}

// withRoutes adds to a fix, as far as there is room, the lab's routes over an interface: they go with its address.
func (v view) withRoutes(fix string, link state.LinkID) string {
	rows := v.want()[link.Namespace].Routes
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b state.RouteKey) int {
		return cmp.Or(state.ComparePrefixes(a.Prefix, b.Prefix), cmp.Compare(a.Metric, b.Metric))
	})
	for _, key := range keys {
		op := state.ReplaceRoute{RouteID: state.RouteID{Namespace: link.Namespace, RouteKey: key}, Route: rows[key]}
		if longer := fix + "; " + command(op); fix != drift && follows(op, link) && utf8.RuneCountInString(longer) <= maxText {
			fix = longer
		}
	}
	return fix
}

// missingInterface is the cause if a node sends packets as the lab wants, no path leads there, and the plan makes an
// interface.
func (v view) missingInterface(p packet, from string) Cause {
	for _, op := range v.left {
		var id state.LinkID
		switch o := op.(type) {
		case state.AddBridge:
			id = o.LinkID
		case state.AddVLANLink:
			id = o.LinkID
		case state.AddLink:
			id = o.Ends[0].LinkID
		default:
			continue
		}
		node := state.NodeOf(id.Namespace)
		return Cause{
			Reason:  v1alpha1.ReasonLinkDown,
			Node:    node,
			Message: fmt.Sprintf("interface %s of %s %s, and no path leads from %s to %s", id.Name, node, v.absence(id), state.NodeOf(from), p.destination),
			Fix:     drift,
		}
	}
	return Cause{}
}

// withoutIPv6 is the planned operation that enables IPv6 on an interface again.
func (v view) withoutIPv6(id state.LinkID) (op state.SetSysctl, ok bool) {
	if v.link(id).Settings[state.DisableIPv6].Number() == 0 {
		return op, false
	}
	for _, link := range []string{"", id.Name} { // the namespace's setting sets it on every interface
		key := state.SettingKey{Link: link, Setting: state.DisableIPv6}
		if op, ok := v.plannedSetting(state.SettingID{Namespace: id.Namespace, SettingKey: key}); ok && op.Value == state.Off {
			return op, true
		}
	}
	return op, false
}

// cannotSend tells why a node lacks what it needs to send to an address: IPv6 is disabled, or addresses are
// missing.
func (v view) cannotSend(namespace string, to netip.Addr) (why, fix string, ok bool) {
	for _, id := range v.links[namespace] {
		if on, ok := v.withoutIPv6(id); ok && to.Is6() {
			return fmt.Sprintf(": IPv6 is disabled on its interface %s (%s is %s)", id.Name, on.SettingKey, v.setting(namespace, on.SettingKey).value), v.drifted(on), true
		}
	}
	if lost, ok := v.plannedAddress(namespace, to, func(netip.Prefix) bool { return true }); ok {
		if _, gone := v.made(state.LinkID{Namespace: namespace, Name: lost.Link}); gone {
			id := state.LinkID{Namespace: namespace, Name: lost.Link}
			return fmt.Sprintf(": its interface %s %s", lost.Link, v.absence(id)), v.drifted(lost), true
		}
		return fmt.Sprintf(": address %s is missing on its interface %s", lost.Prefix, lost.Link), v.drifted(lost), true
	}
	return "", "", false
}

// missingAtNeighbour is the cause if the plan adds the address of the next hop to a neighbour, or to another node
// while no node has it.
func (v view) missingAtNeighbour(out state.LinkID, wanted netip.Addr, neighbours []neighbour) Cause {
	for _, l := range neighbours {
		if lost, ok := v.plannedAddress(l.in.Namespace, wanted, func(p netip.Prefix) bool { return p.Addr() == wanted }); ok {
			return v.lost(lost, ", a neighbour of "+state.NodeOf(out.Namespace))
		}
	}
	if v.holds(wanted) {
		return Cause{}
	}
	return v.lostAddress(wanted)
}

// lostAddress is the cause if the plan adds an address to a node.
func (v view) lostAddress(address netip.Addr) Cause {
	lost, ok := planned(v, func(o state.AddAddress) bool { return o.Prefix.Addr() == address && !state.IsLinkLocal(address) })
	if !ok {
		return Cause{}
	}
	return v.lost(lost, "")
}

// lost is the cause for an address that the plan adds.
func (v view) lost(op state.AddAddress, where string) Cause {
	node, id := state.NodeOf(op.Namespace), state.LinkID{Namespace: op.Namespace, Name: op.Link}
	cause := Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: fmt.Sprintf("address %s is missing on interface %s of %s%s", op.Prefix.Addr(), op.Link, node, where),
		Fix:     v.drifted(op),
	}
	if _, gone := v.made(id); gone {
		cause.Message = fmt.Sprintf("interface %s of %s, to which address %s belongs, %s", op.Link, node, op.Prefix.Addr(), v.absence(id))
	} else if on, ok := v.withoutIPv6(id); ok && op.Prefix.Addr().Is6() {
		cause.Message += fmt.Sprintf(": IPv6 is disabled (%s is %s)", on.SettingKey, v.setting(on.Namespace, on.SettingKey).value)
	} else if mtu := v.link(id).MTU; op.Prefix.Addr().Is6() && mtu < state.MinIPv6MTU {
		cause.Message += fmt.Sprintf(": its MTU %d is too small for IPv6", mtu)
	}
	return cause
}

// bestRoute is a namespace's route to an address: longest prefix, then lowest metric.
func bestRoute(s state.State, namespace string, address netip.Addr) (best state.RouteID, route state.Route, ok bool) {
	best.Namespace = namespace
	for key, r := range s[namespace].Routes {
		if !key.Prefix.Contains(address) {
			continue
		}
		if !ok || key.Prefix.Bits() > best.Prefix.Bits() || key.Prefix == best.Prefix && key.Metric < best.Metric {
			best.RouteKey, route, ok = key, r, true
		}
	}
	return best, route, ok
}

// lostRoute is the fix if the lab's route to an address is missing or different.
func (v view) lostRoute(namespace string, address netip.Addr) (fix string, ok bool) {
	id, route, ok := bestRoute(v.want(), namespace, address)
	if !ok || route.Type != state.Unicast { // to bring back a route that rejects packets is no fix
		return "", false
	}
	return v.otherRoute(id)
}

// otherRoute is the fix if a route is missing or different.
func (v view) otherRoute(id state.RouteID) (fix string, ok bool) {
	if op, ok := planned(v, func(o state.DeleteNextHop) bool { return o.RouteID == id }); ok {
		return v.drifted(op), true
	}
	op, ok := planned(v, func(o state.ReplaceRoute) bool { return o.RouteID == id })
	if fix, first := v.alteredBefore(op); ok && first {
		return fix, true
	}
	return v.drifted(op), ok
}

// alteredBefore is the fix of an altered address on a link of a route: to write the address again takes the route along.
func (v view) alteredBefore(op state.ReplaceRoute) (fix string, ok bool) {
	for _, h := range op.NextHops() {
		for key, row := range v.State[op.Namespace].Addresses {
			if row.Drift == state.DriftForGood && key.Link == h.Link && key.Prefix.Addr().Is4() == op.Prefix.Addr().Is4() {
				_, fix, ok = v.altered(op.Namespace, func(p netip.Prefix) bool { return p == key.Prefix })
				return fix, ok
			}
		}
	}
	return "", false
}

// driftedPort is the fix if a bridge port's VLANs have drifted.
func (v view) driftedPort(port state.LinkID) (fix string, ok bool) {
	op, ok := planned(v, func(o state.SetPortVLAN) bool { return o.Namespace == port.Namespace && o.Link == port.Name })
	return v.drifted(op), ok
}

// unwantedAddress is the planned operation that deletes a matching address of a node.
func (v view) unwantedAddress(namespace string, match func(netip.Prefix) bool) (op state.DeleteAddress, ok bool) {
	return planned(v, func(o state.DeleteAddress) bool { return o.Namespace == namespace && match(o.Prefix) })
}

// withoutAddress is the fix if a node has a duplicate address: the planned deletion, else a change of the
// spec.
func (v view) withoutAddress(namespace string, address netip.Addr, spec string) string {
	op, ok := v.unwantedAddress(namespace, func(p netip.Prefix) bool { return p.Addr() == address })
	if !ok {
		return spec
	}
	return v.drifted(op)
}

func prefixName(p netip.Prefix) string {
	if p.Bits() == 0 {
		return defaultRoute
	}
	return p.String()
}
