// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// interior is what one namespace's kernel says, before it is known whose each thing is.
type interior struct {
	door      *door
	links     []rawLink
	addresses []rawAddress
	routes    []rawRoute
	// local are the IPv4 addresses that the kernel takes packets for.
	local     map[netip.Addr]bool
	portVLANs []portVLAN
	qdiscs    map[int]state.Qdisc
	// names are the links' names by index.
	names map[int]string
	// peers are the links' other ends by index; none for those that have none in the lab.
	peers map[int]state.LinkID
	// ours are the indexes of the lab's links, lo included.
	ours map[int]bool
}

// readInterior reads a namespace. A read that met a change is begun again, on a new socket:
// the old one may hold the rest of an answer.
func (o *observer) readInterior(name string) error {
	for attempt := 1; ; attempt++ {
		in, err := o.readOnce(name)
		if err == nil {
			o.interiors = append(o.interiors, in)
			return o.readSettings(in)
		}
		if !errors.Is(err, rtnl.ErrInterrupted) || attempt == maxReads {
			return err
		}
		if err := o.visit.close(name); err != nil {
			return err
		}
	}
}

// readSettings must come before the thread goes on to the next namespace.
func (o *observer) readSettings(in *interior) error {
	if err := in.door.readSysctls(in.loopback(), o.found.State.Sysctls); err != nil {
		return err
	}
	for _, l := range in.links {
		if l.kind == "bridge" && l.group == state.LinkGroup {
			return in.door.readBridgeSysctls(o.found.State.Sysctls)
		}
	}
	return nil
}

// loopback is lo; the zero link if it is not among the links.
func (in *interior) loopback() rawLink {
	for _, l := range in.links {
		if l.loopback {
			return l
		}
	}
	return rawLink{}
}

func (o *observer) readOnce(name string) (*interior, error) {
	d, err := o.visit.enter(name)
	if err != nil {
		return nil, err
	}
	in := &interior{door: d, names: map[int]string{}, peers: map[int]state.LinkID{}, ours: map[int]bool{}}
	if in.links, err = d.conn.links(); err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	if err := in.wake(); err != nil {
		return nil, err
	}
	if in.addresses, err = d.conn.addresses(); err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	if in.routes, in.local, err = d.conn.routes(); err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	if in.portVLANs, in.qdiscs, err = d.conn.layers(in.links); err != nil {
		return nil, err
	}
	for _, l := range in.links {
		in.names[l.index] = l.name
	}
	return in, in.check()
}

// wake asks for each link that is waking by itself: before it answers that, a kernel works out what the
// link's carrier means (linkwatch_sync_dev, since Linux 6.8), which otherwise can take it a second.
func (in *interior) wake() error {
	for i, l := range in.links {
		if !l.waking() {
			continue
		}
		link, err := in.door.conn.link(l.index)
		if rtnl.IsGone(err) {
			return rtnl.ErrInterrupted
		}
		if err != nil {
			return fmt.Errorf("look at %s again: %w", l.name, err)
		}
		in.links[i] = link
	}
	return nil
}

// layers lists memberships in VLANs and queueing disciplines, where the links say that there are any.
func (c *conn) layers(links []rawLink) (vlans []portVLAN, qdiscs map[int]state.Qdisc, err error) {
	if slices.ContainsFunc(links, func(l rawLink) bool { return l.kind == "bridge" }) {
		if vlans, err = c.portVLANs(); err != nil {
			return nil, nil, fmt.Errorf("list VLANs: %w", err)
		}
	}
	if slices.ContainsFunc(links, func(l rawLink) bool { return !slices.Contains(bornQdiscs, l.qdisc) }) {
		if qdiscs, err = c.rootQdiscs(); err != nil {
			return nil, nil, fmt.Errorf("list queueing disciplines: %w", err)
		}
	}
	return vlans, qdiscs, nil
}

