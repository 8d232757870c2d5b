// SPDX-License-Identifier: Apache-2.0

package state

import "maps"

// This file says what operations on switches, VLANs and queues do to a State.

func (o AddBridge) apply(m machine) {
	if link, ok := m.link(o.LinkID); ok && link.Kind == BridgeLink {
		return
	}
	n := m.in(o.Namespace)
	n.addLink(o.LinkEnd, Link{Kind: BridgeLink})
	n.Bridges[o.Name] = o.Bridge
	n.setBridgeSettings(On)
}

func (o SetBridge) apply(m machine) {
	have, ok := m.at(o.Namespace).Bridges[o.Name]
	if !ok {
		return
	}
	n := m.in(o.Namespace)
	if have.DefaultVLAN != o.Bridge.DefaultVLAN {
		n.dropDefaultVLAN(o.Name, have.DefaultVLAN)
	}
	n.Bridges[o.Name] = o.Bridge
	if o.Bridge.STP != have.STP {
		n.dropPortStates(o.Name)
	}
	if !o.Bridge.STP {
		delete(n.AttributeDrift, AttributeKey{o.Name, BridgeAgeing})
	}
}

// dropDefaultVLAN takes bridge and ports out of the VLAN they were in by themselves.
func (n *Namespace) dropDefaultVLAN(bridge string, vlan uint16) {
	maps.DeleteFunc(n.PortVLANs, func(k PortVLANKey, row PortVLAN) bool {
		return k.VLAN == vlan && row == PortVLAN{PVID: true, Untagged: true} && (k.Link == bridge || n.Links[k.Link].Master == bridge)
	})
}

func (o AddVLANLink) apply(m machine) {
	if link, ok := m.link(o.LinkID); ok && link.attach() == (Link{Kind: VLANLink, Parent: o.Parent, VLAN: o.VLAN}) {
		return
	}
	m.in(o.Namespace).addLink(o.LinkEnd, Link{Kind: VLANLink, Parent: o.Parent, VLAN: o.VLAN})
}

// addLink makes a new interface's rows.
func (n *Namespace) addLink(end LinkEnd, link Link) {
	link.MAC, link.MTU, link.Group = end.MAC, end.MTU, LinkGroup
	link.Settings = n.Settings.ForLink(end.MTU)
	n.Links[end.Name] = link
}

func (o SetMaster) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) {
		if l.Master != o.Master {
			m.in(o.Namespace).leavePort(o.Name)
		}
		l.Master = o.Master
	})
}

func (o SetPortVLAN) apply(m machine) {
	n := m.in(o.Namespace)
	if o.PVID { // there is one: the one before loses it
		for k, row := range n.PortVLANs {
			if k.Link == o.Link && row.PVID {
				row.PVID = false
				n.PortVLANs[k] = row
			}
		}
	}
	n.PortVLANs[o.PortVLANKey] = o.PortVLAN
}

func (o DeletePortVLAN) apply(m machine) { delete(m.in(o.Namespace).PortVLANs, o.PortVLANKey) }

// apply changes one of the same kind in place, and leaves what hangs below it.
func (o ReplaceQdisc) apply(m machine) {
	if _, ok := m.link(o.LinkID); !ok {
		return
	}
	n, q := m.in(o.Namespace), o.Qdisc
	if have := n.Qdiscs[o.Name]; have.Kind == q.Kind {
		q.Child = have.Child
	}
	n.Qdiscs[o.Name] = q
}

func (o DeleteQdisc) apply(m machine) { delete(m.in(o.Namespace).Qdiscs, o.Name) }

// apply leaves tbf with no room for a packet.
func (o DeleteChildQdisc) apply(m machine) {
	q, ok := m.at(o.Namespace).Qdiscs[o.Name]
	if !ok || q.Child != o.Parent || q.Child == 0 {
		return
	}
	q.Child = 0
	if q.Kind == TBF {
		q.Limit = 0
	}
	m.in(o.Namespace).Qdiscs[o.Name] = q
}

// leavePort drops what a link has as a bridge's port.
func (n *Namespace) leavePort(link string) {
	n.dropPortVLANs(link)
	n.dropAttributes(link, LinkAttribute.ofPort)
}

func (n *Namespace) dropPortVLANs(link string) {
	maps.DeleteFunc(n.PortVLANs, func(k PortVLANKey, _ PortVLAN) bool { return k.Link == link })
}

// children are the interfaces that are on a link, for one VLAN each.
func (n *Namespace) children(parent string) []string {
	var names []string
	for name, link := range n.Links {
		if link.Kind == VLANLink && link.Parent == parent {
			names = append(names, name)
		}
	}
	return names
}

// dropBridge frees a bridge's ports.
func (n *Namespace) dropBridge(bridge string) {
	for port, link := range n.Links {
		if link.Master == bridge {
			link.Master = ""
			n.Links[port] = link
			n.leavePort(port)
		}
	}
	delete(n.Bridges, bridge)
	n.setBridgeSettings(Absent)
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
