// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// nextHop is a resolved next hop: an end and the address of a neighbour's end. Both to and via are zero
// where the destination is on the link.
type nextHop struct {
	end, to *end
	via     netip.Addr
	onLink  bool
	weight  int // of a written one; 0 is 1
}

func (h nextHop) row(weight int) state.NextHop {
	return state.NextHop{Link: h.end.iface, Via: h.via, Weight: weight, OnLink: h.onLink}
}

// writtenNextHop is a next hop of the spec, resolved in every family that it can serve.
type writtenNextHop struct {
	byFamily map[family]nextHop
	weight   int
	// byAddress is true for a next hop written as an address, false for a node's name.
	byAddress bool
}

// writtenNextHops resolves the next hops of a route.
func (n *network) writtenNextHops(field string, x *node, r *v1alpha1.Route) []writtenNextHop {
	switch {
	case r.OnLink:
		return n.onLinkNextHop(field, x, r)
	case r.Via != "":
		return n.appendNextHop(nil, field, x, r.Via, r.Link, 1)
	case r.Link != "":
		return n.connectedNextHop(field, x, r.Link)
	}
	var written []writtenNextHop
	for i, h := range r.NextHops {
		field := fieldAt(field, "nextHops", i)
		if h.Weight != 0 {
			n.checkRange(field+".weight", "weight", int(h.Weight), 1, 256)
		}
		written = n.appendNextHop(written, field, x, h.Via, h.Link, max(1, int(h.Weight)))
	}
	return written
}

func (n *network) appendNextHop(written []writtenNextHop, field string, x *node, via, link string, weight int) []writtenNextHop {
	nextHops := n.resolveVia(field, x, via, link)
	if len(nextHops) == 0 {
		return written
	}
	for _, other := range written {
		if sameNextHop(other.byFamily, nextHops) {
			n.refuseAbsent(AnyAbsent, field, "write weight: for a larger share", "next hop %s is listed twice", via)
			return written
		}
	}
	_, err := netip.ParseAddr(via)
	return append(written, writtenNextHop{byFamily: nextHops, weight: weight, byAddress: err == nil})
}

// onLinkNextHop is a next hop that the kernel takes as on the link without checking (RTNH_F_ONLINK).
func (n *network) onLinkNextHop(field string, x *node, r *v1alpha1.Route) []writtenNextHop {
	e := n.endCalled(field+".link", x, r.Link)
	a, err := netip.ParseAddr(r.Via)
	switch {
	case err != nil || a.Zone() != "":
		n.refuse(field+".via", "write the next hop's address", "%q is not an address, and onLink needs one", r.Via)
		return nil
	case specialKind(a) != "":
		n.refuse(field+".via", "write a neighbour's address", "%s is %s address, which no neighbour can have", a, specialKind(a))
		return nil
	case n.refuseOwn(field+".via", x, a), e == nil:
		return nil
	}
	return []writtenNextHop{{byFamily: map[family]nextHop{familyOf(a): {end: e, via: a, onLink: true}}, weight: 1, byAddress: true}}
}

// connectedNextHop is the next hop to a destination that is on a link.
func (n *network) connectedNextHop(field string, x *node, link string) []writtenNextHop {
	e := n.endCalled(field+".link", x, link)
	if e == nil {
		return nil
	}
	return []writtenNextHop{{byFamily: map[family]nextHop{ipv4: {end: e}, ipv6: {end: e}}, weight: 1}}
}

// endCalled finds a node's end by its link; nil, with the problem reported, where there is none.
func (n *network) endCalled(field string, x *node, link string) *end {
	i := slices.IndexFunc(x.ends, byName(link))
	if i < 0 {
		n.refuseAbsent(AnyAbsent, field, choice(x.name+"'s links", x.linkNames(), "add a link to "+x.name), "%s has no link %q", x.name, link)
		return nil
	}
	return x.ends[i]
}

func sameNextHop(a, b map[family]nextHop) bool {
	for f, h := range a {
		if o, ok := b[f]; ok && o.end == h.end && o.via == h.via {
			return true
		}
	}
	return false
}

// dropForeignFamilies leaves next hops the families that are meant under a destination which stands for
// both: an IPv6 address means IPv6, a node's name the families of the node. A router without IPv4 has no
// IPv4 routes onward, so it would drop IPv4 packets. IPv4 over an IPv6 next hop needs an IPv4 prefix as
// destination.
func dropForeignFamilies(written []writtenNextHop) {
	for _, h := range written {
		maps.DeleteFunc(h.byFamily, func(f family, next nextHop) bool {
			if h.byAddress {
				return f == ipv4 && next.via.Is6()
			}
			return next.to != nil && !next.to.node.has(f)
		})
	}
}

