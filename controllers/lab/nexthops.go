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

// nextHop is a next hop that has been found: over an end, to a neighbour's address. Neither neighbour nor
// address is known where the destination itself is on the link.
type nextHop struct {
	end, to *end
	via     netip.Addr
	onLink  bool
}

// writtenNextHop is a written next hop, in every family it can serve.
type writtenNextHop struct {
	nextHops map[family]nextHop
	weight   int
	// byAddress says that the next hop was written as an address, not as a node's name.
	byAddress bool
}

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
		field := fieldAt(field+".nextHops", i)
		if h.Weight < 0 || h.Weight > 256 {
			n.refuse(field+".weight", "", "a weight is 1 to 256, not %d", h.Weight)
			continue
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
		if sameNextHop(other.nextHops, nextHops) {
			n.refuseAbsent(AnyAbsent, field, "use weight: for a larger share", "%s is there twice", via)
			return written
		}
	}
	_, err := netip.ParseAddr(via)
	return append(written, writtenNextHop{nextHops: nextHops, weight: weight, byAddress: err == nil})
}

// onLinkNextHop is a next hop that is on the link because somebody says so (RTNH_F_ONLINK).
func (n *network) onLinkNextHop(field string, x *node, r *v1alpha1.Route) []writtenNextHop {
	e := n.endCalled(field, x, r.Link)
	a, err := netip.ParseAddr(r.Via)
	switch {
	case err != nil || a.Zone() != "":
		n.refuse(field+".via", "write the next hop's address", "%q is not an address, and onLink needs one", r.Via)
		return nil
	case !isUnicast(a):
		n.refuse(field+".via", "write a neighbour's address", "%s is an address that no neighbour can have", a)
		return nil
	case x.owns(a):
		n.refuse(field+".via", "write a neighbour's address", "%s is an address of %s itself", a, x.name)
		return nil
	case e == nil:
		return nil
	}
	return []writtenNextHop{{nextHops: map[family]nextHop{familyOf(a): {end: e, via: a, onLink: true}}, weight: 1, byAddress: true}}
}

// connectedNextHop is for a destination that is itself on a link.
func (n *network) connectedNextHop(field string, x *node, link string) []writtenNextHop {
	e := n.endCalled(field, x, link)
	if e == nil {
		return nil
	}
	return []writtenNextHop{{nextHops: map[family]nextHop{ipv4: {end: e}, ipv6: {end: e}}, weight: 1}}
}

// endCalled finds a node's end by its link; nil, with the problem noted, when there is none.
func (n *network) endCalled(field string, x *node, link string) *end {
	i := slices.IndexFunc(x.ends, byName(link))
	if i < 0 {
		n.refuseAbsent(AnyAbsent, field+".link", n.known("links at "+x.name, x.linkNames()), "no link %q is plugged into %s", link, x.name)
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
// both: an IPv6 address means IPv6, a node the families it has. A router without IPv4 gets no IPv4
// route by a name either, so IPv4 that was sent to it would end there. An IPv4 prefix over
// such a next hop is written as a prefix.
func dropForeignFamilies(written []writtenNextHop) {
	for _, l := range written {
		maps.DeleteFunc(l.nextHops, func(f family, h nextHop) bool {
			if l.byAddress {
				return f == ipv4 && h.via.Is6()
			}
			return h.to != nil && !h.to.node.has(f)
		})
	}
}

// resolveVia resolves what somebody wrote as a next hop of x, for every family in which it can be
// one. It is empty, with the problem noted, when there is none.
func (n *network) resolveVia(field string, x *node, via, link string) map[family]nextHop {
	if link != "" && !slices.ContainsFunc(x.ends, byName(link)) {
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

func (n *network) viaNode(field string, x *node, name, link string) map[family]nextHop {
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
		return len(e.at(neighbour)) == 0 || !byName(link)(e)
	})
	switch {
	case len(ends) == 0:
		n.refuseAbsent(AnyAbsent, field, n.knownNextHops(x), "%s shares no link with %s", name, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "say over which with link:", "several links lead from %s to %s: %s", x.name, name, strings.Join(linkNames(ends), ", "))
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
		n.refuseAbsent(AnyAbsent, field, "give both ends of the link addresses of one prefix", "%s has no address on link %s that %s can reach", name, ends[0].label(), x.name)
	}
	return nextHops
}

func (n *network) viaAddress(field string, x *node, a netip.Addr, link string) map[family]nextHop {
	if x.owns(a) {
		n.refuse(field, "name a neighbour's address", "%s is an address of %s itself", a, x.name)
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
		n.refuseAbsent(AnyAbsent, field, n.knownNextHops(x), "%s is on no prefix that %s is connected to", a, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "say over which with link:", "%s is reached over several links: %s", a, strings.Join(linkNames(ends), ", "))
		return nil
	}
	for _, p := range ends[0].addresses {
		if network, broadcast := reserved(p); a == network || a == broadcast {
			n.refuse(field, n.knownNextHops(x), "%s is the network or broadcast address of %s", a, p.Masked())
			return nil
		}
	}
	found := nextHop{end: ends[0], via: a}
	if a.Is4() {
		return map[family]nextHop{ipv4: found}
	}
	return map[family]nextHop{ipv4: found, ipv6: found}
}

// at are a neighbour's ends on the segment.
func (e *end) at(neighbour *node) []*end {
	return slices.DeleteFunc(slices.Clone(e.segment.ends), func(o *end) bool { return o.node != neighbour })
}

// gatewayTo is how an end's node names a neighbour on the segment as a gateway of a
// family: by its first address that lies in a prefix of the end. Where the neighbour has
// no address of the family there, its link-local one serves (RFC 8950 for IPv4).
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

// knownNextHops says which next hops a node has.
func (n *network) knownNextHops(x *node) string {
	var list []string
	for _, e := range x.ends {
		for _, o := range e.neighbours() {
			for _, f := range families {
				if a, ok := e.gatewayTo(o, f); ok && !state.IsLinkLocal(a) {
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