// check looks for links that were added between one list and the next.
func (in *interior) check() error {
	for _, a := range in.addresses {
		if _, known := in.names[a.index]; !known {
			return rtnl.ErrInterrupted
		}
	}
	for _, r := range in.routes {
		for _, h := range r.hops {
			if _, known := in.names[h.index]; !known {
				return rtnl.ErrInterrupted
			}
		}
	}
	return nil
}

// observeInteriors says whose each thing is, once all namespaces are known.
func (o *observer) observeInteriors() error {
	if err := o.resolvePeers(); err != nil {
		return err
	}
	o.claimLinks()
	for _, in := range o.interiors {
		o.addLinks(in)
		o.addPortVLANs(in)
		o.addAddresses(in)
		o.addRoutes(in)
	}
	return nil
}

// resolvePeers finds each veth's other end. Indexes are only unique within a namespace, so
// those of two ends pointing at each other make a candidate, and the kernel's id for the
// peer's namespace decides. In a lab of many small namespaces nearly every end is a candidate
// for nearly every other, so the likely ones are asked about first: asking all would take
// seconds for some hundred of them.
func (o *observer) resolvePeers() error {
	candidates := newPeerCandidates(o.interiors)
	for _, in := range o.interiors {
		for _, l := range in.links {
			if _, known := in.peers[l.index]; known || !l.isVeth() {
				continue
			}
			wanted := o.want.Links[state.LinkID{Namespace: in.door.name, Name: l.name}].Peer.Namespace
			if err := in.resolvePeer(l, candidates.of(l, wanted), o.nsids); err != nil {
				return fmt.Errorf("find the peer of %s in %s: %w", l.name, in.door.name, err)
			}
		}
	}
	return nil
}

// ends names two ends of a pair by their indexes, as each end sees it.
type ends struct{ own, peer int }

// namedEnds are ends whose own interface has a name.
type namedEnds struct {
	ends
	name string
}

// peerCandidates are the namespaces that have an end that fits.
type peerCandidates struct {
	byName   map[string]*interior
	byEnds   map[ends][]*interior
	sameName map[namedEnds][]*interior
}

func newPeerCandidates(interiors []*interior) peerCandidates {
	c := peerCandidates{map[string]*interior{}, map[ends][]*interior{}, map[namedEnds][]*interior{}}
	for _, in := range interiors {
		c.byName[in.door.name] = in
		for _, l := range in.links {
			if l.isVeth() {
				pair := ends{l.index, l.peerIndex}
				c.byEnds[pair] = append(c.byEnds[pair], in)
				c.sameName[namedEnds{pair, l.name}] = append(c.sameName[namedEnds{pair, l.name}], in)
			}
		}
	}
	return c
}

// of yields where a link's peer can be, likely places first: where it is wanted to be, where an
// interface of the same name fits, anywhere else. A place may come twice.
func (c peerCandidates) of(l rawLink, wanted string) iter.Seq[*interior] {
	pair := ends{l.peerIndex, l.index}
	return func(yield func(*interior) bool) {
		if in, ok := c.byName[wanted]; ok && in.has(pair) && !yield(in) {
			return
		}
		for _, likely := range [][]*interior{c.sameName[namedEnds{pair, l.name}], c.byEnds[pair]} {
			for _, in := range likely {
				if !yield(in) {
					return
				}
			}
		}
	}
}

func (in *interior) has(pair ends) bool {
	return slices.ContainsFunc(in.links, func(l rawLink) bool {
		return l.isVeth() && pair == ends{l.index, l.peerIndex}
	})
}

// resolvePeer picks the namespace of a link's peer. That end's peer is then known as well.
func (in *interior) resolvePeer(l rawLink, candidates iter.Seq[*interior], ids nsids) error {
	for other := range candidates {
		if _, taken := other.peers[l.peerIndex]; taken {
			continue
		}
		same, err := ids.is(in.door, l.peerNamespace, other.door)
		if err != nil {
			return err
		}
		if same {
			in.peers[l.index] = state.LinkID{Namespace: other.door.name, Name: other.names[l.peerIndex]}
			other.peers[l.peerIndex] = state.LinkID{Namespace: in.door.name, Name: l.name}
			return nil
		}
	}
	return nil
}