// resolveVia resolves a via of x for every family that it can serve. It is empty, with the problem
// reported, where there is none.
func (n *network) resolveVia(field string, x *node, via, link string) map[family]nextHop {
	if link != "" && n.endCalled(field+".link", x, link) == nil {
		return nil
	}
	a, err := netip.ParseAddr(via)
	switch {
	case err == nil && a.Zone() != "":
		n.refuse(field+".via", fmt.Sprintf("write via: %s and link: with the name of the link", a.WithZone("")), "next hop %q has a zone", via)
		return nil
	case err == nil:
		return n.viaAddress(field+".via", x, a, link)
	}
	return n.viaNode(field+".via", x, via, link)
}

func (n *network) viaNode(field string, x *node, name, link string) map[family]nextHop {
	neighbour := n.nodeByName[name]
	switch neighbour {
	case nil:
		n.refuseAbsent(NodeAbsent, field, n.knownNodes(), "%q is neither a node nor an address", name)
		return nil
	case x:
		n.refuse(field, "write a neighbour", "%s cannot be its own next hop", name)
		return nil
	}
	ends := slices.DeleteFunc(slices.Clone(x.ends), func(e *end) bool {
		return len(e.at(neighbour)) == 0 || !byName(link)(e)
	})
	switch {
	case len(ends) == 0:
		n.refuseAbsent(AnyAbsent, field, n.knownNextHops(x), "%s shares no link with %s", name, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "add link: with one of them", "several links connect %s and %s: %s", x.name, name, strings.Join(linkNames(ends), ", "))
		return nil
	}
	nextHops := map[family]nextHop{}
	for _, f := range families {
		for _, to := range ends[0].at(neighbour) {
			if a, ok := ends[0].gatewayTo(to, f); ok {
				nextHops[f] = nextHop{end: ends[0], to: to, via: a}
				break
			}
		}
	}
	if len(nextHops) == 0 {
		n.refuseAbsent(AnyAbsent, field, "write addresses from one prefix at both ends of the link", "%s has no address on link %s that %s can reach", name, ends[0].label(), x.name)
	}
	return nextHops
}

func (n *network) viaAddress(field string, x *node, a netip.Addr, link string) map[family]nextHop {
	if n.refuseOwn(field, x, a) {
		return nil
	}
	var ends []*end
	for _, e := range x.ends {
		onLink := e.isConnected(a) || (state.IsLinkLocal(a) && e.linkLocal.IsValid())
		if onLink && byName(link)(e) {
			ends = append(ends, e)
		}
	}
	switch {
	case len(ends) == 0:
		n.refuseAbsent(AnyAbsent, field, n.knownNextHops(x), "next hop %s is in no connected prefix of %s", a, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "add link: with one of them", "next hop %s is reachable over several links: %s", a, strings.Join(linkNames(ends), ", "))
		return nil
	}
	for _, p := range ends[0].addresses {
		if network, broadcast := reserved(p); a == network || a == broadcast {
			n.refuse(field, n.knownNextHops(x), "next hop %s is the network or broadcast address of %s", a, p.Masked())
			return nil
		}
	}
	found := nextHop{end: ends[0], via: a}
	if a.Is4() {
		return map[family]nextHop{ipv4: found}
	}
	return map[family]nextHop{ipv4: found, ipv6: found}
}

// refuseOwn refuses an address of the node itself as its next hop.
func (n *network) refuseOwn(field string, x *node, a netip.Addr) bool {
	if !x.owns(a) {
		return false
	}
	n.refuse(field, "write a neighbour's address", "%s is an address of %s itself", a, x.name)
	return true
}

// at are a node's ends on the segment.
func (e *end) at(neighbour *node) []*end {
	return slices.DeleteFunc(slices.Clone(e.segment.ends), func(o *end) bool { return o.node != neighbour })
}

// gatewayTo is the address of a neighbour's end as a gateway of a family: its first address in a prefix of
// e. Where the neighbour has none of the family, it is its link-local address (RFC 8950 for IPv4).
func (e *end) gatewayTo(peer *end, f family) (netip.Addr, bool) {
	addresses := peer.of(f)
	for _, p := range addresses {
		if !state.IsLinkLocal(p.Addr()) && e.isConnected(p.Addr()) {
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

// knownNextHops is a fix: the neighbours to choose from.
func (n *network) knownNextHops(x *node) string {
	var list []string
	for _, e := range x.ends {
		for o := range e.neighbours() {
			for _, f := range families {
				if a, ok := e.gatewayTo(o, f); ok && !state.IsLinkLocal(a) {
					list = append(list, fmt.Sprintf("%s (%s)", o.node.name, a))
				}
			}
		}
	}
	if len(list) == 0 {
		return "add a link from " + x.name + " to a node with an address"
	}
	return "write one of " + x.name + "'s neighbours: " + strings.Join(list[:min(len(list), 8)], ", ")
}
