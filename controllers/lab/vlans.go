// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// defaultAccessVLAN is the VLAN of a port that does not say.
const defaultAccessVLAN = 1

// port is a link's end at a switch.
type port struct {
	// filters says that the switch filters VLANs; the rest is about that.
	filters bool
	// untagged is the VLAN of frames without a tag, 0 for none.
	untagged uint16
	// tagged are the VLANs of frames with one, sorted.
	tagged []uint16
	// allVLANs says that all VLANs of the lab are tagged: a link between switches that says nothing.
	allVLANs bool
}

// vlan is the VLAN that a frame with a tag belongs to; ok is false where it is dropped.
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
	if id < 1 || id > 4094 {
		n.refuse(field, "", "a VLAN is 1 to 4094, not %d", id)
	}
}

// addPort says which VLANs a link's end at a switch is in.
func (n *network) addPort(e *end, spec *v1alpha1.Endpoint) {
	for _, wrong := range []struct {
		field string
		there bool
	}{{"addresses", len(spec.Addresses) > 0}, {"mac", spec.MAC != ""}, {"subinterfaces", len(spec.Subinterfaces) > 0}} {
		if wrong.there {
			n.refuse(e.field+"."+wrong.field, "write addresses at the switch itself, under switches", "%s is a switch: a port has no %s", e.node.name, wrong.field)
		}
	}
	e.port = &port{filters: e.node.filters()}
	if !e.port.filters {
		n.refuseVLANs(e.field, spec, "write vlanFiltering: Enabled at the switch", e.node.name+" does not filter VLANs")
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

// setDefaultVLANs gives ports that say nothing what they have by default; it needs both ends.
func (n *network) setDefaultVLANs(l *link, specs []v1alpha1.Endpoint) {
	for i, e := range l.ends {
		withoutSTP := specs[i].VLAN == 0 && len(specs[i].VLANs) == 0
		switch {
		case e.port == nil || !e.port.filters || !withoutSTP:
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
		n.refuse(field+".vlan", "write vlan: for an access port, vlans: and nativeVLAN: for a trunk", "a port is an access port or a trunk")
	}
	if spec.NativeVLAN != 0 {
		n.checkVLAN(field+".nativeVLAN", spec.NativeVLAN)
	}
	for i, v := range spec.VLANs {
		n.checkVLAN(fieldAt(field+".vlans", i), v)
		if slices.Contains(spec.VLANs[:i], v) {
			n.refuse(fieldAt(field+".vlans", i), "remove one", "VLAN %d is there twice", v)
		}
	}
}

// refuseVLANs refuses what only ports of a switch that filters have.
func (n *network) refuseVLANs(field string, spec *v1alpha1.Endpoint, fix, why string) {
	for _, wrong := range []struct {
		field string
		there bool
	}{{"vlan", spec.VLAN != 0}, {"vlans", len(spec.VLANs) > 0}, {"nativeVLAN", spec.NativeVLAN != 0}} {
		if wrong.there {
			n.refuseAbsent(AnyAbsent, field+"."+wrong.field, fix, "%s", why)
		}
	}
}

// addSubinterfaces puts interfaces on a link's end, each for one VLAN.
func (n *network) addSubinterfaces(parent *end, spec *v1alpha1.Endpoint) {
	for i, s := range spec.Subinterfaces {
		field := fieldAt(parent.field+".subinterfaces", i)
		n.checkVLAN(field+".vlan", s.VLAN)
		if slices.ContainsFunc(parent.subinterfaces, func(o *end) bool { return o.vlan == uint16(s.VLAN) }) {
			n.refuse(field+".vlan", "remove one", "VLAN %d is there twice", s.VLAN)
			continue
		}
		n.checkSwitchSubnet(field+".subnet", s.Subnet)
		e := &end{
			node: parent.node, link: parent.link, parent: parent, field: field, vlan: uint16(s.VLAN), iface: s.Name,
			written: s.Addresses, derived: map[netip.Prefix]bool{}, mtu: parent.mtu, mac: parent.mac, subnet: n.subnetByName[s.Subnet],
		}
		if e.iface == "" {
			e.iface = fmt.Sprintf("%s.%d", parent.iface, s.VLAN)
		} else {
			n.checkName(field+".name", e.iface)
		}
		if len(e.iface) > maxNameLength {
			n.refuse(field+".name", "write name: with a shorter one", "%q has %d characters; an interface name has at most %d", e.iface, len(e.iface), maxNameLength)
		}
		n.claimName(field+".name", e)
		parent.subinterfaces = append(parent.subinterfaces, e)
	}
}

// vlans are all VLANs that the lab names, sorted.
func (n *network) vlans() []uint16 {
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
