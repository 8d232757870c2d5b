// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"github.com/netlab-dev/netlab/controllers/state"
	"net/netip"
	"slices"
	"strings"
)

// hop is a next hop that has been found: over an end, to a neighbour's address. Neither neighbour nor
// address is known where the destination itself is on the link.
type hop struct {
	end, to *end
	via     netip.Addr
	onLink  bool
}

// nextHop is how an end's node names a neighbour on the segment as a gateway of a
// family: by its first address that lies in a prefix of the end. Where the neighbour has
// no address of the family there, its link-local one serves (RFC 8950 for IPv4).
func (e *end) nextHop(peer *end, f family) (netip.Addr, bool) {
	addresses := peer.of(f)
	for _, p := range addresses {
		if !state.IsLinkLocal(p.Addr()) && e.reaches(p.Addr()) {
			return p.Addr(), true
		}
	}
	if onlyLinkLocal(addresses) && e.linkLocal.IsValid() && peer.linkLocal.IsValid() {
		return peer.linkLocal.Addr(), true
	}
	return netip.Addr{}, false
}

func onlyLinkLocal(addresses []netip.Prefix) bool {
	return !slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return !state.IsLinkLocal(p.Addr()) })
}

// via resolves what somebody wrote as a next hop of x, for every family in which it can be
// one. It is empty, with the problem noted, when there is none.
func (n *network) via(field string, x *node, via, link string) map[family]hop {
	if link != "" && !slices.ContainsFunc(x.ends, called(link)) {
		n.refuseAbsent(AnyAbsent, field+".link", n.known("links at "+x.name, x.linkNames()), "no link %q is plugged into %s", link, x.name)
		return nil
	}
	a, err := netip.ParseAddr(via)
	switch {
	case err == nil && a.Zone() != "":
		n.refuse(field+".via", fmt.Sprintf("write via: %s and link: with the link", a.WithZone("")), "%q names an interface", via)
		return nil
	case err == nil:
		return n.viaAddress(field+".via", x, a, link)
	}
	return n.viaNode(field+".via", x, via, link)
}

// called finds ends by the name of their link or of their interface.
func called(link string) func(*end) bool {
	return func(e *end) bool { return link == "" || e.label() == link || e.iface == link }
}

func (n *network) viaNode(field string, x *node, name, link string) map[family]hop {
	neighbour := n.nodeByName[name]
	switch neighbour {
	case nil:
		n.refuseAbsent(NodeAbsent, field, n.known("nodes", NodeNames(n.spec)), "no node is called %q, and it is not an address", name)
		return nil
	case x:
		n.refuse(field, "name a neighbour", "%s cannot be its own next hop", name)
		return nil
	}
	ends := slices.DeleteFunc(slices.Clone(x.ends), func(e *end) bool {
		return len(e.at(neighbour)) == 0 || !called(link)(e)
	})
	switch {
	case len(ends) == 0:
		n.refuseAbsent(AnyAbsent, field, n.neighbours(x), "%s shares no link with %s", name, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "say over which with link:", "several links lead from %s to %s: %s", x.name, name, strings.Join(linkNames(ends), ", "))
		return nil
	}
	hops := map[family]hop{}
	for _, f := range families {
		for _, to := range ends[0].at(neighbour) {
			if a, ok := ends[0].nextHop(to, f); ok {
				hops[f] = hop{end: ends[0], to: to, via: a}
				break
			}
		}
	}
	if len(hops) == 0 {
		n.refuseAbsent(AnyAbsent, field, "give both ends of the link addresses of one prefix", "%s has no address on link %s that %s can reach", name, ends[0].label(), x.name)
	}
	return hops
}

// at are a neighbour's ends on the segment.
func (e *end) at(neighbour *node) []*end {
	return slices.DeleteFunc(slices.Clone(e.segment.ends), func(o *end) bool { return o.node != neighbour })
}

func (n *network) viaAddress(field string, x *node, a netip.Addr, link string) map[family]hop {
	if x.owns(a) {
		n.refuse(field, "name a neighbour's address", "%s is an address of %s itself", a, x.name)
		return nil
	}
	var ends []*end
	for _, e := range x.ends {
		onLink := e.reaches(a) || (state.IsLinkLocal(a) && e.linkLocal.IsValid())
		if onLink && called(link)(e) {
			ends = append(ends, e)
		}
	}
	switch {
	case len(ends) == 0:
		n.refuseAbsent(AnyAbsent, field, n.neighbours(x), "%s is on no prefix that %s is connected to", a, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "say over which with link:", "%s is reached over several links: %s", a, strings.Join(linkNames(ends), ", "))
		return nil
	}
	for _, p := range ends[0].addresses {
		if network, broadcast := reserved(p); a == network || a == broadcast {
			n.refuse(field, n.neighbours(x), "%s is the network or broadcast address of %s", a, p.Masked())
			return nil
		}
	}
	found := hop{end: ends[0], via: a}
	if a.Is4() {
		return map[family]hop{ipv4: found}
	}
	return map[family]hop{ipv4: found, ipv6: found}
}

// owns reports whether a next hop would be one of the node's own interfaces.
func (x *node) owns(a netip.Addr) bool {
	return slices.ContainsFunc(x.ends, func(e *end) bool { return e.hasAddress(a) })
}

func (e *end) hasAddress(a netip.Addr) bool {
	return e.linkLocal.Addr() == a || slices.ContainsFunc(e.addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

func linkNames(ends []*end) []string {
	names := make([]string, len(ends))
	for i, e := range ends {
		names[i] = e.label()
	}
	return names
}

func (x *node) linkNames() []string { return linkNames(x.ends) }

// neighbours says which next hops a node has.
func (n *network) neighbours(x *node) string {
	var list []string
	for _, e := range x.ends {
		for _, o := range e.neighbours() {
			for _, f := range families {
				if a, ok := e.nextHop(o, f); ok && !state.IsLinkLocal(a) {
					list = append(list, fmt.Sprintf("%s (%s)", o.node.name, a))
				}
			}
		}
	}
	if len(list) == 0 {
		return x.name + " has no neighbour with an address: plug a link into it"
	}
	return "a next hop must be a neighbour: " + strings.Join(list[:min(len(list), 8)], ", ")
}
