// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
)

// Bridge has the attributes of a switch's bridge that other interfaces lack.
type Bridge struct {
	// STP is the kernel's spanning tree protocol (IEEE 802.1D).
	STP bool
	// ForwardDelay is how long a port listens and learns before it forwards, in 1/100 s.
	ForwardDelay uint32
	// MaxAge is how long a port believes what it last heard of the root, in 1/100 s. A blocked port waits that long
	// before it takes over.
	MaxAge uint32
	// VLANFiltering makes ports members of VLANs.
	VLANFiltering bool
	// DefaultVLAN is the VLAN that new ports are in by themselves; 0 for none.
	DefaultVLAN uint16
}

// String is how ip link writes a bridge's attributes; those of VLANs only where there are any,
// because a kernel without them takes the others.
func (b Bridge) String() string {
	text := fmt.Sprintf("stp_state %d forward_delay %d max_age %d", number(b.STP), b.ForwardDelay, b.MaxAge)
	if b.VLANFiltering || b.DefaultVLAN != 0 {
		text += fmt.Sprintf(" vlan_filtering %d", number(b.VLANFiltering))
	}
	return text + fmt.Sprintf(" vlan_default_pvid %d", b.DefaultVLAN)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func dumpBridge(namespace, name string, b Bridge) string {
	return fmt.Sprintf("bridge %s %s %s\n", namespace, name, b)
}

// AddBridge makes a bridge, set down, without ports.
type AddBridge struct {
	LinkEnd
	Bridge Bridge
}

// SetBridge changes what a bridge does. Where it turns a spanning tree off, the ports that the tree held back
// forward at once. After the command alone those that listen or learn do so when their timers end (two forward
// delays), and those that are blocked when their neighbour's word is too old (MaxAge).
type SetBridge struct {
	LinkID
	Bridge Bridge
}

// SetMaster makes an interface a port of a bridge.
type SetMaster struct {
	LinkID
	Master string
}

// ReleaseLink frees an interface from its master.
type ReleaseLink struct{ LinkID }

func (o AddBridge) String() string {
	return fmt.Sprintf("ip -n %s link add name %s type bridge %s", o.Namespace, o.attributes(), o.Bridge)
}

// String names vlan_filtering always: it may be what is turned off. So may a spanning tree, and the kernel
// then leaves the bridge for good with the ageing time that it had while the tree changed.
func (o SetBridge) String() string {
	ageing := ""
	if !o.Bridge.STP {
		ageing = " ageing_time " + initialAttributes[BridgeAgeing]
	}
	return fmt.Sprintf("ip -n %s link set %s type bridge stp_state %d%s forward_delay %d max_age %d vlan_filtering %d vlan_default_pvid %d", o.Namespace, o.Device(),
		number(o.Bridge.STP), ageing, o.Bridge.ForwardDelay, o.Bridge.MaxAge, number(o.Bridge.VLANFiltering), o.Bridge.DefaultVLAN)
}

func (o SetMaster) String() string {
	return fmt.Sprintf("ip -n %s link set %s master %s", o.Namespace, o.Device(), o.Master)
}

func (o ReleaseLink) String() string {
	return fmt.Sprintf("ip -n %s link set %s nomaster", o.Namespace, o.Device())
}

func (o AddBridge) apply(m machine) {
	if link, ok := m.link(o.LinkID); ok && link.Kind == BridgeLink {
		return
	}
	n := m.in(o.Namespace)
	n.addLink(o.LinkEnd, Link{Kind: BridgeLink})
	n.Bridges[o.Name] = o.Bridge
	n.setBridgeSettings(On)
}

func (o SetBridge) apply(m machine) {
	have, ok := m.at(o.Namespace).Bridges[o.Name]
	if !ok {
		return
	}
	n := m.in(o.Namespace)
	if have.DefaultVLAN != o.Bridge.DefaultVLAN {
		n.dropDefaultVLAN(o.Name, have.DefaultVLAN)
	}
	n.Bridges[o.Name] = o.Bridge
	if o.Bridge.STP != have.STP {
		n.dropPortStates(o.Name)
	}
	if !o.Bridge.STP {
		delete(n.AttributeDrift, AttributeKey{o.Name, BridgeAgeing})
	}
}

func (o SetMaster) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) {
		if l.Master != o.Master {
			m.in(o.Namespace).leavePort(o.Name)
		}
		l.Master = o.Master
	})
}

func (o ReleaseLink) apply(m machine) {
	m.changeLink(o.LinkID, func(l *Link) {
		m.in(o.Namespace).leavePort(o.Name)
		l.Master = ""
	})
}

// dropBridge frees a bridge's ports.
func (n *Namespace) dropBridge(bridge string) {
	for port, link := range n.Links {
		if link.Master == bridge {
			link.Master = ""
			n.Links[port] = link
			n.leavePort(port)
		}
	}
	delete(n.Bridges, bridge)
	n.setBridgeSettings(Absent)
}

// leavePort drops what a link has as a bridge's port.
func (n *Namespace) leavePort(link string) {
	n.dropPortVLANs(link)
	n.dropAttributes(link, LinkAttribute.ofPort)
}

// setBridgesUnfiltered leaves a bridge that does not filter yet as it is in that: while its ports are in no
// VLAN, filtering would drop everything.
func (d *differ) setBridgesUnfiltered() {
	d.stepBridges(func(have, want Bridge) Bridge {
		want.VLANFiltering = want.VLANFiltering && have.VLANFiltering
		want.STP = want.STP || have.STP
		return want
	})
}

// setBridgesGuarded leaves a bridge its spanning tree while a link that has to go down may still close a cycle.
func (d *differ) setBridgesGuarded() {
	d.stepBridges(func(have, want Bridge) Bridge {
		want.STP = want.STP || have.STP
		return want
	})
}

// setBridges comes when every link that should be up is. A spanning tree is turned off when every other is down.
func (d *differ) setBridges() {
	if !d.complete {
		d.setBridgesGuarded()
		return
	}
	d.stepBridges(func(_, want Bridge) Bridge { return want })
}

// stepBridges makes of every bridge what step makes of what it is and what it should be.
func (d *differ) stepBridges(step func(have, want Bridge) Bridge) {
	d.each(func(p *played) {
		for _, name := range missing(p.now.Bridges, p.want.Bridges, cmp.Compare) {
			if next := step(p.now.Bridges[name], p.want.Bridges[name]); next != p.now.Bridges[name] && d.there(p, name) {
				d.do(SetBridge{LinkID{p.name, name}, next})
			}
		}
	})
}

// setMasters comes before anything that a port has as such.
func (d *differ) setMasters() {
	d.each(func(p *played) {
		for _, name := range p.wantedLinks() {
			switch master := p.want.Links[name].Master; {
			case master == p.now.Links[name].Master || !d.there(p, name):
			case master != "" && !d.there(p, master):
				p.postponed = true
			case master == "":
				d.do(ReleaseLink{LinkID{p.name, name}})
			default:
				d.do(SetMaster{LinkID{p.name, name}, master})
			}
		}
	})
}
