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
	// fault is why the kernel refuses via as a next hop, though a name or a derived route leads to it.
	fault string
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
	case n.refuseSpecial(field+".via", a), e == nil, n.refuseGateway(field+".via", e, a):
		return nil
	}
	return []writtenNextHop{{byFamily: inFamilies(nextHop{end: e, via: a, onLink: true}), weight: 1, byAddress: true}}
}

// refuseSpecial refuses an address that no neighbour can have.
func (n *network) refuseSpecial(field string, a netip.Addr) bool {
	kind := specialGateway(a)
	if kind == "" {
		return false
	}
	n.refuse(field, "write a neighbour's address", "%s is %s address, which no neighbour can have", a, kind)
	return true
}

// inFamilies is a next hop by address in the families that it can serve: an IPv6 one serves IPv4, too
// (RFC 8950).
func inFamilies(h nextHop) map[family]nextHop {
	if h.via.Is4() {
		return map[family]nextHop{ipv4: h}
	}
	return map[family]nextHop{ipv4: h, ipv6: h}
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
	case err == nil && n.refuseSpecial(field+".via", a):
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
		if h, ok := ends[0].nextHopAt(neighbour, f); ok {
			nextHops[f] = h
		}
	}
	if len(nextHops) == 0 {
		n.refuseAbsent(AnyAbsent, field, "write addresses from one prefix at both ends of the link, or its address as via:, with link: and onLink: true", "%s has no address on link %s that %s can reach", name, ends[0].label(), x.name)
	}
	return nextHops
}

// nextHopAt is the first next hop at a neighbour that the kernel accepts; where it accepts none, the first.
func (e *end) nextHopAt(neighbour *node, f family) (first nextHop, ok bool) {
	for _, to := range e.at(neighbour) {
		switch h, found := e.nextHopTo(to, f); {
		case found && h.fault == "":
			return h, true
		case found && !ok:
			first, ok = h, true
		}
	}
	return first, ok
}

func (n *network) viaAddress(field string, x *node, a netip.Addr, link string) map[family]nextHop {
	var ends []*end
	for _, e := range x.ends {
		if byName(link)(e) && (e.isConnected(a) || state.IsLinkLocal(a) && e.linkLocal.IsValid() || n.hasLinkRoute(e, a)) {
			ends = append(ends, e)
		}
	}
	switch {
	case x.hasAddress(a):
		n.refuse(field, n.knownNextHops(x), "next hop %s is an address of %s itself", a, x.name)
		return nil
	case len(ends) > 1:
		n.refuseAbsent(AnyAbsent, field, "add link: with one of them", "next hop %s is reachable over several links: %s", a, strings.Join(linkNames(ends), ", "))
		return nil
	case len(ends) == 1 && n.refuseGateway(field, ends[0], a):
		return nil
	case len(ends) == 1:
		return inFamilies(nextHop{end: ends[0], via: a})
	}
	n.refuseAbsent(AnyAbsent, field, n.reachableNextHop(x, link), "next hop %s is in no connected prefix of %s", a, x.name)
	return nil
}

// hasLinkRoute reports whether a written route to a link makes the address directly reachable.
func (n *network) hasLinkRoute(e *end, a netip.Addr) bool {
	return slices.ContainsFunc(e.node.config.Routes, func(r v1alpha1.Route) bool {
		onLink := r.Link != "" && r.Via == "" && len(r.NextHops) == 0 && routeType(r.Type) == state.Unicast && byName(r.Link)(e)
		return onLink && slices.ContainsFunc(n.prefixesOf(r.To), func(p netip.Prefix) bool {
			return p.Contains(a) && e.node.serves(n.prefixesOf(r.To), familyOf(a))
		})
	})
}

// refuseGateway refuses an address that the kernel does not take as a next hop on the end's link.
func (n *network) refuseGateway(field string, e *end, a netip.Addr) bool {
	fault := e.gatewayFault(a)
	if fault == "" {
		return false
	}
	n.refuse(field, n.knownNextHops(e.node), "next hop %s is %s", a, fault)
	return true
}

// gatewayFault is why the kernel takes no next hop with the address on the end's link; empty where it does.
// IPv4 takes no broadcast address of the node, and before Linux 5.14 no network address; IPv6 takes no
// address of the node, but for a link-local one of another interface.
func (e *end) gatewayFault(a netip.Addr) string {
	if p, ok := e.node.reservedPrefix(a); ok {
		return fmt.Sprintf("the network or broadcast address of %s", p)
	}
	if e.hasAddress(a) || e.node.owns(a) {
		return fmt.Sprintf("an address of %s itself", e.node.name)
	}
	return ""
}

