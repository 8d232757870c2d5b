// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"net/netip"
)

// LinkGroup is the link group of every interface NetLab makes. It goes into the message
// that creates the interface, so there is no moment at which one of ours is unmarked.
const LinkGroup = 0x4e4c

// Loopback is the interface every network namespace has from the start.
const Loopback = "lo"

// LoopbackMTU is the initial MTU of lo.
const LoopbackMTU = 65536

// MinIPv6MTU is the smallest MTU with which a link can have IPv6 (RFC 8200, section 5).
const MinIPv6MTU = 1280

// LinkID names an interface.
type LinkID struct {
	Namespace string
	Name      string
}

// Namespaces implements Op; every operation on one interface shares it.
func (id LinkID) Namespaces() []string { return []string{id.Namespace} }

// LinkKind is what an interface is.
type LinkKind uint8

// The kinds of interface that a lab can hold.
const (
	// VethLink is one end of a pair, or lo.
	VethLink LinkKind = iota
	// BridgeLink is a switch's bridge; its attributes are in State.Bridges.
	BridgeLink
	// VLANLink is the interface for one VLAN of its parent.
	VLANLink
	// OtherLink is any kind that a lab never asks for.
	OtherLink
)

// Link is an interface.
type Link struct {
	Kind LinkKind
	// Peer is a veth's other end; zero for an end whose other end left the lab.
	Peer LinkID
	// Parent and VLAN say what a VLANLink is on and for.
	Parent string
	VLAN   uint16
	// MAC is zero for lo.
	MAC MAC
	MTU int
	// Group is LinkGroup, and 0 for lo.
	Group uint32
	// Master is the interface this one is enslaved to.
	Master string
	// Up is the administrative state, not the carrier.
	Up       bool
	Settings LinkSettings
}

// attach is what cannot be changed of an interface: it has to be deleted and added again.
func (l Link) attach() Link { return Link{Kind: l.Kind, Peer: l.Peer, Parent: l.Parent, VLAN: l.VLAN} }

// attachment is attach for the dump.
func (l Link) attachment() string {
	switch l.Kind {
	case BridgeLink:
		return "bridge "
	case VLANLink:
		return fmt.Sprintf("vlan=%s/%d ", l.Parent, l.VLAN)
	case OtherLink:
		return "other "
	case VethLink:
	}
	return fmt.Sprintf("peer=%s/%s ", l.Peer.Namespace, l.Peer.Name)
}

func dumpLink(namespace, name string, l Link) string {
	return fmt.Sprintf("link %s %s %smac=%s mtu=%d group=%d master=%q up=%t\n",
		namespace, name, l.attachment(), l.MAC, l.MTU, l.Group, l.Master, l.Up)
}

// LinkEnd is what one end of a new link is given.
type LinkEnd struct {
	LinkID
	MAC MAC
	MTU int
}

func (e LinkEnd) attributes() string {
	return fmt.Sprintf("%s address %s mtu %d group %d", e.Name, e.MAC, e.MTU, LinkGroup)
}

// AddLink makes a veth pair with both ends in their namespaces from the start, set down.
type AddLink struct{ Ends [2]LinkEnd }

// DeleteLink deletes an interface, and with it the other end of its pair.
type DeleteLink struct{ LinkID }

// SetAdmin sets an interface up or down.
type SetAdmin struct {
	LinkID
	Up bool
}

// SetMTU changes an interface's MTU.
type SetMTU struct {
	LinkID
	MTU int
}

// SetMAC changes an interface's Ethernet address.
type SetMAC struct {
	LinkID
	MAC MAC
}

// SetGroup gives an interface its group.
type SetGroup struct {
	LinkID
	Group uint32
}

// Namespaces implements Op.
func (o AddLink) Namespaces() []string { return []string{o.Ends[0].Namespace, o.Ends[1].Namespace} }

func (o AddLink) String() string {
	a, b := o.Ends[0], o.Ends[1]
	return fmt.Sprintf("ip -n %s link add name %s type veth peer name %s netns %s", a.Namespace, a.attributes(), b.attributes(), b.Namespace)
}

func (o DeleteLink) String() string {
	return fmt.Sprintf("ip -n %s link delete %s", o.Namespace, o.Device())
}

func (o SetAdmin) String() string {
	state := "down"
	if o.Up {
		state = "up"
	}
	return fmt.Sprintf("ip -n %s link set %s %s", o.Namespace, o.Device(), state)
}

