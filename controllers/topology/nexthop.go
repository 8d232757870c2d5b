// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// hop is a next hop that has been found: over an end, to an address.
type hop struct {
	end *end
	via netip.Addr
}

// nextHop is how an end's node names the neighbour at the other end as a gateway of a
// family: by its first address that lies in a prefix of the end. Where the neighbour has
// no address of the family on the link, its link-local one serves (RFC 8950 for IPv4).
func (e *end) nextHop(f family) (netip.Addr, bool) {
	peer := e.peer()
	addresses := peer.of(f)
	for _, p := range addresses {
		if !p.Addr().IsLinkLocalUnicast() && e.reaches(p.Addr()) {
			return p.Addr(), true
		}
	}
	if onlyLinkLocal(addresses) && e.linkLocal.IsValid() && peer.linkLocal.IsValid() {
		return peer.linkLocal.Addr(), true
	}
	return netip.Addr{}, false
}

func onlyLinkLocal(addresses []netip.Prefix) bool {
	return !slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return !p.Addr().IsLinkLocalUnicast() })
}

// via resolves what somebody wrote as a next hop of x, for every family in which it can be
// one. It is empty, with the problem noted, when there is none.
func (n *network) via(field string, x *node, via, link string) map[family]hop {
	if link != "" && !slices.ContainsFunc(x.ends, func(e *end) bool { return e.link.name == link }) {
		n.refuse(field+".link", n.known("links at "+x.name, x.linkNames()), "no link %q is plugged into %s", link, x.name)
		return nil
	}
	if a, err := netip.ParseAddr(via); err == nil {
		return n.viaAddress(field+".via", x, a, link)
	}
	return n.viaNode(field+".via", x, via, link)
}

func (n *network) viaNode(field string, x *node, name, link string) map[family]hop {
	neighbour := n.nodeByName[name]
	switch neighbour {
	case nil:
		n.refuse(field, n.known("nodes", n.nodeNames()), "no node is called %q, and it is not an address", name)
		return nil
	case x:
		n.refuse(field, "name a neighbour", "%s cannot be its own next hop", name)
		return nil
	}
	ends := slices.DeleteFunc(slices.Clone(x.ends), func(e *end) bool {
		return e.peer().node != neighbour || (link != "" && e.link.name != link)
	})
	switch {
	case len(ends) == 0:
		n.refuse(field, n.neighbours(x), "%s shares no link with %s", name, x.name)
		return nil
	case len(ends) > 1:
		n.refuse(field, "say over which with link:", "several links lead from %s to %s: %s", x.name, name, strings.Join(linkNames(ends), ", "))
		return nil
	}
	hops := map[family]hop{}
	for _, f := range families {
		if a, ok := ends[0].nextHop(f); ok {
			hops[f] = hop{ends[0], a}
		}
	}
	if len(hops) == 0 {
		n.refuse(field, "give both ends of the link addresses of one prefix", "%s has no address on link %s that %s can reach", name, ends[0].link.name, x.name)
	}
	return hops
}

func (n *network) viaAddress(field string, x *node, a netip.Addr, link string) map[family]hop {
	if slices.ContainsFunc(x.ends, func(e *end) bool { return e.hasAddress(a) }) {
		n.refuse(field, "name a neighbour's address", "%s is an address of %s itself", a, x.name)
		return nil
	}
	var ends []*end
	for _, e := range x.ends {
		onLink := e.reaches(a) || (a.Is6() && a.IsLinkLocalUnicast() && e.linkLocal.IsValid())
		if onLink && (link == "" || e.link.name == link) {
			ends = append(ends, e)
		}
	}
	switch {
	case len(ends) == 0:
		n.refuse(field, n.neighbours(x), "%s is on no prefix that %s is connected to", a, x.name)
		return nil
	case len(ends) > 1:
		n.refuse(field, "say over which with link:", "%s is reached over several links: %s", a, strings.Join(linkNames(ends), ", "))
		return nil
	}
	for _, p := range ends[0].addresses {
		if network, broadcast := reserved(p); a == network || a == broadcast {
			n.refuse(field, n.neighbours(x), "%s is the network or broadcast address of %s", a, p.Masked())
			return nil
		}
	}
	found := hop{ends[0], a}
	if a.Is4() {
		return map[family]hop{ipv4: found}
	}
	return map[family]hop{ipv4: found, ipv6: found}
}

func (e *end) hasAddress(a netip.Addr) bool {
	return e.linkLocal.Addr() == a || slices.ContainsFunc(e.addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

func linkNames(ends []*end) []string {
	names := make([]string, len(ends))
	for i, e := range ends {
		names[i] = e.link.name
	}
	return names
}

func (x *node) linkNames() []string { return linkNames(x.ends) }

// neighbours says which next hops a node has.
func (n *network) neighbours(x *node) string {
	var list []string
	for _, e := range x.ends {
		for _, f := range families {
			if a, ok := e.nextHop(f); ok && !a.IsLinkLocalUnicast() {
				list = append(list, fmt.Sprintf("%s (%s)", e.peer().node.name, a))
			}
		}
	}
	if len(list) == 0 {
		return x.name + " has no neighbour with an address: plug a link into it"
	}
	return "a next hop must be a neighbour: " + strings.Join(list[:min(len(list), 8)], ", ")
}
