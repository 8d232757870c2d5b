// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// defaultAccessVLAN is the VLAN of a port without vlan, vlans and nativeVLAN.
const defaultAccessVLAN = 1

// port is a link's end at a switch.
type port struct {
	// filters is true where the switch filters VLANs; else the other fields are unused.
	filters bool
	// untagged is the VLAN of untagged frames, 0 for none.
	untagged uint16
	// tagged are the VLANs of tagged frames, sorted.
	tagged []uint16
	// allVLANs makes all VLANs of the lab tagged: the default of a link between switches.
	allVLANs bool
}

// vlan is the VLAN of a frame with a tag (0: untagged); ok is false where the port drops it.
func (p *port) vlan(tag uint16) (vlan uint16, ok bool) {
	switch {
	case tag == 0:
		return p.untagged, p.untagged != 0
	case tag == p.untagged:
		return 0, false
	case p.allVLANs:
		return tag, true
	}
	_, ok = slices.BinarySearch(p.tagged, tag)
	return tag, ok
}

func (x *node) filters() bool { return x.sw != nil && x.sw.VLANFiltering == v1alpha1.Enabled }

func (n *network) checkVLAN(field string, id v1alpha1.VLANID) {
	n.checkRange(field, "VLAN", int(id), 1, 4094)
}

// addPort adds the VLANs of a link's end at a switch.
func (n *network) addPort(e *end, spec *v1alpha1.Endpoint) {
	n.checkPort(e, spec)
	e.port = &port{filters: e.node.filters()}
	if !e.port.filters {
		for _, name := range vlanFields(spec) {
			n.refuseAbsent(AnyAbsent, e.field+"."+name, "write vlanFiltering: Enabled at the switch", "%s does not filter VLANs", e.node.name)
		}
		return
	}
	n.checkPortVLANs(e.field, spec)
	e.port.untagged = uint16(spec.VLAN)
	if len(spec.VLANs) > 0 || spec.NativeVLAN != 0 {
		e.port.untagged = uint16(spec.NativeVLAN)
	}
	for _, v := range spec.VLANs {
		e.port.tagged = append(e.port.tagged, uint16(v))
	}
	slices.Sort(e.port.tagged)
}

// checkPort refuses what only an interface with addresses has.
func (n *network) checkPort(e *end, spec *v1alpha1.Endpoint) {
	for _, wrong := range []struct {
		field, fix string
		set        bool
	}{
		{"addresses", "write addresses at the switch itself, under switches", len(spec.Addresses) > 0},
		{"mac", "remove it", spec.MAC != ""},
		{"subinterfaces", "write vlans: for the VLANs of the port", len(spec.Subinterfaces) > 0},
	} {
		if wrong.set {
			n.refuse(e.field+"."+wrong.field, wrong.fix, "%s is a switch: its ports have no %s", e.node.name, wrong.field)
		}
	}
}

// setDefaultVLANs sets the VLANs of ports without any; they depend on the node at the other end.
func (n *network) setDefaultVLANs(l *link, specs []v1alpha1.Endpoint) {
	for i, e := range l.ends {
		unset := specs[i].VLAN == 0 && len(specs[i].VLANs) == 0
		switch {
		case e.port == nil || !e.port.filters || !unset:
		case e.peer().port != nil:
			e.port.allVLANs = true
		case specs[i].NativeVLAN == 0:
			e.port.untagged = defaultAccessVLAN
		}
	}
}

func (n *network) checkPortVLANs(field string, spec *v1alpha1.Endpoint) {
	if spec.VLAN != 0 {
		n.checkVLAN(field+".vlan", spec.VLAN)
	}
	if spec.VLAN != 0 && (len(spec.VLANs) > 0 || spec.NativeVLAN != 0) {
		n.refuse(field+".vlan", "write vlan: for an access port, vlans: and nativeVLAN: for a trunk", "the port has both vlan (access port) and vlans or nativeVLAN (trunk)")
	}
	if spec.NativeVLAN != 0 {
		n.checkVLAN(field+".nativeVLAN", spec.NativeVLAN)
	}
	for i, v := range spec.VLANs {
		n.checkVLAN(fieldAt(field, "vlans", i), v)
		if slices.Contains(spec.VLANs[:i], v) {
			n.refuseDuplicate(fieldAt(field, "vlans", i), fmt.Sprintf("VLAN %d", v))
		}
	}
}

// vlanFields are the fields of an endpoint that only a port at a switch with VLAN filtering has.
func vlanFields(spec *v1alpha1.Endpoint) (fields []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{{"vlan", spec.VLAN != 0}, {"vlans", len(spec.VLANs) > 0}, {"nativeVLAN", spec.NativeVLAN != 0}} {
		if f.set {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// addSubinterfaces adds the VLAN interfaces on a link's end.
func (n *network) addSubinterfaces(parent *end, spec *v1alpha1.Endpoint) {
	for i, s := range spec.Subinterfaces {
		field := fieldAt(parent.field, "subinterfaces", i)
		n.checkVLAN(field+".vlan", s.VLAN)
		if slices.ContainsFunc(parent.subinterfaces, func(o *end) bool { return o.vlan == uint16(s.VLAN) }) {
			n.refuseDuplicate(field+".vlan", fmt.Sprintf("VLAN %d", s.VLAN))
			continue
		}
		e := &end{
			node: parent.node, link: parent.link, parent: parent, field: field, vlan: uint16(s.VLAN), iface: s.Name,
			written: s.Addresses, mtu: parent.mtu, mac: parent.mac, subnet: n.subnetCalled(field, s.Subnet),
		}
		if e.iface == "" {
			e.iface = fmt.Sprintf("%s.%d", parent.iface, s.VLAN)
			n.checkLength(field, "name", e.iface)
		} else {
			n.checkName(field, "name", e.iface)
		}
		n.claimName(field, "name", e)
		parent.subinterfaces = append(parent.subinterfaces, e)
	}
}

// allVLANs are all VLANs in the lab, sorted.
func (n *network) allVLANs() []uint16 {
	ids := map[uint16]bool{}
	for _, s := range n.spec.Switches {
		for _, v := range s.VLANs {
			ids[uint16(v.ID)] = true
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			for _, sub := range e.subinterfaces {
				ids[sub.vlan] = true
			}
			if e.port != nil {
				ids[e.port.untagged] = true
				for _, v := range e.port.tagged {
					ids[v] = true
				}
			}
		}
	}
	delete(ids, 0)
	return slices.Sorted(maps.Keys(ids))
}

// addPortVLANs adds the VLANs of a bridge port.
func (n *network) addPortVLANs(want state.State, e *end) {
	rows := want[e.node.namespace].PortVLANs
	for vlan, row := range n.portVLANs(e) {
		rows[state.PortVLANKey{Link: e.iface, VLAN: vlan}] = row
	}
}

// portVLANs yields the VLANs of a bridge port.
func (n *network) portVLANs(e *end) iter.Seq2[uint16, state.PortVLAN] {
	tagged := e.port.tagged
	if e.port.allVLANs {
		tagged = n.vlans
	}
	return func(yield func(uint16, state.PortVLAN) bool) {
		for _, vlan := range tagged {
			if vlan != e.port.untagged && !yield(vlan, state.PortVLAN{}) {
				return
			}
		}
		if e.port.untagged != 0 {
			yield(e.port.untagged, state.PortVLAN{PVID: true, Untagged: true})
		}
	}
}
