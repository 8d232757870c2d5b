// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"slices"
)

// segments finds the interfaces that hear one another.
type segments struct {
	machine
	// attached are of each namespace once it was needed.
	attached map[string]attached
}

// attached are the ports of each bridge of a namespace, and the bridge itself, and the VLAN interfaces on each link.
type attached struct{ ports, children map[string][]LinkID }

func segmentsOf(m machine) *segments { return &segments{m, map[string]attached{}} }

// in finds what is attached to the links of a namespace.
func (s *segments) in(namespace string) attached {
	if known, ok := s.attached[namespace]; ok {
		return known
	}
	all := attached{map[string][]LinkID{}, map[string][]LinkID{}}
	for name, link := range s.at(namespace).Links {
		id := LinkID{namespace, name}
		switch {
		case link.Kind == BridgeLink:
			all.ports[name] = append(all.ports[name], id)
		case link.Kind == VLANLink:
			all.children[link.Parent] = append(all.children[link.Parent], id)
		}
		if link.Master != "" {
			all.ports[link.Master] = append(all.ports[link.Master], id)
		}
	}
	s.attached[namespace] = all
	return all
}

// frame is a broadcast at an interface with the VLAN of its tag, 0 without one.
type frame struct {
	LinkID
	vlan uint16
}

// around lists, sorted, the interfaces with addresses of their own that hear an interface's broadcast, itself aside.
func (s *segments) around(id LinkID) (others []LinkID) {
	heard := map[frame]bool{{id, 0}: true}
	for queue := []frame{{id, 0}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if link, _ := s.link(at.LinkID); at.vlan == 0 && link.Master == "" && at.LinkID != id {
			others = append(others, at.LinkID)
		}
		for _, next := range s.next(at) {
			if !heard[next] {
				heard[next] = true
				queue = append(queue, next)
			}
		}
	}
	slices.SortFunc(others, func(a, b LinkID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return others
}

// next is where a frame gets in one step.
func (s *segments) next(at frame) (next []frame) {
	link, there := s.link(at.LinkID)
	switch {
	case !there:
		return nil
	case link.Kind == VLANLink && at.vlan == 0:
		next = append(next, frame{LinkID{at.Namespace, link.Parent}, link.VLAN})
	case link.Kind == BridgeLink:
		next = append(next, s.bridged(at, at.LinkID)...)
	case link.Peer != (LinkID{}):
		next = append(next, frame{link.Peer, at.vlan})
	}
	if link.Master != "" {
		next = append(next, s.bridged(at, LinkID{at.Namespace, link.Master})...)
	}
	for _, child := range s.in(at.Namespace).children[at.Name] {
		if row, _ := s.link(child); row.VLAN == at.vlan {
			next = append(next, frame{child, 0})
		}
	}
	return next
}

// bridged is where a frame comes out that a port, or the bridge itself, hands to a bridge.
func (s *segments) bridged(in frame, bridge LinkID) (out []frame) {
	rows, ports := s.at(bridge.Namespace).PortVLANs, s.in(bridge.Namespace).ports[bridge.Name]
	if !s.at(bridge.Namespace).Bridges[bridge.Name].VLANFiltering {
		for _, port := range ports {
			out = append(out, frame{port, in.vlan})
		}
		return out
	}
	vlan := in.vlan
	for key, row := range rows {
		if in.vlan == 0 && key.Link == in.Name && row.PVID {
			vlan = key.VLAN
		}
	}
	if _, member := rows[PortVLANKey{in.Name, vlan}]; !member {
		return nil
	}
	for _, port := range ports {
		switch row, member := rows[PortVLANKey{port.Name, vlan}]; {
		case member && row.Untagged:
			out = append(out, frame{port, 0})
		case member:
			out = append(out, frame{port, vlan})
		}
	}
	return out
}