func (o SetMTU) String() string {
	return fmt.Sprintf("ip -n %s link set %s mtu %d", o.Namespace, o.Device(), o.MTU)
}

func (o SetMAC) String() string {
	return fmt.Sprintf("ip -n %s link set %s address %s", o.Namespace, o.Device(), o.MAC)
}

func (o SetGroup) String() string {
	return fmt.Sprintf("ip -n %s link set %s group %d", o.Namespace, o.Device(), o.Group)
}

func (o AddLink) apply(m machine) {
	if m.plugged(o.Ends[0].LinkID, o.Ends[1].LinkID) {
		return
	}
	for i, end := range o.Ends {
		m.in(end.Namespace).addLink(end, Link{Peer: o.Ends[1-i].LinkID})
	}
}

// plugged reports whether both links are there and each is the other's peer.
func (m machine) plugged(a, b LinkID) bool {
	linkA, okA := m.link(a)
	linkB, okB := m.link(b)
	return okA && okB && linkA.Peer == b && linkB.Peer == a
}

// apply removes both ends of a link and everything on them.
func (o DeleteLink) apply(m machine) {
	link, ok := m.link(o.LinkID)
	if !ok {
		return
	}
	if m.plugged(o.LinkID, link.Peer) {
		m.in(link.Peer.Namespace).dropLink(link.Peer.Name)
	}
	m.in(o.Namespace).dropLink(o.Name)
}

func (o SetAdmin) apply(m machine) {
	if _, ok := m.link(o.LinkID); ok {
		m.in(o.Namespace).setUp(o.Name, o.Up)
	}
}

func (o SetMTU) apply(m machine) {
	if _, ok := m.link(o.LinkID); ok {
		m.in(o.Namespace).setMTU(o.Name, o.MTU)
	}
}

func (o SetMAC) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) {
		l.MAC = o.MAC
		m.in(o.Namespace).dropNeighbours(o.Name, anyAddr)
	})
}

func (o SetGroup) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) { l.Group = o.Group })
}

func (m machine) changeLink(id LinkID, change func(*Link)) {
	if link, ok := m.link(id); ok {
		change(&link)
		m.in(id.Namespace).Links[id.Name] = link
	}
}

// addLink makes a new interface's rows.
func (n *Namespace) addLink(end LinkEnd, link Link) {
	link.MAC, link.MTU, link.Group = end.MAC, end.MTU, LinkGroup
	link.Settings = n.Settings.ForLink(end.MTU)
	n.Links[end.Name] = link
}

func (n *Namespace) dropLink(name string) {
	for _, child := range n.children(name) {
		n.dropLink(child)
	}
	if n.Links[name].Kind == BridgeLink {
		n.dropBridge(name)
	}
	delete(n.Links, name)
	delete(n.Qdiscs, name)
	n.dropPortVLANs(name)
	n.dropAttributes(name, LinkAttribute.any)
	n.dropRoutes(name, anyPrefix)
	n.dropAddresses(name, anyAddr)
	n.dropNeighbours(name, anyAddr)
}

// setUp sets an interface up or down. If that changes it, those that are on it follow.
func (n *Namespace) setUp(name string, up bool) {
	link := n.Links[name]
	if link.Up == up {
		return
	}
	link.Up = up
	n.Links[name] = link
	n.restart(name)
	if !up {
		n.dropRoutes(name, anyPrefix)
		n.dropAddresses(name, IsLinkLocal)
		n.dropNeighbours(name, anyAddr)
	}
	for _, child := range n.children(name) {
		n.setUp(child, up)
	}
}

// setMTU changes an interface's MTU; those on it have at most the same.
func (n *Namespace) setMTU(name string, mtu int) {
	link := n.Links[name]
	had6 := link.MTU >= MinIPv6MTU
	link.MTU = mtu
	switch has6 := mtu >= MinIPv6MTU; {
	case name == Loopback || had6 == has6:
	case has6:
		inherited := n.Settings.ForLink(mtu)
		copy(link.Settings[firstIPv6:], inherited[firstIPv6:])
	default:
		n.dropIPv6(name)
		clear(link.Settings[firstIPv6:])
	}
	n.Links[name] = link
	for _, child := range n.children(name) {
		if n.Links[child].MTU > mtu {
			n.setMTU(child, mtu)
		}
	}
}

