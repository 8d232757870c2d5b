// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// drift is what to do about something that the spec has and the kernel has not, beside doing it by hand.
const drift = "the spec is right and the kernel was changed: up -f repairs it, in a cluster driftPolicy: Correct"

// fix is what to do: nothing has to be written into the spec of a lab that has drifted.
func (v view) fix(drifted bool, spec, command string) string {
	if drifted {
		spec = drift
	}
	return fit(spec, command)
}

// inSpec is what to write in the spec about routes: Auto would do it, where it is not there already.
func (v view) inSpec(what string) string {
	if v.lab != nil && v.lab.Routing == v1alpha1.RoutingAuto {
		return "in the spec, " + what
	}
	return "in the spec, routing: Auto, or " + what
}

// wants is an interface as the lab has it; zero if that is not known.
func (v view) wants(id state.LinkID) state.Link {
	if v.lab == nil {
		return state.Link{}
	}
	return v.lab.Want[id.Namespace].Links[id.Name]
}

// wantedSysctl is a setting as the lab has it, and whether the kernel has another.
func (v view) wantedSysctl(namespace, name string) (value string, drifted bool) {
	if v.lab == nil {
		return "", false
	}
	value, known := v.lab.Want[namespace].Sysctls[name]
	return value, known && value != v.sysctl(namespace, name)
}

