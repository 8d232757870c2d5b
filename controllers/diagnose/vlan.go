// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// member is the VLAN membership of an end of a segment, at the nearest switch that filters VLANs.
type member struct {
	// tag is the tag of its frames, 0 if untagged.
	tag uint16
	// vlan is its VLAN, 0 for none.
	vlan uint16
	// bridge and port are zero where no switch on the way filters.
	bridge, port state.LinkID
}

func (m member) String() string {
	text := "in no VLAN"
	if m.vlan != 0 {
		text = fmt.Sprintf("in VLAN %d", m.vlan)
	}
	if m.bridge.Namespace != "" {
		text += " of " + state.NodeOf(m.bridge.Namespace)
	}
	return text
}

// gate is where a path enters or leaves a bridge.
type gate struct {
	bridge, port state.LinkID
	leaves       bool
	// passed counts the positions in front of it.
	passed int
}

// gates are those of a path, in order.
func (l neighbour) gates() []gate {
	var gates []gate
	for i, s := range l.positions {
		if s.direction == inside {
			gates = append(gates,
				gate{s.link, l.positions[i-1].link, false, i},
				gate{s.link, l.positions[i+1].link, true, i + 1})
		}
	}
	return gates
}

// member is the membership of an end at the nearest gates.
func (w walker) member(end state.LinkID, nearest []gate) member {
	m := member{tag: w.link(end).VLAN, vlan: w.link(end).VLAN}
	for _, g := range nearest {
		if !w.State[g.bridge.Namespace].Bridges[g.bridge.Name].VLANFiltering {
			continue
		}
		m.bridge, m.port = g.bridge, g.port
		if m.tag == 0 {
			m.vlan = w.native[g.port]
		}
		break
	}
	return m
}

// otherVLAN is the cause if only VLANs separate a packet from the holder of the address: the ends are in
// different VLANs, or a switch between them does not carry theirs.
func (w walker) otherVLAN(p packet, l neighbour, wanted netip.Addr) (neighbour, Cause) {
	gates := l.gates()
	here, there := w.member(l.out, gates), w.member(l.in, backwards(gates))
	from, holder := state.NodeOf(l.out.Namespace), state.NodeOf(l.in.Namespace)
	cause := Cause{Reason: v1alpha1.ReasonDifferentVLAN, Node: state.NodeOf(there.bridge.Namespace)}
	if here.vlan == there.vlan && here.vlan != 0 {
		if stopped, why, ok := w.notCarried(p, l, here); ok {
			return stopped, why
		}
	}
	cause.Message = fmt.Sprintf("%s is %s, but %s, which has %s, is %s", from, here, holder, wanted, there)
	cause.Fix = w.memberFix(here, there)
	l.before = 0
	if len(gates) > 0 {
		l.before = gates[0].passed + 1
	}
	return l, cause
}

func backwards(gates []gate) []gate {
	reversed := make([]gate, 0, len(gates))
	for i := range gates {
		reversed = append(reversed, gates[len(gates)-1-i])
	}
	return reversed
}

// memberFix puts one end into the VLAN of the other: the neighbour's, unless it sends tagged frames.
func (w walker) memberFix(here, there member) string {
	for _, port := range []state.LinkID{there.port, here.port} {
		if fix, ok := w.driftedPort(port); ok {
			return fix
		}
	}
	switch {
	case there.tag == 0 && there.port.Name != "" && here.vlan != 0:
		return w.portFix(there.port, fmt.Sprintf("set vlan: %d", here.vlan), here.vlan, " pvid untagged")
	case here.tag == 0 && here.port.Name != "" && there.vlan != 0:
		return w.portFix(here.port, fmt.Sprintf("set vlan: %d", there.vlan), there.vlan, " pvid untagged")
	}
	return "in the spec, use the same VLAN at both ends"
}

// portFix is the change at a switch's end of a link in the spec, and the command.
func (v view) portFix(port state.LinkID, spec string, vlan uint16, how string) string {
	if fix, ok := v.driftedPort(port); ok {
		return fix
	}
	return fit(fmt.Sprintf("in the spec, %s on port %s of %s", spec, port.Name, state.NodeOf(port.Namespace)),
		fmt.Sprintf("bridge -n %s vlan add dev %s vid %d%s", port.Namespace, port.Name, vlan, how))
}

// notCarried follows the frames of a VLAN through the switches to the first gate that drops them or assigns
// them to another VLAN.
func (w walker) notCarried(p packet, l neighbour, here member) (neighbour, Cause, bool) {
	tag, vlan, sender := here.tag, uint16(0), state.LinkID{}
	for _, g := range l.gates() {
		var ok bool
		l.before = g.passed
		if g.leaves {
			sender = g.port
			if tag, ok = w.tagOf(g.bridge, g.port, vlan); !ok {
				return l, w.notMember(p, l, g.port, here.vlan), true
			}
			continue
		}
		vlan, ok = w.vlanOf(g.bridge, g.port, tag)
		switch filters := w.State[g.bridge.Namespace].Bridges[g.bridge.Name].VLANFiltering; {
		case !ok && tag != 0:
			return l, w.notMember(p, l, g.port, here.vlan), true
		case !ok || filters && vlan != here.vlan:
			return l, w.nativeDiffers(sender, g.port, here.vlan), true
		}
	}
	return l, Cause{}, false
}

// notMember is the cause if a port is not in the VLAN it should carry.
func (w walker) notMember(p packet, l neighbour, port state.LinkID, vlan uint16) Cause {
	node := state.NodeOf(port.Namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonDifferentVLAN,
		Node:    node,
		Message: fmt.Sprintf("port %s of %s is not in VLAN %d, on the path from %s to %s", port.Name, node, vlan, state.NodeOf(l.out.Namespace), p.destination),
		Fix:     w.portFix(port, fmt.Sprintf("add %d to vlans", vlan), vlan, ""),
	}
	if w.isBridge(port) {
		cause.Fix = fit(drift, fmt.Sprintf("bridge -n %s vlan add dev %s vid %d self", port.Namespace, port.Name, vlan))
	}
	return cause
}

// nativeDiffers is the cause if a VLAN leaves one switch untagged and the next one drops it or assigns it to
// another VLAN.
func (w walker) nativeDiffers(sender, port state.LinkID, vlan uint16) Cause {
	node, other := state.NodeOf(port.Namespace), state.NodeOf(sender.Namespace)
	takes := "drops untagged frames"
	if native := w.native[port]; native != 0 {
		takes = fmt.Sprintf("assigns untagged frames to VLAN %d", native)
	}
	cause := Cause{
		Reason:  v1alpha1.ReasonDifferentVLAN,
		Node:    node,
		Message: fmt.Sprintf("%s sends VLAN %d untagged on port %s, but %s %s on port %s", other, vlan, sender.Name, node, takes, port.Name),
		Fix:     w.portFix(port, fmt.Sprintf("set nativeVLAN: %d", vlan), vlan, " pvid untagged"),
	}
	if fix, ok := w.driftedPort(sender); ok {
		cause.Fix = fix
	}
	return cause
}