// restart drops what an interface does not keep when it goes down or up: the states of a bridge's ports
// and of a port, and that routes are missing which the kernel then makes again.
func (n *Namespace) restart(link string) {
	n.dropAttributes(link, func(a LinkAttribute) bool { return a == PortState })
	n.dropPortStates(link)
	for key, row := range n.Addresses {
		if row.PrefixRouteMissing && key.Link == link {
			row.PrefixRouteMissing = false
			n.Addresses[key] = row
		}
	}
}

func (n *Namespace) dropIPv6(link string) {
	n.dropRoutes(link, func(p netip.Prefix) bool { return p.Addr().Is6() })
	n.dropRoutesVia6(link)
	n.dropAddresses(link, netip.Addr.Is6)
	n.dropNeighbours(link, netip.Addr.Is6)
}

// deleteLinks deletes what want lacks, and pairs that are not plugged in as wanted.
func (d *differ) deleteLinks() {
	d.deleteUnfit(func(*played, string, Link) bool { return true })
}

// deleteUnfit deletes those that match of the links that are not what they should be.
func (d *differ) deleteUnfit(match func(p *played, name string, link Link) bool) (deleted bool) {
	d.each(func(p *played) {
		for _, name := range sortedKeys(p.now.Links, cmp.Compare) {
			link, still := p.now.Links[name]
			if still && name != Loopback && !d.fits(p, name, link) && match(p, name, link) {
				d.deleteLink(p, name, link)
				deleted = true
			}
		}
	})
	return deleted
}

// deleteLink leaves nothing of either end that the kernel might keep: an IPv6 route with several next hops loses
// only the one.
func (d *differ) deleteLink(p *played, name string, link Link) {
	d.deleteSurvivors(p, name)
	if d.plugged(LinkID{p.name, name}, link.Peer) {
		d.deleteSurvivors(d.of(link.Peer.Namespace), link.Peer.Name)
	}
	d.do(DeleteLink{LinkID{p.name, name}})
}

// deleteSurvivors deletes the routes that outlive a link and those on it.
func (d *differ) deleteSurvivors(p *played, link string) {
	for _, gone := range p.now.withUppers(link) {
		d.deleteRoutesOf(p, func(key RouteKey, r Route) bool {
			return r.onLink(gone) && key.Prefix.Addr().Is6() && len(r.NextHops()) > 1
		})
	}
}

// clearTheWay deletes what has to go before something that is wanted can be made: links whose name or VLAN another
// has to have, at either end, and namespaces that are somebody else's.
func (d *differ) clearTheWay() (cleared bool) {
	cleared = d.deleteUnfit(func(p *played, name string, link Link) bool {
		_, wanted := p.want.Links[name]
		_, wantedThere := d.want[link.Peer.Namespace].Links[link.Peer.Name]
		return wanted || p.replaced() || wantedThere && d.plugged(LinkID{p.name, name}, link.Peer) || forVLAN(p.want.Links, link)
	})
	d.each(func(p *played) {
		if p.replaced() {
			d.replaceNamespace(p)
			cleared = true
		}
	})
	return cleared
}

func (d *differ) replaceNamespace(p *played) {
	for _, name := range sortedKeys(p.now.Links, cmp.Compare) {
		if link, still := p.now.Links[name]; still && link.Peer != (LinkID{}) {
			d.deleteLink(p, name, link)
		}
	}
	d.do(CreateNamespace{p.name, p.want.Label})
}

// expose deletes by themselves the rows of a link, and of those on it, that want lacks and that the kernel may or may
// not take along when the link is set down. So none survives.
func (d *differ) expose(p *played, link string) {
	for _, upper := range p.now.children(link) {
		d.expose(p, upper)
	}
	d.deleteRoutesOf(p, func(_ RouteKey, r Route) bool { return r.onLink(link) })
	if p.keepsIPv6(link) {
		return
	}
	for _, key := range p.now.addressesOf(link) {
		_, wanted := p.want.Addresses[key]
		if key.Prefix.Addr().Is6() && (!wanted || p.now.Addresses[key].Drift == DriftForGood) {
			d.deleteAddress(AddressID{p.name, key})
		}
	}
}

// there reports whether a link that is wanted is there to stay.
func (d *differ) there(p *played, name string) bool {
	link, ok := p.now.Links[name]
	if !ok || name != Loopback && !d.fits(p, name, link) {
		return false
	}
	return link.Kind != VLANLink || d.there(p, link.Parent)
}

// fits reports whether a link that is there is what it should be and goes where it should.
func (d *differ) fits(p *played, name string, have Link) bool {
	link, wanted := p.want.Links[name]
	return wanted && have.attach() == link.attach() && (link.Kind != VethLink || d.plugged(LinkID{p.name, name}, link.Peer))
}

