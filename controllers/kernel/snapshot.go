// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// snapshot is the content of one namespace, of the lab and of others.
type snapshot struct {
	handle *handle
	// rows are the lab's part.
	rows             state.Namespace
	settings         state.NamespaceSettings
	loopbackSettings state.LinkSettings
	links            []rawLink
	addresses        []rawAddress
	routes           []rawRoute
	// local are the IPv4 addresses that the kernel takes packets for.
	local     map[netip.Addr]bool
	portVLANs []portVLAN
	qdiscs    map[int]state.Qdisc
	// neighbours are permanent entries; those of others are among them only where they were listed.
	neighbours []rawNeighbour
	// names are the links' names by index.
	names map[int]string
	// peers are the links' other ends by index; none for those that have none in the lab.
	peers map[int]state.LinkID
	// ours are the indexes of the lab's links, lo included.
	ours map[int]bool
	// isSwitch reports that a bridge is wanted here.
	isSwitch bool
}

func newSnapshot(h *handle) *snapshot {
	return &snapshot{handle: h, names: map[int]string{}, peers: map[int]state.LinkID{}, ours: map[int]bool{}}
}

func (snap *snapshot) readLinks() (err error) {
	if snap.links, err = snap.handle.conn.links(); err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	for _, l := range snap.links {
		snap.names[l.index] = l.name
	}
	return nil
}

// loopback is lo; the zero link if it is not among the links.
func (snap *snapshot) loopback() rawLink {
	for _, l := range snap.links {
		if l.loopback {
			return l
		}
	}
	return rawLink{}
}

// read reads everything else, in the namespace that the thread is in. Wanted are the neighbour entries that are to be
// there.
func (snap *snapshot) read(wanted map[state.NeighbourKey]state.StaticNeighbour) (err error) {
	if err := snap.syncLinkwatch(); err != nil {
		return err
	}
	c := snap.handle.conn
	if snap.addresses, err = c.addresses(); err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	if snap.routes, snap.local, err = c.routes(); err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	if snap.portVLANs, snap.qdiscs, err = c.layers(snap.links); err != nil {
		return err
	}
	if err := snap.readNeighbours(wanted); err != nil {
		return err
	}
	if err := snap.check(); err != nil {
		return err
	}
	return snap.readSettings()
}

func (snap *snapshot) readSettings() (err error) {
	if snap.settings, snap.loopbackSettings, err = snap.handle.readSettings(snap.loopback()); err != nil {
		return err
	}
	if slices.ContainsFunc(snap.links, func(l rawLink) bool { return l.kind == "bridge" && (l.group == state.LinkGroup || snap.isSwitch) }) {
		return snap.handle.readBridgeSettings(&snap.settings)
	}
	return nil
}

