// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
)

// This file says what operations on switches, VLANs and queues do to a State.

func (o AddBridge) apply(m machine) {
	s := m.in(o.Namespace)
	if link, ok := s.Links[o.LinkID]; ok && link.Kind == BridgeLink {
		return
	}
	s.addLinkRow(o.LinkEnd, Link{Kind: BridgeLink})
	s.Bridges[o.LinkID] = o.Bridge
	for _, name := range bridgeSysctls {
		s.Sysctls[SysctlID{o.Namespace, name}] = Enabled
	}
}

func (o SetBridge) apply(m machine) {
	s := m.in(o.Namespace)
	have, ok := s.Bridges[o.LinkID]
	if !ok {
		return
	}
	if have.DefaultVLAN != o.Bridge.DefaultVLAN {
		s.dropDefaultVLAN(o.LinkID, have.DefaultVLAN)
	}
	s.Bridges[o.LinkID] = o.Bridge
	if o.Bridge.STP != have.STP {
		s.dropPortStates(o.Name)
	}
	if !o.Bridge.STP {
		delete(s.Overrides, OverrideID{o.Namespace, o.Name, BridgeAgeing})
	}
}

// dropDefaultVLAN takes bridge and ports out of the VLAN they were in by themselves.
func (s *State) dropDefaultVLAN(bridge LinkID, vlan uint16) {
	maps.DeleteFunc(s.PortVLANs, func(id PortVLANID, row PortVLAN) bool {
		port := LinkID{id.Namespace, id.Link}
		return id.VLAN == vlan && row == PortVLAN{PVID: true, Untagged: true} && (port == bridge || s.Links[port].Master == bridge.Name)
	})
}

func (o AddVLANLink) apply(m machine) {
	s := m.in(o.Namespace)
	if link, ok := s.Links[o.LinkID]; ok && link.attach() == (Link{Kind: VLANLink, Parent: o.Parent, VLAN: o.VLAN}) {
		return
	}
	s.addLinkRow(o.LinkEnd, Link{Kind: VLANLink, Parent: o.Parent, VLAN: o.VLAN})
}

// addLinkRow makes a new interface's rows.
func (s *State) addLinkRow(end LinkEnd, link Link) {
	link.MAC, link.MTU, link.Group = end.MAC, end.MTU, LinkGroup
	s.Links[end.LinkID] = link
	s.InheritSettings(end.LinkID, end.MTU)
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
	s := m.in(o.Namespace)
	if o.PVID { // there is one: the one before loses it
		for id, row := range s.PortVLANs {
			if id.Link == o.Link && row.PVID {
				row.PVID = false
				s.PortVLANs[id] = row
			}
		}
	}
	s.PortVLANs[o.PortVLANID] = o.PortVLAN
}

func (o DeletePortVLAN) apply(m machine) { delete(m.in(o.Namespace).PortVLANs, o.PortVLANID) }

// apply changes one of the same kind in place, and leaves what hangs below it.
func (o ReplaceQdisc) apply(m machine) {
	if _, ok := m.link(o.LinkID); !ok {
		return
	}
	s, q := m.in(o.Namespace), o.Qdisc
	if have := s.Qdiscs[o.LinkID]; have.Kind == q.Kind {
		q.Child = have.Child
	}
	s.Qdiscs[o.LinkID] = q
}

func (o DeleteQdisc) apply(m machine) { delete(m.in(o.Namespace).Qdiscs, o.LinkID) }

// apply leaves tbf with no room for a packet.
func (o DeleteChildQdisc) apply(m machine) {
	s := m.in(o.Namespace)
	q, ok := s.Qdiscs[o.LinkID]
	if !ok || q.Child != o.Parent || q.Child == 0 {
		return
	}
	q.Child = 0
	if q.Kind == TBF {
		q.Limit = 0
	}
	s.Qdiscs[o.LinkID] = q
}

// leavePort drops what a link has as a bridge's port.
func (s *State) leavePort(link string) {
	s.dropPortVLANs(link)
	s.dropOverrides(link, LinkAttribute.ofPort)
}

func (s *State) dropPortVLANs(link string) {
	maps.DeleteFunc(s.PortVLANs, func(id PortVLANID, _ PortVLAN) bool { return id.Link == link })
}

// children are the interfaces that are on a link, for one VLAN each.
func (s *State) children(parent string) []LinkID {
	var ids []LinkID
	for id, link := range s.Links {
		if link.Kind == VLANLink && link.Parent == parent {
			ids = append(ids, id)
		}
	}
	return ids
}

// dropBridge frees a bridge's ports.
func (s *State) dropBridge(id LinkID) {
	for port, link := range s.Links {
		if link.Master == id.Name {
			link.Master = ""
			s.Links[port] = link
			s.leavePort(port.Name)
		}
	}
	delete(s.Bridges, id)
	for _, name := range bridgeSysctls {
		delete(s.Sysctls, SysctlID{id.Namespace, name})
	}
}

// setUp sets an interface up or down. If that changes it, those that are on it follow.
func (s *State) setUp(id LinkID, up bool) {
	link := s.Links[id]
	if link.Up == up {
		return
	}
	link.Up = up
	s.Links[id] = link
	s.restart(id)
	if !up {
		s.dropRoutes(id.Name, anyPrefix)
		s.dropAddresses(id, IsLinkLocal)
	}
	for _, child := range s.children(id.Name) {
		s.setUp(child, up)
	}
}

// setMTU changes an interface's MTU; those on it have at most the same.
func (s *State) setMTU(id LinkID, mtu int) {
	link := s.Links[id]
	had6 := link.MTU >= MinIPv6MTU
	link.MTU = mtu
	s.Links[id] = link
	switch has6 := mtu >= MinIPv6MTU; {
	case id.Name == Loopback || had6 == has6:
	case has6:
		s.inheritLinkSysctls(id, linkSettings6)
	default:
		s.dropIPv6(id)
		s.dropLinkSysctls(id, linkSettings6)
	}
	for _, child := range s.children(id.Name) {
		if s.Links[child].MTU > mtu {
			s.setMTU(child, mtu)
		}
	}
}