// breakLoops takes links between switches away before another link that comes up could make a loop of them.
func (d *differ) breakLoops() {
	if !d.mayLoop() {
		return
	}
	d.deleteUnfit(func(p *played, _ string, link Link) bool {
		return link.Master != "" && d.machine.at(link.Peer.Namespace).Links[link.Peer.Name].Master != ""
	})
	d.each(func(p *played) {
		for _, name := range sortedKeys(p.now.Links, cmp.Compare) {
			next := p.want.Links[name]
			if next.Master != "" && d.wanted(next.Peer).Master != "" && !next.Up && p.now.Links[name].Up {
				d.expose(p, name)
				d.do(SetAdmin{LinkID{p.name, name}, false})
			}
		}
	})
}

// mayLoop reports whether switches get a link between them.
func (d *differ) mayLoop() (may bool) {
	d.each(func(p *played) {
		for name, want := range p.want.Links {
			have := p.now.Links[name]
			joins := want.Master != "" && d.wanted(want.Peer).Master != ""
			may = may || joins && want.Up && (have.Master != want.Master || !have.Up || !d.fits(p, name, have))
		}
	})
	return may
}

// addLinks adds bridges and pairs before what is on them.
func (d *differ) addLinks() {
	for _, onOthers := range []bool{false, true} {
		d.each(func(p *played) {
			for _, name := range unwanted(p.want.Links, p.now.Links, cmp.Compare) {
				_, there := p.now.Links[name] // the other end of one just added
				link := p.want.Links[name]
				switch {
				case there || (link.Kind == VLANLink) != onOthers:
				case d.mayAdd(p, link):
					d.do(d.adding(p, name, link))
				default:
					p.postponed = true
				}
			}
		})
	}
}

// mayAdd reports whether nothing is in the way of a link's other end, or below it to go.
func (d *differ) mayAdd(p *played, link Link) bool {
	switch link.Kind {
	case VLANLink:
		return d.there(p, link.Parent) && !forVLAN(p.now.Links, link)
	case VethLink:
		if link.Peer == (LinkID{}) {
			return true
		}
		other := d.of(link.Peer.Namespace)
		_, taken := other.now.Links[link.Peer.Name]
		return !taken && (other.now.Mounted || d.complete) && (other.want == nil || !other.replaced())
	case BridgeLink, OtherLink:
	}
	return true
}

// forVLAN reports whether one of the links is an interface for the VLAN that link is for. A link has one for each VLAN;
// another is refused (vlan_check_real_dev).
func forVLAN(links map[string]Link, link Link) bool {
	if link.Kind != VLANLink {
		return false
	}
	for _, other := range links {
		if other.attach() == link.attach() {
			return true
		}
	}
	return false
}

func (d *differ) adding(p *played, name string, link Link) Op {
	end := LinkEnd{LinkID{p.name, name}, link.MAC, link.MTU}
	switch link.Kind {
	case BridgeLink:
		return AddBridge{end, p.want.Bridges[name]}
	case VLANLink:
		return AddVLANLink{end, link.Parent, link.VLAN}
	case VethLink, OtherLink:
	}
	peer := d.wanted(link.Peer)
	return AddLink{[2]LinkEnd{end, {link.Peer, peer.MAC, peer.MTU}}}
}

// setLinks sets what is below others first: an interface on another can be up only when that is,
// and have no larger MTU.
func (d *differ) setLinks() {
	for _, onOthers := range []bool{false, true} {
		d.each(func(p *played) {
			for _, name := range p.wantedLinks() {
				if want := p.want.Links[name]; (want.Kind == VLANLink) == onOthers && d.there(p, name) {
					d.setLink(LinkID{p.name, name}, p.now.Links[name], want, d.complete || p.fresh)
				}
			}
		})
	}
}

// setLink may take away what a link carries, or leave that for later.
func (d *differ) setLink(id LinkID, have, want Link, mayTake bool) {
	if have.Group != want.Group {
		d.do(SetGroup{id, want.Group})
	}
	if have.MAC != want.MAC {
		d.do(SetMAC{id, want.MAC})
	}
	if have.MTU != want.MTU && (mayTake || want.MTU >= MinIPv6MTU || have.MTU < MinIPv6MTU) {
		d.do(SetMTU{id, want.MTU})
	}
	if have.Up != want.Up && (mayTake || want.Up) {
		d.do(SetAdmin{id, want.Up})
	}
}