// syncLinkwatch asks for each link with a pending operational state by itself: a request for one link makes the
// kernel derive it (linkwatch_sync_dev, since Linux 6.8), which otherwise can take a second.
func (snap *snapshot) syncLinkwatch() error {
	for i, l := range snap.links {
		if !l.linkwatchPending() {
			continue
		}
		link, err := snap.handle.conn.link(l.index)
		if rtnl.IsGone(err) {
			return rtnl.ErrInterrupted
		}
		if err != nil {
			return fmt.Errorf("read link %s again: %w", l.name, err)
		}
		snap.links[i] = link
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
	if slices.ContainsFunc(links, func(l rawLink) bool { return !slices.Contains(defaultQdiscs, l.qdisc) }) {
		if qdiscs, err = c.rootQdiscs(); err != nil {
			return nil, nil, fmt.Errorf("list qdiscs: %w", err)
		}
	}
	return vlans, qdiscs, nil
}

// check looks for links that were added between one list and the next.
func (snap *snapshot) check() error {
	for _, a := range snap.addresses {
		if _, known := snap.names[a.index]; !known {
			return rtnl.ErrInterrupted
		}
	}
	for _, r := range snap.routes {
		for _, h := range r.nextHops {
			if _, known := snap.names[h.index]; !known {
				return rtnl.ErrInterrupted
			}
		}
	}
	return nil
}

// addRows adds the lab's objects to the State and reports the others, once all namespaces are known.
func (o *observer) addRows() error {
	if err := o.resolvePeers(); err != nil {
		return err
	}
	if o.last != nil && !o.knowsPeers() {
		return errPeerUnknown
	}
	o.claimLinks()
	for _, snap := range o.snapshots {
		o.addLinks(snap)
		o.addPortVLANs(snap)
		o.addAddresses(snap)
		o.addRoutes(snap)
		o.addNeighbours(snap)
	}
	return nil
}

// resolvePeers finds each veth's other end. Indexes are only unique within a namespace, so
// those of two ends pointing at each other make a candidate, and the kernel's id for the
// peer's namespace decides. In a lab of many small namespaces nearly every end is a candidate
// for nearly every other, so the likely ones are asked about first: asking all would take
// seconds for some hundred of them.
func (o *observer) resolvePeers() error {
	candidates := newPeerCandidates(o.snapshots)
	for _, snap := range o.snapshots {
		for _, l := range snap.links {
			if _, known := snap.peers[l.index]; known || !l.isVeth() {
				continue
			}
			wanted := o.want[snap.handle.name].Links[l.name].Peer.Namespace
			if err := snap.resolvePeer(l, candidates.of(l, wanted), o.nsids); err != nil {
				return fmt.Errorf("find the peer of %s in %s: %w", l.name, snap.handle.name, err)
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
	byName   map[string]*snapshot
	byEnds   map[ends][]*snapshot
	sameName map[namedEnds][]*snapshot
}

func newPeerCandidates(snapshots []*snapshot) peerCandidates {
	c := peerCandidates{map[string]*snapshot{}, map[ends][]*snapshot{}, map[namedEnds][]*snapshot{}}
	for _, snap := range snapshots {
		c.byName[snap.handle.name] = snap
		for _, l := range snap.links {
			if l.isVeth() {
				pair := ends{l.index, l.peerIndex}
				c.byEnds[pair] = append(c.byEnds[pair], snap)
				c.sameName[namedEnds{pair, l.name}] = append(c.sameName[namedEnds{pair, l.name}], snap)
			}
		}
	}
	return c
}

// of yields where a link's peer can be, likely places first: where it is wanted to be, where an
// interface of the same name fits, anywhere else. A place may come twice.
func (c peerCandidates) of(l rawLink, wanted string) iter.Seq[*snapshot] {
	pair := ends{l.peerIndex, l.index}
	return func(yield func(*snapshot) bool) {
		if snap, ok := c.byName[wanted]; ok && snap.has(pair) && !yield(snap) {
			return
		}
		for _, likely := range [][]*snapshot{c.sameName[namedEnds{pair, l.name}], c.byEnds[pair]} {
			for _, snap := range likely {
				if !yield(snap) {
					return
				}
			}
		}
	}
}

func (snap *snapshot) has(pair ends) bool {
	return slices.ContainsFunc(snap.links, func(l rawLink) bool {
		return l.isVeth() && pair == ends{l.index, l.peerIndex}
	})
}

// resolvePeer picks the namespace of a link's peer. That end's peer is then known as well.
func (snap *snapshot) resolvePeer(l rawLink, candidates iter.Seq[*snapshot], ids nsids) error {
	for other := range candidates {
		if _, taken := other.peers[l.peerIndex]; taken {
			continue
		}
		same, err := ids.is(snap.handle, l.peerNamespace, other.handle)
		if err != nil {
			return err
		}
		if same {
			snap.peers[l.index] = state.LinkID{Namespace: other.handle.name, Name: other.names[l.peerIndex]}
			other.peers[l.peerIndex] = state.LinkID{Namespace: snap.handle.name, Name: l.name}
			return nil
		}
	}
	return nil
}

func (l rawLink) isVeth() bool { return l.kind == "veth" && l.peerIndex != 0 }

// nsids remembers what one namespace calls another.
type nsids map[[2]*handle]int32

// is asks whether in's nsid means other.
func (ids nsids) is(in *handle, nsid int32, other *handle) (bool, error) {
	if nsid == rtnl.NoNSID || in == other {
		return nsid == rtnl.NoNSID && in == other, nil
	}
	key := [2]*handle{in, other}
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

// claimLinks decides which links are the lab's: lo, those with our group, and those of which another program changed the
// group: their peer has it, or they are wanted ones by their MAC address.
func (o *observer) claimLinks() {
	marked := map[state.LinkID]bool{}
	for _, snap := range o.snapshots {
		for _, l := range snap.links {
			if l.group == state.LinkGroup {
				marked[state.LinkID{Namespace: snap.handle.name, Name: l.name}] = true
			}
		}
	}
	for _, snap := range o.snapshots {
		for _, l := range snap.links {
			snap.ours[l.index] = l.loopback || l.group == state.LinkGroup || marked[snap.peers[l.index]] || o.lastGroup(snap.peers[l.index]) == state.LinkGroup || o.wanted(snap, l)
		}
	}
}

// wanted reports whether a link has the name, the kind and the MAC address of a wanted one. The address comes from the
// names of lab and interface.
func (o *observer) wanted(snap *snapshot, l rawLink) bool {
	want, ok := o.want[snap.handle.name].Links[l.name]
	return ok && want.Kind == l.linkKind() && want.MAC == l.mac && want.MAC != state.MAC{}
}

func (o *observer) addLinks(snap *snapshot) {
	trees := snap.trees()
	for _, l := range snap.links {
		id := state.LinkID{Namespace: snap.handle.name, Name: l.name}
		o.addAlternativeNames(id, l)
		if !snap.ours[l.index] {
			o.addForeignLink(id, l)
			continue
		}
		snap.rows.Links[l.name] = snap.row(l)
		o.found.Index[id] = l.index
		if q, ok := snap.qdiscs[l.index]; ok {
			snap.rows.Qdiscs[l.name] = q
		}
		if l.kind == "bridge" {
			snap.rows.Bridges[l.name] = o.bridge(id, l)
		}
		if trees[l.master] {
			o.found.Designated[id] = l.designated
		}
		snap.addOverrides(l)
		switch {
		case l.settling():
			o.found.Settling = append(o.found.Settling, id)
		case l.portState == portBlocking:
			o.found.Blocked = append(o.found.Blocked, id)
		}
		if l.up {
			o.found.Carrier[id] = l.carrier
		}
	}
}

// trees are the indices of bridges that run STP.
func (snap *snapshot) trees() map[int]bool {
	trees := map[int]bool{}
	for _, l := range snap.links {
		if l.bridge.STP {
			trees[l.index] = true
		}
	}
	return trees
}

// bridge is a bridge's row. While another bridge is the root of its spanning tree, the kernel shows the root's times:
// writing its own changes nothing that can be seen. They are seen, and corrected, once it is the root.
func (o *observer) bridge(id state.LinkID, l rawLink) state.Bridge {
	b := l.bridge
	if want, ok := o.want[id.Namespace].Bridges[id.Name]; ok && l.follows {
		b.ForwardDelay, b.MaxAge = want.ForwardDelay, want.MaxAge
	}
	return b
}

func (snap *snapshot) row(l rawLink) state.Link {
	row := state.Link{
		Kind: l.linkKind(), Peer: snap.peers[l.index], MAC: l.mac, MTU: l.mtu, Group: l.group, Master: snap.names[l.master], Up: l.up,
		Settings: snap.settingsOf(l),
	}
	if row.Kind == state.VLANLink {
		row.Parent, row.VLAN = snap.names[l.peerIndex], l.vlan
	}
	return row
}

// addPortVLANs takes those of the lab's own bridges and ports.
func (o *observer) addPortVLANs(snap *snapshot) {
	for _, v := range snap.portVLANs {
		if snap.ours[v.index] {
			snap.rows.PortVLANs[state.PortVLANKey{Link: snap.names[v.index], VLAN: v.vlan}] = v.row
		}
	}
}

func (o *observer) addForeignLink(id state.LinkID, l rawLink) {
	if _, wanted := o.want[id.Namespace].Links[id.Name]; wanted {
		o.conflict(fmt.Sprintf("interface %s in %s", id.Name, id.Namespace), "a link that NetLab did not create"+l.describe())
		return
	}
	if l.isFallbackTunnel() {
		return
	}
	o.found.Unmanaged = append(o.found.Unmanaged, foreignLink(id, l))
}

func foreignLink(id state.LinkID, l rawLink) string {
	return fmt.Sprintf("%s: link %s%s", id.Namespace, id.Name, l.describe())
}

// addAlternativeNames reports those that the lab needs: no two links of a namespace can have one
// name, alternative or not.
func (o *observer) addAlternativeNames(id state.LinkID, l rawLink) {
	for _, name := range l.alternativeNames {
		if _, wanted := o.want[id.Namespace].Links[name]; wanted {
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

// settingsOf are a link's. One too small for IPv6 has none of IPv6's; in a kernel without IPv6 the others
// have their initial values.
func (snap *snapshot) settingsOf(l rawLink) state.LinkSettings {
	if l.loopback {
		return snap.loopbackSettings
	}
	settings := l.settings
	if !l.hasIPv6() && l.mtu >= state.MinIPv6MTU {
		for s, value := range initialSettings.ForLink(l.mtu) {
			if (state.SettingKey{Setting: state.Setting(s)}).IsIPv6() {
				settings[s] = value
			}
		}
	}
	return settings
}

var initialSettings = state.InitialSettings()

// addAddresses takes those on the lab's links. The kernel lists an interface's IPv4 addresses in
// their order; IPv6 has none that matters.
func (o *observer) addAddresses(snap *snapshot) {
	order := map[int]int{}
	prefixRoutes := snap.prefixRoutes()
	byIndex := map[int]rawLink{}
	for _, l := range snap.links {
		byIndex[l.index] = l
	}
	for _, a := range snap.addresses {
		link := byIndex[a.index]
		if !snap.ours[a.index] || a.kernelMade(link) {
			continue
		}
		row := state.Address{Drift: snap.altered(link, a), PrefixRouteMissing: o.unrouted(snap, link, a, prefixRoutes)}
		if a.prefix.Addr().Is4() {
			row.Order = order[a.index]
			order[a.index]++
		}
		snap.rows.Addresses[state.AddressKey{Link: link.name, Prefix: a.prefix}] = row
		if a.flags&unix.IFA_F_DADFAILED != 0 {
			o.foreign("%s: address %s on %s is a duplicate: another node on the link has it", snap.handle.name, a.prefix, link.name)
		}
	}
}

// addRoutes takes those with our protocol, and any other in the place of a wanted one: the
// kernel keeps one route per destination and metric, so it must be replaced.
func (o *observer) addRoutes(snap *snapshot) {
	for _, r := range snap.routes {
		if r.protocol == unix.RTPROT_KERNEL || r.protocol == protocolRA {
			continue
		}
		key := state.RouteKey{Prefix: r.prefix, Metric: r.metric}
		row := r.row(snap.names)
		_, wanted := o.want[snap.handle.name].Routes[key]
		// What is behind the first of a destination and metric is never used.
		_, covered := snap.rows.Routes[key]
		if covered || r.tos != 0 || r.from || r.protocol != state.RouteProtocol && !wanted {
			o.foreign("%s: %s", snap.handle.name, r.describe(key, row))
			continue
		}
		snap.rows.Routes[key] = row
	}
}

// describe is the route as ip route writes it.
func (r rawRoute) describe(key state.RouteKey, row state.Route) string {
	command := state.ReplaceRoute{RouteID: state.RouteID{RouteKey: key}, Route: row}.String()
	_, route, _ := strings.Cut(command, " route replace ")
	if r.tos != 0 {
		route += fmt.Sprintf(" tos %#x", r.tos)
	}
	return "route " + route
}