// lostAddresses lists, in order, what a namespace should have for an address's family and has not.
func (v view) lostAddresses(namespace string, like netip.Addr) (lost []state.AddressID) {
	if v.lab == nil {
		return nil
	}
	for key := range v.lab.Want[namespace].Addresses {
		_, there := v.State[namespace].Addresses[key]
		if !there && key.Prefix.Addr().Is4() == like.Is4() && !state.IsLinkLocal(key.Prefix.Addr()) {
			lost = append(lost, state.AddressID{Namespace: namespace, AddressKey: key})
		}
	}
	slices.SortFunc(lost, func(a, b state.AddressID) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	return lost
}

// lostLinkLocal is the link-local address that an interface should have and has not.
func (v view) lostLinkLocal(link state.LinkID) (lost state.AddressID, ok bool) {
	if v.lab == nil {
		return lost, false
	}
	for key := range v.lab.Want[link.Namespace].Addresses {
		if key.Link == link.Name && state.IsLinkLocal(key.Prefix.Addr()) && (!ok || key.Prefix.Addr().Less(lost.Prefix.Addr())) {
			lost, ok = state.AddressID{Namespace: link.Namespace, AddressKey: key}, true
		}
	}
	return lost, ok
}

// withoutIPv6 is the setting by which somebody turned IPv6 off at an interface that should have it.
func (v view) withoutIPv6(id state.LinkID) (off setting, ok bool) {
	name := state.LinkSysctl6(id.Name, "disable_ipv6")
	wanted, drifted := v.wantedSysctl(id.Namespace, name)
	if !drifted || wanted != "0" {
		return setting{}, false
	}
	if _, all := v.wantedSysctl(id.Namespace, state.SysctlDisableIPv6); all {
		name = state.SysctlDisableIPv6 // which sets it at every interface
	}
	return setting{name, v.sysctl(id.Namespace, name)}, true
}

// disarmed is why a node has not what it needs to send to an address: IPv6 is off, or addresses are gone.
func (v view) disarmed(namespace string, to netip.Addr) (why, fix string, ok bool) {
	for _, id := range v.links[namespace] {
		if off, ok := v.withoutIPv6(id); ok && to.Is6() {
			return fmt.Sprintf(": IPv6 is off at its interface %s, %s is %s", id.Name, off.name, off.value), v.sysctlFix(namespace, "", off.name, "0"), true
		}
	}
	if lost := v.lostAddresses(namespace, to); len(lost) > 0 {
		return fmt.Sprintf(": its %s on %s is gone", lost[0].Prefix, lost[0].Link), v.fix(true, "", state.AddAddress{AddressID: lost[0]}.String()), true
	}
	return "", "", false
}

// lostBy is the cause where a node looks for an address that a neighbour should have and has not.
func (v view) lostBy(out state.LinkID, wanted netip.Addr, neighbours []leg) Cause {
	node := state.NodeOf(out.Namespace)
	for _, l := range neighbours {
		for _, id := range v.lostAddresses(l.in.Namespace, wanted) {
			if id.Prefix.Addr() != wanted {
				continue
			}
			other := state.NodeOf(id.Namespace)
			cause := Cause{
				Reason:  v1alpha1.ReasonHostUnreachable,
				Node:    other,
				Message: fmt.Sprintf("%s looks for %s on link %s, which %s should have on %s and has not any more", node, wanted, out.Name, other, id.Link),
				Fix:     v.fix(true, "", state.AddAddress{AddressID: id}.String()),
			}
			if off, ok := v.withoutIPv6(state.LinkID{Namespace: id.Namespace, Name: id.Link}); ok && wanted.Is6() {
				cause.Message = fmt.Sprintf("%s looks for %s on link %s, which %s has no more: IPv6 is off there, %s is %s", node, wanted, out.Name, other, off.name, off.value)
				cause.Fix = v.sysctlFix(id.Namespace, "", off.name, "0")
			}
			return cause
		}
	}
	return Cause{}
}

// bestRoute is a namespace's route to an address.
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

// lostRoute is the fix where the lab's route to an address is gone, or another one now.
func (v view) lostRoute(namespace string, address netip.Addr) (fix string, ok bool) {
	if v.lab == nil {
		return "", false
	}
	id, wanted, ok := bestRoute(v.lab.Want, namespace, address)
	if has, there := v.State[id.Namespace].Routes[id.RouteKey]; !ok || there && has == wanted {
		return "", false
	}
	return v.fix(true, "", state.ReplaceRoute{RouteID: id, Route: wanted}.String()), true
}

// otherRoute is the fix where somebody made a route another one.
func (v view) otherRoute(id state.RouteID) (fix string, ok bool) {
	if v.lab == nil {
		return "", false
	}
	wanted, ok := v.lab.Want[id.Namespace].Routes[id.RouteKey]
	if !ok || wanted == v.State[id.Namespace].Routes[id.RouteKey] {
		return "", false
	}
	return v.fix(true, "", state.ReplaceRoute{RouteID: id, Route: wanted}.String()), true
}

// driftedPort is the fix where somebody took a bridge's port out of a VLAN that the lab has it in, or made
// it another kind of member.
func (v view) driftedPort(port state.LinkID) (fix string, ok bool) {
	if v.lab == nil {
		return "", false
	}
	byVLAN := func(a, b state.PortVLANKey) int { return cmp.Compare(a.VLAN, b.VLAN) }
	rows := v.lab.Want[port.Namespace].PortVLANs
	for _, key := range slices.SortedFunc(maps.Keys(rows), byVLAN) {
		has, there := v.State[port.Namespace].PortVLANs[key]
		if key.Link == port.Name && (!there || has != rows[key]) {
			id := state.PortVLANID{Namespace: port.Namespace, PortVLANKey: key}
			return v.fix(true, "", state.SetPortVLAN{PortVLANID: id, PortVLAN: rows[key], Self: v.isBridge(port)}.String()), true
		}
	}
	return "", false
}

// unwantedAddress is the first address that a node should not have and that matches.
func (v view) unwantedAddress(namespace string, match func(netip.Prefix) bool) (wrong state.AddressID, ok bool) {
	if v.lab == nil {
		return wrong, false
	}
	for _, key := range inOrder(v.State[namespace].Addresses) {
		if _, wanted := v.lab.Want[namespace].Addresses[key]; match(key.Prefix) && !wanted {
			return state.AddressID{Namespace: namespace, AddressKey: key}, true
		}
	}
	return wrong, false
}

// unwantedPrefix is an address that a node should not have and whose network an address is in.
func (v view) unwantedPrefix(namespace string, address netip.Addr) (wrong state.AddressID, ok bool) {
	return v.unwantedAddress(namespace, func(p netip.Prefix) bool { return p.Contains(address) })
}

// withoutAddress is the fix where a node has an address it should not have.
func (v view) withoutAddress(namespace string, address netip.Addr, spec string) string {
	wrong, ok := v.unwantedAddress(namespace, func(p netip.Prefix) bool { return p.Addr() == address })
	if !ok {
		return spec
	}
	return v.fix(true, "", state.DeleteAddress{AddressID: wrong}.String())
}

func prefixName(p netip.Prefix) string {
	if p.Bits() == 0 {
		return defaultRoute
	}
	return p.String()
}
