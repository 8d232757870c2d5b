// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// switching indexes layer 2, so that a large switch is read once per walk.
type switching struct {
	state state.State
	// bridges maps a namespace to its bridge.
	bridges map[string]state.LinkID
	// ports are those of a bridge, sorted by name. nonPorts are ends of links in its namespace that should be
	// ports and are not.
	ports, nonPorts map[state.LinkID][]state.LinkID
	// onIt are the VLAN interfaces on an interface, sorted by name.
	onIt map[state.LinkID][]state.LinkID
	// native is the VLAN of untagged frames received on a port (PVID).
	native map[state.LinkID]uint16
	// held are the ports that STP has yet to open, with the text for it. blocked are those that do not forward and
	// stay so.
	held    map[state.LinkID]string
	blocked map[state.LinkID]bool
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
		blocked:  map[state.LinkID]bool{},
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
	for _, ports := range [][]state.LinkID{see.Settling, see.Blocked} {
		for _, id := range ports {
			s.blocked[id] = s.isPort(id) // other links settle because they came up a moment ago
		}
	}
	for _, id := range see.Converging() {
		if s.isPort(id) {
			s.held[id], s.blocked[id] = "STP has not converged on port", false
			if bridge, _ := s.bridgeOf(id); !see.State[id.Namespace].Bridges[bridge.Name].STP {
				s.held[id] = "the bridge has not seen the carrier yet of port"
			}
		}
		if slices.Contains(see.Blocked, id) {
			s.held[id] = "STP has yet to open port"
		}
	}
	s.addLinks()
	return s
}

func (s switching) isPort(id state.LinkID) bool {
	return s.state[id.Namespace].Links[id.Name].Master != ""
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

// bridgeOf is the bridge whose port an interface is.
func (s switching) bridgeOf(port state.LinkID) (state.LinkID, bool) {
	bridge := state.LinkID{Namespace: port.Namespace, Name: s.state[port.Namespace].Links[port.Name].Master}
	return bridge, s.isBridge(bridge)
}

// anyTag is the tag of frames whose VLAN is ignored.
const anyTag = 1<<16 - 1

// vlanOf is the VLAN, in a bridge, of frames received on a port with a tag, 0 if untagged; ok is false if
// they are dropped. A bridge that does not filter accepts every tag.
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

// tagOf is the tag with which frames of a VLAN leave a port; ok is false if they do not.
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

// takers are the interfaces that receive frames with a tag on an interface.
func (s switching) takers(id state.LinkID, tag uint16) []state.LinkID {
	switch tag {
	case 0:
		return []state.LinkID{id}
	case anyTag:
		return append([]state.LinkID{id}, s.onIt[id]...)
	}
	return slices.DeleteFunc(slices.Clone(s.onIt[id]), func(on state.LinkID) bool { return s.state[on.Namespace].Links[on.Name].VLAN != tag })
}
