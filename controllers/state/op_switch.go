// SPDX-License-Identifier: Apache-2.0

package state

import "fmt"

// AddBridge makes a bridge, set down, without ports.
type AddBridge struct {
	LinkEnd
	Bridge Bridge
}

// SetBridge changes what a bridge does. Where it turns a spanning tree off, the ports that the tree held back
// forward at once. After the command alone those that listen or learn do so when their timers end (two forward
// delays), and those that are blocked when their neighbour's word is too old (20 s).
type SetBridge struct {
	LinkID
	Bridge Bridge
}

// AddVLANLink makes the interface for one VLAN of another, set down.
type AddVLANLink struct {
	LinkEnd
	Parent string
	VLAN   uint16
}

// SetMaster makes an interface a port of a bridge.
type SetMaster struct {
	LinkID
	Master string
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

// ReplaceQdisc gives an interface its root queueing discipline. One of the same kind is changed in
// place, and what is queued stays.
type ReplaceQdisc struct {
	LinkID
	Qdisc Qdisc
}

// DeleteQdisc gives an interface back the kernel's own queueing discipline.
type DeleteQdisc struct{ LinkID }

// DeleteChildQdisc takes away what hangs below a root queueing discipline. Netem goes on with its own
// queue; tbf is left without one and lets nothing through until it is given its limit again.
type DeleteChildQdisc struct {
	LinkID
	Parent Handle
}

// Namespaces implements Op.
func (id PortVLANID) Namespaces() []string { return []string{id.Namespace} }

// String is how ip link writes a bridge's attributes; those of VLANs only where there are any,
// because a kernel without them takes the others.
func (b Bridge) String() string {
	text := fmt.Sprintf("stp_state %d forward_delay %d", number(b.STP), b.ForwardDelay)
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

func (o AddBridge) String() string {
	return fmt.Sprintf("ip -n %s link add name %s type bridge %s", o.Namespace, o.attributes(), o.Bridge)
}

// String names vlan_filtering always: it may be what is turned off. So may a spanning tree, and the kernel
// then leaves the bridge for good with the ageing time that it had while the tree changed.
func (o SetBridge) String() string {
	ageing := ""
	if !o.Bridge.STP {
		ageing = " ageing_time " + bornAttributes[BridgeAgeing]
	}
	return fmt.Sprintf("ip -n %s link set %s type bridge stp_state %d%s forward_delay %d vlan_filtering %d vlan_default_pvid %d", o.Namespace, o.Device(),
		number(o.Bridge.STP), ageing, o.Bridge.ForwardDelay, number(o.Bridge.VLANFiltering), o.Bridge.DefaultVLAN)
}

func (o AddVLANLink) String() string {
	return fmt.Sprintf("ip -n %s link add link %s name %s type vlan id %d", o.Namespace, o.Parent, o.attributes(), o.VLAN)
}

func (o SetMaster) String() string {
	return fmt.Sprintf("ip -n %s link set %s master %s", o.Namespace, o.Device(), o.Master)
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

func (o ReplaceQdisc) String() string {
	return fmt.Sprintf("tc -n %s qdisc replace dev %s root %s", o.Namespace, o.Name, o.Qdisc)
}

func (o DeleteQdisc) String() string {
	return fmt.Sprintf("tc -n %s qdisc delete dev %s root", o.Namespace, o.Name)
}

func (o DeleteChildQdisc) String() string {
	return fmt.Sprintf("tc -n %s qdisc delete dev %s parent %s", o.Namespace, o.Name, o.Parent)
}