func (l rawLink) isVeth() bool { return l.kind == "veth" && l.peerIndex != 0 }

// nsids remembers what one namespace calls another.
type nsids map[[2]*door]int32

// is asks whether in's nsid means other.
func (ids nsids) is(in *door, nsid int32, other *door) (bool, error) {
	if nsid == rtnl.NoNSID || in == other {
		return nsid == rtnl.NoNSID && in == other, nil
	}
	key := [2]*door{in, other}
	known, ok := ids[key]
	if !ok {
		var err error
		if known, err = in.conn.NSID(int(other.ns)); err != nil {
			return false, err
		}
		ids[key] = known
	}
	return known == nsid, nil
}

// claimLinks decides which links are the lab's: lo, those with our group, and those whose
// peer has it, because then somebody changed the group.
func (o *observer) claimLinks() {
	marked := map[state.LinkID]bool{}
	for _, in := range o.interiors {
		for _, l := range in.links {
			if l.group == state.LinkGroup {
				marked[state.LinkID{Namespace: in.door.name, Name: l.name}] = true
			}
		}
	}
	for _, in := range o.interiors {
		for _, l := range in.links {
			in.ours[l.index] = l.loopback || l.group == state.LinkGroup || marked[in.peers[l.index]]
		}
	}
}

func (o *observer) addLinks(in *interior) {
	for _, l := range in.links {
		id := state.LinkID{Namespace: in.door.name, Name: l.name}
		o.addAlternativeNames(id, l)
		if !in.ours[l.index] {
			o.addForeignLink(id, l)
			continue
		}
		o.found.State.Links[id] = in.row(l)
		o.found.Index[id] = l.index
		if q, ok := in.qdiscs[l.index]; ok {
			o.found.State.Qdiscs[id] = q
		}
		if l.kind == "bridge" {
			o.found.State.Bridges[id] = l.bridge
		}
		o.addOverrides(in, id, l)
		switch {
		case l.settles():
			o.found.Settling = append(o.found.Settling, id)
		case l.portState == portBlocking:
			o.found.Blocked = append(o.found.Blocked, id)
		}
		if l.up {
			o.found.Carrier[id] = l.carrier
		}
		if !l.loopback {
			o.addLinkSysctls(id, l)
		}
	}
}

func (in *interior) row(l rawLink) state.Link {
	row := state.Link{
		Kind: l.linkKind(), Peer: in.peers[l.index], MAC: l.mac, MTU: l.mtu, Group: l.group, Master: in.names[l.master], Up: l.up,
	}
	if row.Kind == state.VLANLink {
		row.Parent, row.VLAN = in.names[l.peerIndex], l.vlan
	}
	return row
}

// addPortVLANs takes those of the lab's own bridges and ports.
func (o *observer) addPortVLANs(in *interior) {
	for _, v := range in.portVLANs {
		if in.ours[v.index] {
			id := state.PortVLANID{Namespace: in.door.name, Link: in.names[v.index], VLAN: v.vlan}
			o.found.State.PortVLANs[id] = v.row
		}
	}
}

func (o *observer) addForeignLink(id state.LinkID, l rawLink) {
	if _, wanted := o.want.Links[id]; wanted {
		o.conflict(fmt.Sprintf("interface %s in %s", id.Name, id.Namespace), "a link NetLab did not make"+l.describe())
		return
	}
	o.foreign("%s: link %s%s", id.Namespace, id.Name, l.describe())
}

// addAlternativeNames reports those that the lab needs: no two links of a namespace can have one
// name, alternative or not.
func (o *observer) addAlternativeNames(id state.LinkID, l rawLink) {
	for _, name := range l.alternativeNames {
		if _, wanted := o.want.Links[state.LinkID{Namespace: id.Namespace, Name: name}]; wanted {
			o.conflict(fmt.Sprintf("interface %s in %s", name, id.Namespace), "an alternative name of "+id.Name+l.describe())
		}
	}
}

