// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// switching indexes what is on layer 2, so that a large switch is read once.
type switching struct {
	state state.State
	// bridges are the switches' own, by namespace.
	bridges map[string]state.LinkID
	// ports are a bridge's, sorted by name; nonPorts are ends of links in its namespace that are
	// no port of it and should be.
	ports, nonPorts map[state.LinkID][]state.LinkID
	// onIt are the interfaces for VLANs on an interface, sorted by name.
	onIt map[state.LinkID][]state.LinkID
	// native is the VLAN of untagged frames that come in by a port.
	native map[state.LinkID]uint16
	// held are the ports that a spanning tree keeps from forwarding, and how.
	held map[state.LinkID]string
}

func newSwitching(see state.Observation) switching {
	s := switching{
		state:    see.State,
		bridges:  map[string]state.LinkID{},
		ports:    map[state.LinkID][]state.LinkID{},
		nonPorts: map[state.LinkID][]state.LinkID{},
		onIt:     map[state.LinkID][]state.LinkID{},
		native:   map[state.LinkID]uint16{},
		held:     map[state.LinkID]string{},
	}
	for namespace, n := range see.State {
		if names := slices.Sorted(maps.Keys(n.Bridges)); len(names) > 0 {
			s.bridges[namespace] = state.LinkID{Namespace: namespace, Name: names[0]}
		}
		for key, row := range n.PortVLANs {
			if row.PVID {
				s.native[state.LinkID{Namespace: namespace, Name: key.Link}] = key.VLAN
			}
		}
	}
	for _, id := range see.Settling {
		if see.State[id.Namespace].Links[id.Name].Master != "" { // what else settles has only just been set up
			s.held[id] = "STP has not converged on port"
		}
	}
	for _, id := range see.Blocked {
		s.held[id] = "STP blocks port"
	}
	s.addLinks()
	return s
}

func (s switching) addLinks() {
	for namespace, n := range s.state {
		own, isSwitch := s.bridges[namespace]
		for _, name := range slices.Sorted(maps.Keys(n.Links)) {
			id, link := state.LinkID{Namespace: namespace, Name: name}, n.Links[name]
			bridge, isPort := s.bridgeOf(id)
			switch {
			case isPort:
				s.ports[bridge] = append(s.ports[bridge], id)
			case link.Kind == state.VLANLink:
				parent := state.LinkID{Namespace: namespace, Name: link.Parent}
				s.onIt[parent] = append(s.onIt[parent], id)
			case isSwitch && link.Kind == state.VethLink && name != state.Loopback:
				s.nonPorts[own] = append(s.nonPorts[own], id)
			}
		}
	}
}

func (s switching) isBridge(id state.LinkID) bool {
	_, ok := s.state[id.Namespace].Bridges[id.Name]
	return ok
}

// bridgeOf is the bridge that an interface is a port of.
func (s switching) bridgeOf(port state.LinkID) (state.LinkID, bool) {
	bridge := state.LinkID{Namespace: port.Namespace, Name: s.state[port.Namespace].Links[port.Name].Master}
	return bridge, s.isBridge(bridge)
}

// anyTag is the tag of frames whose VLAN does not matter.
const anyTag = 1<<16 - 1

// vlanOf is the VLAN in a bridge of frames that come in by a port with a tag, 0 for none; ok is
// false where they are dropped. A bridge that does not filter lets every tag pass.
func (s switching) vlanOf(bridge, port state.LinkID, tag uint16) (vlan uint16, ok bool) {
	switch {
	case tag == anyTag || !s.state[bridge.Namespace].Bridges[bridge.Name].VLANFiltering:
		return tag, true
	case tag == 0:
		return s.native[port], s.native[port] != 0
	}
	_, ok = s.state[port.Namespace].PortVLANs[state.PortVLANKey{Link: port.Name, VLAN: tag}]
	return tag, ok
}

// tagOf is the tag that frames of a VLAN leave a bridge's port with; ok is false where they
// do not.
func (s switching) tagOf(bridge, port state.LinkID, vlan uint16) (tag uint16, ok bool) {
	if vlan == anyTag || !s.state[bridge.Namespace].Bridges[bridge.Name].VLANFiltering {
		return vlan, true
	}
	row, ok := s.state[port.Namespace].PortVLANs[state.PortVLANKey{Link: port.Name, VLAN: vlan}]
	if row.Untagged {
		return 0, ok
	}
	return vlan, ok
}

// takers are the interfaces that take what comes in by one with a tag.
func (s switching) takers(id state.LinkID, tag uint16) []state.LinkID {
	switch tag {
	case 0:
		return []state.LinkID{id}
	case anyTag:
		return append([]state.LinkID{id}, s.onIt[id]...)
	}
	return slices.DeleteFunc(slices.Clone(s.onIt[id]), func(on state.LinkID) bool { return s.state[on.Namespace].Links[on.Name].VLAN != tag })
}