// fewEnds is how many interfaces are compared one by one: most nodes have one to four.
const fewEnds = 4

// reservedPrefix is the prefix of which an address is the network or broadcast address at the node.
func (x *node) reservedPrefix(a netip.Addr) (p netip.Prefix, ok bool) {
	if len(x.ends) > fewEnds {
		p, ok = x.reservedAddresses()[a]
		return p, ok
	}
	return x.findReserved(a)
}

// findReserved is reservedPrefix without a table.
func (x *node) findReserved(a netip.Addr) (p netip.Prefix, ok bool) {
	for _, e := range x.ends {
		for _, p := range e.of(ipv4) {
			if network, broadcast := reserved(p); network.IsValid() && (a == network || a == broadcast) {
				return p.Masked(), true
			}
		}
	}
	return netip.Prefix{}, false
}

// owns is hasAddress for a node that is asked often.
func (x *node) owns(a netip.Addr) bool {
	if len(x.ends) > fewEnds {
		return x.ownAddresses()[a]
	}
	return x.hasAddress(a)
}

// reservedAddresses are the network and broadcast addresses of the node's interfaces, with their prefixes.
func (x *node) reservedAddresses() map[netip.Addr]netip.Prefix {
	if x.reserved == nil {
		x.reserved = map[netip.Addr]netip.Prefix{}
		for _, e := range slices.Backward(x.ends) {
			for _, p := range slices.Backward(e.of(ipv4)) {
				if network, broadcast := reserved(p); network.IsValid() {
					x.reserved[network], x.reserved[broadcast] = p.Masked(), p.Masked()
				}
			}
		}
	}
	return x.reserved
}

// ownAddresses are the addresses of hasAddress.
func (x *node) ownAddresses() map[netip.Addr]bool {
	if x.own == nil {
		x.own = map[netip.Addr]bool{}
		for _, f := range families {
			for a := range x.addresses(f) {
				x.own[a] = true
			}
		}
	}
	return x.own
}

// at are a node's ends on the segment.
func (e *end) at(neighbour *node) (ends []*end) {
	for _, o := range neighbour.ends {
		if o.segment == e.segment {
			ends = append(ends, o)
		}
	}
	return ends
}

// nextHopTo is the next hop of a family at a neighbour's end: its first address in a prefix of e that the
// kernel accepts; where it accepts none of them, the first, with its fault. Where the neighbour has no
// address of the family, it is its link-local address (RFC 8950 for IPv4).
func (e *end) nextHopTo(peer *end, f family) (h nextHop, ok bool) {
	addresses := peer.of(f)
	for _, p := range addresses {
		a := p.Addr()
		if state.IsLinkLocal(a) || !e.isConnected(a) {
			continue
		}
		fault := e.gatewayFault(a)
		if fault == "" {
			return nextHop{end: e, to: peer, via: a}, true
		}
		if !ok {
			h, ok = nextHop{end: e, to: peer, via: a, fault: fault}, true
		}
	}
	if onlyLinkLocal(addresses) && e.linkLocal.IsValid() && peer.linkLocal.IsValid() {
		return nextHop{end: e, to: peer, via: peer.linkLocal.Addr()}, true
	}
	return h, ok
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
				if h, ok := e.nextHopTo(o, f); ok && h.fault == "" && !state.IsLinkLocal(h.via) {
					list = append(list, fmt.Sprintf("%s (%s)", o.node.name, h.via))
				}
			}
		}
	}
	switch {
	case len(x.ends) == 0:
		return "add a link from " + x.name + " to a node with an address"
	case len(list) == 0:
		return "write an address at the neighbour's end of a link of " + x.name + ", in a prefix that both ends share"
	}
	return "write one of " + x.name + "'s neighbours: " + strings.Join(list[:min(len(list), 8)], ", ")
}

// reachableNextHop is a fix: a neighbour, or what makes any address a next hop.
func (n *network) reachableNextHop(x *node, link string) string {
	switch {
	case len(x.ends) == 0:
		return n.knownNextHops(x)
	case link == "":
		return n.knownNextHops(x) + ", or, for an address on a link, link: and onLink: true"
	}
	return n.knownNextHops(x) + ", or, for an address on " + link + ", onLink: true"
}
