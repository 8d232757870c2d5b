// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// switching indexes what is on layer 2, so that a large switch is read once.
type switching struct {
	state state.State
	// bridges are the switches' own, by namespace.
	bridges map[string]state.LinkID
	// ports are a bridge's, sorted by name; strays are ends of links in its namespace that are
	// no port of it and should be.
	ports, strays map[state.LinkID][]state.LinkID
	// onIt are the interfaces for VLANs on an interface, sorted by name.
	onIt map[state.LinkID][]state.LinkID
	// native is the VLAN of untagged frames that come in by a port.
	native map[state.LinkID]uint16
	// held are the ports that a spanning tree keeps from forwarding, and how.
	held map[state.LinkID]string
}

func newSwitching(see state.Observation) switching {
	s := switching{
		state:   see.State,
		bridges: map[string]state.LinkID{},
		ports:   map[state.LinkID][]state.LinkID{},
		strays:  map[state.LinkID][]state.LinkID{},
		onIt:    map[state.LinkID][]state.LinkID{},
		native:  map[state.LinkID]uint16{},
		held:    map[state.LinkID]string{},
	}
	for id := range see.State.Bridges {
		if known, ok := s.bridges[id.Namespace]; !ok || id.Name < known.Name {
			s.bridges[id.Namespace] = id
		}
	}
	for id, row := range see.State.PortVLANs {
		if row.PVID {
			s.native[state.LinkID{Namespace: id.Namespace, Name: id.Link}] = id.VLAN
		}
	}
	for _, id := range see.Settling {
		if see.State.Links[id].Master != "" { // what else settles has only just been set up
			s.held[id] = "has not decided yet about"
		}
	}
	for _, id := range see.Blocked {
		s.held[id] = "blocks"
	}
	s.addLinks()
	return s
}

func (s switching) addLinks() {
	for _, id := range slices.SortedFunc(maps.Keys(s.state.Links), func(a, b state.LinkID) int { return cmp.Compare(a.Name, b.Name) }) {
		link := s.state.Links[id]
		own, isSwitch := s.bridges[id.Namespace]
		bridge, isPort := s.bridgeOf(id)
		switch {
		case isPort:
			s.ports[bridge] = append(s.ports[bridge], id)
		case link.Kind == state.VLANLink:
			parent := state.LinkID{Namespace: id.Namespace, Name: link.Parent}
			s.onIt[parent] = append(s.onIt[parent], id)
		case isSwitch && link.Kind == state.VethLink && id.Name != state.Loopback:
			s.strays[own] = append(s.strays[own], id)
		}
	}
}

func (s switching) isBridge(id state.LinkID) bool {
	_, ok := s.state.Bridges[id]
	return ok
}

// bridgeOf is the bridge that an interface is a port of.
func (s switching) bridgeOf(port state.LinkID) (state.LinkID, bool) {
	bridge := state.LinkID{Namespace: port.Namespace, Name: s.state.Links[port].Master}
	return bridge, s.isBridge(bridge)
}

// anyTag is the tag of frames whose VLAN does not matter.
const anyTag = 1<<16 - 1

// vlanOf is the VLAN in a bridge of frames that come in by a port with a tag, 0 for none; ok is
// false where they are dropped. A bridge that does not filter lets every tag pass.
func (s switching) vlanOf(bridge, port state.LinkID, tag uint16) (vlan uint16, ok bool) {
	switch {
	case tag == anyTag || !s.state.Bridges[bridge].VLANFiltering:
		return tag, true
	case tag == 0:
		return s.native[port], s.native[port] != 0
	}
	_, ok = s.state.PortVLANs[portVLAN(port, tag)]
	return tag, ok
}

// tagOf is the tag that frames of a VLAN leave a bridge's port with; ok is false where they
// do not.
func (s switching) tagOf(bridge, port state.LinkID, vlan uint16) (tag uint16, ok bool) {
	if vlan == anyTag || !s.state.Bridges[bridge].VLANFiltering {
		return vlan, true
	}
	row, ok := s.state.PortVLANs[portVLAN(port, vlan)]
	if row.Untagged {
		return 0, ok
	}
	return vlan, ok
}

func portVLAN(port state.LinkID, vlan uint16) state.PortVLANID {
	return state.PortVLANID{Namespace: port.Namespace, Link: port.Name, VLAN: vlan}
}

// takers are the interfaces that take what comes in by one with a tag.
func (s switching) takers(id state.LinkID, tag uint16) []state.LinkID {
	switch tag {
	case 0:
		return []state.LinkID{id}
	case anyTag:
		return append([]state.LinkID{id}, s.onIt[id]...)
	}
	return slices.DeleteFunc(slices.Clone(s.onIt[id]), func(on state.LinkID) bool { return s.state.Links[on].VLAN != tag })
}
