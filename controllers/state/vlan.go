// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// PortVLANKey names the membership of a bridge's port, or of the bridge itself, in a VLAN.
type PortVLANKey struct {
	Link string
	VLAN uint16
}

func (k PortVLANKey) compare(o PortVLANKey) int {
	return cmp.Or(cmp.Compare(k.Link, o.Link), cmp.Compare(k.VLAN, o.VLAN))
}

// PortVLANID names a membership on a machine.
type PortVLANID struct {
	Namespace string
	PortVLANKey
}

// Namespaces implements Op.
func (id PortVLANID) Namespaces() []string { return []string{id.Namespace} }

// PortVLAN is how a port is in a VLAN.
type PortVLAN struct {
	// PVID says that untagged frames that come in belong to the VLAN.
	PVID bool
	// Untagged says that frames of the VLAN go out without a tag.
	Untagged bool
}

// String is how bridge vlan writes it behind the VLAN's number.
func (v PortVLAN) String() string {
	text := ""
	if v.PVID {
		text += " pvid"
	}
	if v.Untagged {
		text += " untagged"
	}
	return text
}

func dumpPortVLAN(namespace string, k PortVLANKey, v PortVLAN) string {
	return fmt.Sprintf("vlan %s %s %d%s\n", namespace, k.Link, k.VLAN, v)
}

// AddVLANLink makes the interface for one VLAN of another, set down.
type AddVLANLink struct {
	LinkEnd
	Parent string
	VLAN   uint16
}

// SetPortVLAN puts a bridge's port, or the bridge itself, into a VLAN, or changes how it is in it.
type SetPortVLAN struct {
	PortVLANID
	PortVLAN
	// Self says that it is the bridge itself.
	Self bool
}

// DeletePortVLAN takes a bridge's port, or the bridge itself, out of a VLAN.
type DeletePortVLAN struct {
	PortVLANID
	Self bool
}

func (o AddVLANLink) String() string {
	return fmt.Sprintf("ip -n %s link add link %s name %s type vlan id %d", o.Namespace, o.Parent, o.attributes(), o.VLAN)
}

func (o SetPortVLAN) String() string {
	return fmt.Sprintf("bridge -n %s vlan add dev %s vid %d%s%s", o.Namespace, o.Link, o.VLAN, o.PortVLAN, self(o.Self))
}

func (o DeletePortVLAN) String() string {
	return fmt.Sprintf("bridge -n %s vlan delete dev %s vid %d%s", o.Namespace, o.Link, o.VLAN, self(o.Self))
}

func self(bridge bool) string {
	if bridge {
		return " self"
	}
	return ""
}

func (o AddVLANLink) apply(m machine) {
	if link, ok := m.link(o.LinkID); ok && link.attach() == (Link{Kind: VLANLink, Parent: o.Parent, VLAN: o.VLAN}) {
		return
	}
	m.in(o.Namespace).addLink(o.LinkEnd, Link{Kind: VLANLink, Parent: o.Parent, VLAN: o.VLAN})
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

// withUppers lists a link, and in order of name those that go down with it.
func (n *Namespace) withUppers(link string) []string {
	names := []string{link}
	for _, child := range slices.Sorted(slices.Values(n.children(link))) {
		names = append(names, n.withUppers(child)...)
	}
	return names
}

func (n *Namespace) dropPortVLANs(link string) {
	maps.DeleteFunc(n.PortVLANs, func(k PortVLANKey, _ PortVLAN) bool { return k.Link == link })
}

// dropDefaultVLAN takes bridge and ports out of the VLAN they were in by themselves.
func (n *Namespace) dropDefaultVLAN(bridge string, vlan uint16) {
	maps.DeleteFunc(n.PortVLANs, func(k PortVLANKey, row PortVLAN) bool {
		return k.VLAN == vlan && row == PortVLAN{PVID: true, Untagged: true} && (k.Link == bridge || n.Links[k.Link].Master == bridge)
	})
}

// setPortVLANs puts ports into VLANs before it takes them out of others.
func (d *differ) setPortVLANs() {
	d.each(func(p *played) {
		self := func(k PortVLANKey) bool { return p.want.Links[k.Link].Kind == BridgeLink }
		for _, key := range missing(p.now.PortVLANs, p.want.PortVLANs, PortVLANKey.compare) {
			if d.there(p, key.Link) && p.now.Links[key.Link].Master == p.want.Links[key.Link].Master {
				d.do(SetPortVLAN{PortVLANID{p.name, key}, p.want.PortVLANs[key], self(key)})
			}
		}
		for _, key := range unwanted(p.now.PortVLANs, p.want.PortVLANs, PortVLANKey.compare) {
			if d.there(p, key.Link) {
				d.do(DeletePortVLAN{PortVLANID{p.name, key}, self(key)})
			}
		}
	})
}
