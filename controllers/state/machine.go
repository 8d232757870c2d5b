// SPDX-License-Identifier: Apache-2.0

package state

import "maps"

// machine is a State split by network namespace. What an operation takes along is in the
// namespace it writes to, but for the other ends of links: so a cascade looks at one
// namespace's rows and not at the whole lab's.
type machine map[string]*State

// split copies s, so that playing an operation changes only the copy.
func split(s State) machine {
	m := machine{}
	for name, row := range s.Namespaces {
		m.in(name).Namespaces[name] = row
	}
	for id, row := range s.Links {
		m.in(id.Namespace).Links[id] = row
	}
	for id, row := range s.Addresses {
		m.in(id.Namespace).Addresses[id] = row
	}
	for id, row := range s.Routes {
		m.in(id.Namespace).Routes[id] = row
	}
	for id, row := range s.Sysctls {
		m.in(id.Namespace).Sysctls[id] = row
	}
	for id, row := range s.Bridges {
		m.in(id.Namespace).Bridges[id] = row
	}
	for id, row := range s.PortVLANs {
		m.in(id.Namespace).PortVLANs[id] = row
	}
	for id, row := range s.Qdiscs {
		m.in(id.Namespace).Qdiscs[id] = row
	}
	for id, row := range s.Overrides {
		m.in(id.Namespace).Overrides[id] = row
	}
	return m
}

// join is the inverse of split.
func (m machine) join() State {
	sysctls := 0
	for _, part := range m {
		sysctls += len(part.Sysctls)
	}
	s := NewState()
	s.Sysctls = make(map[SysctlID]string, sysctls)
	for _, part := range m {
		maps.Copy(s.Namespaces, part.Namespaces)
		maps.Copy(s.Links, part.Links)
		maps.Copy(s.Addresses, part.Addresses)
		maps.Copy(s.Routes, part.Routes)
		maps.Copy(s.Sysctls, part.Sysctls)
		maps.Copy(s.Bridges, part.Bridges)
		maps.Copy(s.PortVLANs, part.PortVLANs)
		maps.Copy(s.Qdiscs, part.Qdiscs)
		maps.Copy(s.Overrides, part.Overrides)
	}
	return s
}

// in is a namespace's part, to be written to.
func (m machine) in(namespace string) *State {
	part, ok := m[namespace]
	if !ok {
		part = &State{
			Namespaces: map[string]Namespace{},
			Links:      map[LinkID]Link{},
			Addresses:  map[AddressID]Address{},
			Routes:     map[RouteID]Route{},
			Sysctls:    make(map[SysctlID]string, len(InitialSysctls)+len(LinkSysctls4)+len(LinkSysctls6)),
			Bridges:    map[LinkID]Bridge{},
			PortVLANs:  map[PortVLANID]PortVLAN{},
			Qdiscs:     map[LinkID]Qdisc{},
			Overrides:  map[OverrideID]string{},
		}
		m[namespace] = part
	}
	return part
}

// at is a namespace's part, to be read.
func (m machine) at(namespace string) *State {
	if part, ok := m[namespace]; ok {
		return part
	}
	return &nothing
}

// nothing is the part of a namespace that is not there.
var nothing State

// link is the row of a link, in whichever namespace it is.
func (m machine) link(id LinkID) (Link, bool) {
	link, ok := m.at(id.Namespace).Links[id]
	return link, ok
}
