// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// This file finds what somebody changed of a link that no lab asks for, in the messages that are
// read anyway, and takes it back; initial.go holds the kernel's initial values.

// override is an attribute whose value is not the initial one, with that value.
type override struct {
	attribute state.LinkAttribute
	value     string
}

// notice takes an override of the attribute with a number, if it is one.
func (l *rawLink) notice(all *initialValues, kind uint16, value []byte) {
	if int(kind) >= len(all) {
		return
	}
	if b := &all[kind]; b.value != nil && !bytes.Equal(value, b.value) {
		l.overrides = append(l.overrides, override{b.attribute, valueText(value)})
	}
}

func (l *rawLink) noticeBits(all []bit, value uint32) {
	for _, b := range all {
		if value&b.mask != b.value {
			l.overrides = append(l.overrides, override{b.attribute, strconv.FormatUint(uint64(value&b.mask), 10)})
		}
	}
}

// noticeLink leaves lo alone, whose initial values differ. The kernel itself chooses every operational state
// but a dormant one.
func (l *rawLink) noticeLink(kind uint16, value []byte) {
	if l.loopback || kind == unix.IFLA_OPERSTATE && !bytes.Equal(value, []byte{operDormant}) {
		return
	}
	l.notice(&initialLink, kind, value)
}

// noticeBridge takes those of a bridge itself. With a spanning tree, the kernel shows another bridge's times while
// that is the root, and a short ageing time while the tree changes.
func (l *rawLink) noticeBridge(data []byte) error {
	follows, changing := false, false
	err := rtnl.Attributes(data, func(kind uint16, value []byte) error {
		switch kind {
		case unix.IFLA_BR_ROOT_PORT:
			follows = rtnl.Uint16(value) != 0
		case unix.IFLA_BR_TOPOLOGY_CHANGE:
			changing = !bytes.Equal(value, []byte{0})
		case unix.IFLA_BR_MULTI_BOOLOPT:
			l.noticeBits(bridgeBits, rtnl.Uint32(value))
		default:
			l.notice(&initialBridge, kind, value)
		}
		return nil
	})
	l.follows = follows && l.bridge.STP
	helloTime := initialBridge[unix.IFLA_BR_HELLO_TIME].attribute
	l.overrides = slices.DeleteFunc(l.overrides, func(o override) bool {
		ofRoot, ofChange := o.attribute == helloTime, o.attribute == state.BridgeAgeing
		return l.follows && ofRoot || l.bridge.STP && changing && ofChange
	})
	return err
}

// noticePort takes those of a bridge's port. Its state is an override only together with its bridge's.
func (l *rawLink) noticePort(kind uint16, value []byte) error {
	switch {
	case kind == portState && len(value) > 0:
		l.portState = value[0]
	case l.setDesignated(kind, value):
	default:
		l.notice(&initialPort, kind, value)
	}
	return nil
}

// valueText is the number that an attribute is, or its bytes.
func valueText(value []byte) string {
	switch len(value) {
	case 1:
		return strconv.Itoa(int(value[0]))
	case 2:
		return strconv.Itoa(int(rtnl.Uint16(value)))
	case 4:
		return strconv.FormatUint(uint64(rtnl.Uint32(value)), 10)
	}
	return fmt.Sprintf("%x", value)
}

func (snap *snapshot) addOverrides(l rawLink) {
	overrides := l.overrides
	if snap.heldBack(l) {
		overrides = append(overrides, override{state.PortState, strconv.Itoa(int(l.portState))})
	}
	for _, found := range overrides {
		snap.rows.AttributeDrift[state.AttributeKey{Link: l.name, Attribute: found.attribute}] = found.value
	}
}

// heldBack reports a port that does not forward though its bridge has no spanning tree. Such a port is never
// on its way: the kernel makes it forward in the same breath, under its lock of all links, in which it works
// out what a carrier means (linkwatch), and answers nobody between the two; and a tree that is turned off
// leaves no port behind that goes on by a timer (see setBridge). A timer would not tell: it is shown as 0
// from two ticks before its end until it has run.
func (snap *snapshot) heldBack(l rawLink) bool {
	if l.master == 0 || l.portState == portForwarding || !l.up || !l.carrier || l.linkwatchPending() {
		return false
	}
	return slices.ContainsFunc(snap.links, func(bridge rawLink) bool {
		return bridge.index == l.master && bridge.kind == "bridge" && bridge.up && !bridge.bridge.STP
	})
}

// resetAttribute writes nothing where there is nothing to reset: the link is gone, or no port any more.
func (s *session) resetAttribute(op state.ResetAttribute) error {
	id := state.LinkID{Namespace: op.Namespace, Name: op.Link}
	link, err := s.linkByName(id)
	if err != nil || !link.overridden(op.Attribute) {
		return ignoreGone(err)
	}
	header, data := resetRequest(op.Attribute)
	if data == nil {
		return s.changeLink(id, unix.RTM_NEWLINK, header)
	}
	err = s.changeLink(id, unix.RTM_NEWLINK, header, data)
	if op.Attribute == state.PortState && (errors.Is(err, unix.EBUSY) || errors.Is(err, unix.ENETDOWN)) {
		return nil // the spanning tree, or the link, has a say in it again
	}
	return err
}

// overridden reports whether there is something to reset.
func (l rawLink) overridden(attribute state.LinkAttribute) bool {
	if attribute == state.PortState {
		return l.master != 0 && l.portState != portForwarding
	}
	return slices.ContainsFunc(l.overrides, func(o override) bool { return o.attribute == attribute })
}

// resetRequest says how the kernel is told; data is nil for what is in the header.
func resetRequest(attribute state.LinkAttribute) (header *nl.IfInfomsg, data *nl.RtAttr) {
	header = nl.NewIfInfomsg(unix.AF_UNSPEC)
	for _, b := range flagBits {
		if b.attribute == attribute {
			header.Flags, header.Change = b.value, b.mask
			return header, nil
		}
	}
	for _, own := range []struct {
		values *initialValues
		wrap   func(kind int, value []byte) *nl.RtAttr
	}{{&initialLink, nl.NewRtAttr}, {&initialBridge, kindData("bridge")}, {&initialPort, portData}} {
		for kind, b := range own.values {
			if b.attribute == attribute {
				return header, own.wrap(kind, b.value)
			}
		}
	}
	for _, b := range bridgeBits {
		if b.attribute == attribute {
			return header, kindData("bridge")(unix.IFLA_BR_MULTI_BOOLOPT, encode(b.value, b.mask))
		}
	}
	for _, b := range vlanBits {
		if b.attribute == attribute {
			return header, kindData("vlan")(nl.IFLA_VLAN_FLAGS, encode(b.value, b.mask))
		}
	}
	return header, nil
}

// kindData is one attribute of a link of a kind.
func kindData(name string) func(kind int, value []byte) *nl.RtAttr {
	return func(kind int, value []byte) *nl.RtAttr {
		info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
		info.AddRtAttr(unix.IFLA_INFO_KIND, []byte(name))
		info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddRtAttr(kind, value)
		return info
	}
}

// portData is one attribute of a bridge's port.
func portData(kind int, value []byte) *nl.RtAttr {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_SLAVE_KIND, []byte("bridge"))
	info.AddRtAttr(unix.IFLA_INFO_SLAVE_DATA, nil).AddRtAttr(kind, value)
	return info
}