func (l rawLink) describe() string {
	if l.kind == "" {
		return ""
	}
	return " (" + l.kind + ")"
}

// addLinkSysctls writes a link's settings. One too small for IPv6 has none of IPv6's; in a
// kernel without IPv6 the others have what they would be born with.
func (o *observer) addLinkSysctls(id state.LinkID, l rawLink) {
	for _, key := range state.LinkSysctls4 {
		o.found.State.Sysctls[state.SysctlID{Namespace: id.Namespace, Name: state.LinkSysctl4(id.Name, key)}] = l.settings4[key]
	}
	values := l.settings6
	if values == nil && l.mtu >= state.MinIPv6MTU {
		values = bornLinkSettings6
	}
	for key, value := range values {
		o.found.State.Sysctls[state.SysctlID{Namespace: id.Namespace, Name: state.LinkSysctl6(id.Name, key)}] = value
	}
}

// bornLinkSettings6 are a new link's IPv6 settings in a new namespace.
var bornLinkSettings6 = func() map[string]string {
	link := state.LinkID{Namespace: "namespace", Name: "link"}
	end := state.LinkEnd{LinkID: link, MTU: state.MinIPv6MTU}
	born := state.NewState().With(state.CreateNamespace{Name: link.Namespace}).
		With(state.AddLink{Ends: [2]state.LinkEnd{end, end}})
	values := map[string]string{}
	for _, key := range state.LinkSysctls6 {
		values[key] = born.Sysctls[state.SysctlID{Namespace: link.Namespace, Name: state.LinkSysctl6(link.Name, key)}]
	}
	return values
}()

// addAddresses takes those on the lab's links. The kernel lists an interface's IPv4 addresses in
// their order; IPv6 has none that matters.
func (o *observer) addAddresses(in *interior) {
	order := map[int]int{}
	prefixRoutes := in.prefixRoutes()
	byIndex := map[int]rawLink{}
	for _, l := range in.links {
		byIndex[l.index] = l
	}
	for _, a := range in.addresses {
		link := byIndex[a.index]
		if !in.ours[a.index] || a.kernelMade(link) {
			continue
		}
		row := state.Address{Altered: in.altered(link, a), Unrouted: o.unrouted(in, link, a, prefixRoutes)}
		if a.prefix.Addr().Is4() {
			row.Order = order[a.index]
			order[a.index]++
		}
		o.found.State.Addresses[state.AddressID{Namespace: in.door.name, Link: link.name, Prefix: a.prefix}] = row
		if a.flags&unix.IFA_F_DADFAILED != 0 {
			o.foreign("%s: address %s on %s is in use by somebody else on the link", in.door.name, a.prefix, link.name)
		}
	}
}

// addRoutes takes those with our protocol, and any other in the place of a wanted one: the
// kernel keeps one route per destination and metric, so it must be replaced.
func (o *observer) addRoutes(in *interior) {
	for _, r := range in.routes {
		if r.protocol == unix.RTPROT_KERNEL || r.protocol == protocolRA {
			continue
		}
		id := state.RouteID{Namespace: in.door.name, Prefix: r.prefix, Metric: r.metric}
		row := r.row(in.names)
		_, wanted := o.want.Routes[id]
		// What is behind the first of a destination and metric is never used.
		_, covered := o.found.State.Routes[id]
		if covered || r.tos != 0 || r.from || r.protocol != state.RouteProtocol && !wanted {
			o.foreign("%s: %s", in.door.name, r.describe(id, row))
			continue
		}
		o.found.State.Routes[id] = row
	}
}

// describe is the route as ip route writes it.
func (r rawRoute) describe(id state.RouteID, row state.Route) string {
	command := state.ReplaceRoute{RouteID: id, Route: row}.String()
	_, route, _ := strings.Cut(command, " route replace ")
	if r.tos != 0 {
		route += fmt.Sprintf(" tos %#x", r.tos)
	}
	return "route " + route
}
