// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/netlab-dev/netlab/controllers/state"
)

// maxText is the maximum length of a message or fix, in characters.
const maxText = 300

// shorten truncates a text that is too long.
func shorten(text string) string {
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text)[:maxText-3]) + "..."
}

// byHand is between the change of the spec and the command of a fix.
const byHand = "; by hand: "

// fit joins the change of the spec and, if there is room for it, the command with the same effect. A
// truncated command would be worse than none.
func fit(spec, command string) string {
	if both := spec + byHand + command; utf8.RuneCountInString(both) <= maxText {
		return both
	}
	return shorten(spec)
}

// findable puts in front of a fix's command the symlinks that it needs: without one, ip finds no namespace by its name.
func findable(fix string, left []state.Op) string {
	spec, commands, ok := strings.Cut(fix, byHand)
	if !ok {
		return fix
	}
	for _, op := range left {
		if link, is := op.(state.AddSymlink); is && strings.Contains(commands, link.Name+" ") {
			commands = command(link) + "; " + commands
		}
	}
	if len(commands)+len(spec)+len(byHand) > maxText {
		return spec
	}
	return spec + byHand + commands
}

// settingFix sets a setting: to the wanted value if it has drifted, else to the given one.
func (v view) settingFix(namespace, spec string, key state.SettingKey, value state.Value) string {
	id := state.SettingID{Namespace: namespace, SettingKey: key}
	if op, ok := v.plannedSetting(id); ok {
		return v.drifted(op)
	}
	return fit("in the spec, "+spec, command(state.SetSysctl{SettingID: id, Value: value}))
}

const defaultRoute = "default"

// destination is the destination of a route to an address: default on a node with one interface, else the
// subnet of the address.
func (v view) destination(namespace string, address netip.Addr) string {
	if len(v.ends(namespace)) == 1 {
		return defaultRoute
	}
	subnet := netip.PrefixFrom(address, address.BitLen())
	for id := range v.State.Addresses() {
		if id.Prefix.Addr() == address && id.Prefix.Bits() < subnet.Bits() {
			subnet = id.Prefix.Masked()
		}
	}
	return subnet.String()
}

// onlyNeighbour is the only neighbour of a node with one interface, or the only router among several.
func (v view) onlyNeighbour(namespace string, address netip.Addr) []neighbour {
	ends := v.ends(namespace)
	if len(ends) != 1 {
		return nil
	}
	neighbours := newFlood(v, 0, isDown).from(ends[0])
	if len(neighbours) > 1 {
		neighbours = slices.DeleteFunc(neighbours, func(l neighbour) bool { return !v.isRouter(l.in.Namespace, address) })
	}
	if len(neighbours) > 1 {
		return nil
	}
	return neighbours
}

// isRouter reports whether a node forwards packets of an address's family.
func (v view) isRouter(namespace string, address netip.Addr) bool {
	if address.Is4() {
		return v.State[namespace].Settings[state.IPv4Forwarding] == state.On
	}
	return v.State[namespace].Settings[state.IPv6Forwarding] == state.On
}

// gatewayOn is the address of a neighbour that can be the gateway to an address: one in a subnet of the
// sender's interface, or, if the neighbour has none of the family, its IPv6 link-local one, which IPv4 can
// use too (RFC 8950). "via" in a spec resolves to the same address.
func (v view) gatewayOn(l neighbour, address netip.Addr) (netip.Addr, bool) {
	hidden := false
	for _, p := range v.addresses[l.in] {
		if a := p.Addr(); a.Is4() != address.Is4() || state.IsLinkLocal(a) || !v.onSubnet(l.out, a) {
			continue
		}
		if hidden = v.isHidden(l.out, p.Addr()); !hidden {
			return p.Addr(), true
		}
	}
	if _, other := v.addressOf(l.in, address); other && !hidden || !v.linkLocal(l.out).IsValid() {
		return netip.Addr{}, false
	}
	return v.linkLocal(l.in), v.linkLocal(l.in).IsValid()
}

// isHidden reports whether a node has a longer route for an IPv6 address than the prefix of its interface. The kernel
// then refuses the address as a gateway (ip6_route_check_nh).
func (v view) isHidden(out state.LinkID, gateway netip.Addr) bool {
	own, ok := v.covering(out, gateway)
	if !ok || gateway.Is4() {
		return false
	}
	longer := func(p netip.Prefix) bool { return p.Contains(gateway) && p.Bits() > own.Bits() }
	for key := range v.State[out.Namespace].Routes {
		if longer(key.Prefix) {
			return true
		}
	}
	for key := range v.State[out.Namespace].Addresses {
		if key.Link != out.Name && longer(key.Prefix) {
			return true
		}
	}
	return false
}

// linkLocal is an interface's IPv6 link-local address, the zero Addr without one.
func (v view) linkLocal(id state.LinkID) netip.Addr {
	for _, p := range v.addresses[id] {
		if state.IsLinkLocal(p.Addr()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// hop formats a route as arguments of ip route. A gateway needs its interface if it is link-local, or in prefixes of
// several. With an IPv6 gateway, ip reads "default" as IPv6's.
func (v view) hop(out state.LinkID, via, address netip.Addr, to string) string {
	elsewhere := func(id state.LinkID) bool { return id != out && v.onSubnet(id, via) }
	switch {
	case !state.IsLinkLocal(via) && slices.ContainsFunc(v.links[out.Namespace], elsewhere):
		return fmt.Sprintf("%s via %s dev %s", to, via, out.Name)
	case !state.IsLinkLocal(via):
		return fmt.Sprintf("%s via %s", to, via)
	case address.Is6():
		return fmt.Sprintf("%s via %s dev %s", to, via, out.Name)
	case to == defaultRoute:
		to = "0.0.0.0/0"
	}
	return fmt.Sprintf("%s via inet6 %s dev %s", to, via, out.Name)
}
