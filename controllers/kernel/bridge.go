// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Attributes of linux/if_link.h and linux/if_bridge.h that neither library names as needed here.
const (
	portState         = 1 // IFLA_BRPORT_STATE
	bridgeFlags       = 0 // IFLA_BRIDGE_FLAGS
	bridgeVLANInfo    = 2 // IFLA_BRIDGE_VLAN_INFO
	bridgeFlagSelf    = 2 // BRIDGE_FLAGS_SELF
	vlanInfoPVID      = 1 << 1
	vlanInfoUntagged  = 1 << 2
	filterBridgeVLANs = 1 << 1 // RTEXT_FILTER_BRVLAN
)

// The states of a bridge's port (BR_STATE_*) that does not forward: it has no carrier that its bridge
// knows of, a spanning tree has not decided yet, or it has decided against the port.
const (
	portDisabled  = 0
	portListening = 1
	portLearning  = 2
	portBlocking  = 4
)

// settling reports whether a link is about to carry packets, or a port to forward or to be blocked. The
// kernel derives both from a new carrier later (linkwatch), up to a second later while many carriers
// change; until then the link has no queue and drops packets, and the port is disabled.
func (l rawLink) settling() bool {
	switch l.portState {
	case portListening, portLearning:
		return true
	case portDisabled:
		return l.linkwatchPending() || l.master != 0 && l.up && l.carrier
	}
	return l.linkwatchPending()
}

// setDesignated takes an attribute of what a port holds of its segment, and reports whether it is one.
func (l *rawLink) setDesignated(kind uint16, value []byte) bool {
	switch kind {
	case unix.IFLA_BRPORT_ROOT_ID:
		copy(l.designated.Root[:], value)
	case unix.IFLA_BRPORT_BRIDGE_ID:
		copy(l.designated.Bridge[:], value)
	case unix.IFLA_BRPORT_DESIGNATED_PORT:
		l.designated.Port = rtnl.Uint16(value)
	case unix.IFLA_BRPORT_DESIGNATED_COST:
		l.designated.Cost = rtnl.Uint16(value)
	default:
		return false
	}
	return true
}

// linkwatchPending reports whether the kernel has yet to derive the operational state from the carrier.
func (l rawLink) linkwatchPending() bool {
	return l.up && l.carrier && !l.loopback && l.operState != operUp
}

// operUp is IF_OPER_UP of linux/if.h.
const operUp = 6

func boolNumber[T uint8 | uint32](b bool) T {
	if b {
		return 1
	}
	return 0
}

// bridgeData are a bridge's attributes. One without VLANs is asked for without naming filtering:
// a kernel that has none refuses the attribute even where it says no.
func bridgeData(b state.Bridge, namesFiltering bool) *nl.RtAttr {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("bridge"))
	data := info.AddRtAttr(unix.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(b.ForwardDelay))
	data.AddRtAttr(nl.IFLA_BR_MAX_AGE, nl.Uint32Attr(b.MaxAge))
	data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(boolNumber[uint32](b.STP)))
	data.AddRtAttr(nl.IFLA_BR_VLAN_DEFAULT_PVID, nl.Uint16Attr(b.DefaultVLAN))
	if !b.STP { // a spanning tree that is turned off while it changes leaves its short time behind
		data.AddRtAttr(nl.IFLA_BR_AGEING_TIME, initialBridge[unix.IFLA_BR_AGEING_TIME].value)
	}
	if b.VLANFiltering || namesFiltering {
		data.AddRtAttr(nl.IFLA_BR_VLAN_FILTERING, []byte{boolNumber[uint8](b.VLANFiltering)})
	}
	return info
}

// parseBridge reads a bridge's attributes; a kernel without VLANs leaves theirs out.
func parseBridge(data []byte) (state.Bridge, error) {
	var b state.Bridge
	err := rtnl.Attributes(data, func(kind uint16, value []byte) error {
		switch kind {
		case nl.IFLA_BR_FORWARD_DELAY:
			b.ForwardDelay = rtnl.Uint32(value)
		case nl.IFLA_BR_MAX_AGE:
			b.MaxAge = rtnl.Uint32(value)
		case nl.IFLA_BR_STP_STATE:
			b.STP = rtnl.Uint32(value) != 0
		case nl.IFLA_BR_VLAN_FILTERING:
			b.VLANFiltering = len(value) > 0 && value[0] != 0
		case nl.IFLA_BR_VLAN_DEFAULT_PVID:
			b.DefaultVLAN = rtnl.Uint16(value)
		}
		return nil
	})
	return b, err
}

func (s *session) addBridge(op state.AddBridge) error {
	err := s.newLink(op.LinkEnd, bridgeData(op.Bridge, false))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP) && op.Bridge.VLANFiltering:
		return featureMissing("VLAN filtering on a bridge", err)
	case errors.Is(err, unix.EOPNOTSUPP):
		return featureMissing("bridge", err)
	case errors.Is(err, unix.EEXIST):
		return s.mustBe(op.LinkID, err, func(link rawLink) bool { return link.kind == "bridge" })
	}
	return err
}

// newLink creates a link of one end, marked by its group from the start.
func (s *session) newLink(end state.LinkEnd, more ...nl.NetlinkRequestData) error {
	h, err := s.handle(end.Namespace)
	if err != nil {
		return err
	}
	request := append([]nl.NetlinkRequestData{nl.NewIfInfomsg(unix.AF_UNSPEC)}, more...)
	for _, a := range endAttributes(end) {
		request = append(request, a)
	}
	return h.conn.Send(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, request...)
}

// mustBe returns exists unless what exists is what was to be added.
func (s *session) mustBe(id state.LinkID, exists error, same func(rawLink) bool) error {
	link, err := s.linkByName(id)
	if err != nil {
		return errors.Join(exists, ignoreGone(err))
	}
	if !same(link) || link.group != state.LinkGroup {
		return exists
	}
	return nil
}

func (s *session) setBridge(op state.SetBridge) error {
	have, err := s.linkByName(op.LinkID)
	if err != nil {
		return err
	}
	named := have.bridge.VLANFiltering != op.Bridge.VLANFiltering
	err = s.changeLink(op.LinkID, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), bridgeData(op.Bridge, named))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return featureMissing("VLAN filtering on a bridge", err)
	case err == nil && have.bridge.STP && !op.Bridge.STP:
		return s.letPortsForward(op.LinkID)
	}
	return err
}

// letPortsForward ends what a spanning tree that is no more began with a bridge's ports.
func (s *session) letPortsForward(bridge state.LinkID) error {
	ports, err := s.ports(bridge)
	if err != nil {
		return fmt.Errorf("list the ports of %s: %w", bridge.Name, err)
	}
	for _, port := range ports {
		reset := state.AttributeID{Namespace: bridge.Namespace, AttributeKey: state.AttributeKey{Link: port.name, Attribute: state.PortState}}
		if err := s.resetAttribute(state.ResetAttribute{AttributeID: reset}); err != nil {
			return fmt.Errorf("set port %s to forwarding: %w", port.name, err)
		}
	}
	return nil
}

// ports lists a bridge's. A read that met a change is begun again, on a new socket.
func (s *session) ports(bridge state.LinkID) ([]rawLink, error) {
	for attempt := 1; ; attempt++ {
		h, index, err := s.find(bridge)
		if err != nil {
			return nil, err
		}
		links, err := h.conn.links()
		if err == nil {
			return slices.DeleteFunc(links, func(l rawLink) bool { return l.master != index }), nil
		}
		if !errors.Is(err, rtnl.ErrInterrupted) || attempt == maxReads {
			return nil, err
		}
		if err := s.close(bridge.Namespace); err != nil {
			return nil, err
		}
	}
}

func (s *session) setMaster(op state.SetMaster) error {
	h, err := s.handle(op.Namespace)
	if err != nil {
		return err
	}
	master, err := h.index(op.Master)
	if err != nil {
		return fmt.Errorf("find %s: %w", op.Master, err)
	}
	return s.setLink(op.LinkID, rtnl.Uint32Attribute(unix.IFLA_MASTER, uint32(master)))
}

func (s *session) setPortVLAN(op state.SetPortVLAN) error {
	flags := uint16(0)
	if op.PVID {
		flags |= vlanInfoPVID
	}
	if op.Untagged {
		flags |= vlanInfoUntagged
	}
	err := s.changePortVLAN(op.PortVLANID, unix.RTM_SETLINK, flags, op.Self)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return s.notInVLANs(op.PortVLANID, err)
	}
	return err
}

// notInVLANs tells the two apart for which the kernel has one refusal: a link that is no port (any
// more), and a kernel without VLANs.
func (s *session) notInVLANs(id state.PortVLANID, refused error) error {
	link, err := s.linkByName(state.LinkID{Namespace: id.Namespace, Name: id.Link})
	if err == nil && link.master == 0 && link.kind != "bridge" {
		return fmt.Errorf("%s is not a port of a bridge: %w", id.Link, refused)
	}
	return errors.Join(featureMissing("VLAN filtering on a bridge", refused), err)
}

// deletePortVLAN succeeds for a link that is no port (any more): the kernel says EOPNOTSUPP.
func (s *session) deletePortVLAN(op state.DeletePortVLAN) error {
	err := s.changePortVLAN(op.PortVLANID, unix.RTM_DELLINK, 0, op.Self)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return ignoreGone(err)
}

// changePortVLAN names the port's own VLANs, or with self those of the bridge as a port of itself.
func (s *session) changePortVLAN(id state.PortVLANID, kind int, flags uint16, self bool) error {
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	if self {
		spec.AddRtAttr(bridgeFlags, nl.Uint16Attr(bridgeFlagSelf))
	}
	info := binary.NativeEndian.AppendUint16(nil, flags)
	spec.AddRtAttr(bridgeVLANInfo, binary.NativeEndian.AppendUint16(info, id.VLAN))
	link := state.LinkID{Namespace: id.Namespace, Name: id.Link}
	return s.changeLink(link, kind, nl.NewIfInfomsg(unix.AF_BRIDGE), spec)
}

// portVLAN is a port's membership in a VLAN as the kernel describes it.
type portVLAN struct {
	index int
	vlan  uint16
	row   state.PortVLAN
}

// portVLANs lists the memberships of all bridges and ports of a namespace. A kernel without VLANs
// has none.
func (c *conn) portVLANs() ([]portVLAN, error) {
	var list []portVLAN
	err := c.Get(unix.RTM_GETLINK, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < unix.SizeofIfInfomsg {
			return errors.New("truncated port message")
		}
		index := int(nl.DeserializeIfInfomsg(msg).Index)
		return rtnl.Attributes(msg[unix.SizeofIfInfomsg:], func(kind uint16, value []byte) error {
			if kind != unix.IFLA_AF_SPEC {
				return nil
			}
			return rtnl.Attributes(value, func(kind uint16, value []byte) error {
				if kind == bridgeVLANInfo && len(value) >= 4 {
					flags := rtnl.Uint16(value)
					row := state.PortVLAN{PVID: flags&vlanInfoPVID != 0, Untagged: flags&vlanInfoUntagged != 0}
					list = append(list, portVLAN{index, rtnl.Uint16(value[2:]), row})
				}
				return nil
			})
		})
	}, nl.NewIfInfomsg(unix.AF_BRIDGE), rtnl.Uint32Attribute(unix.IFLA_EXT_MASK, filterBridgeVLANs))
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	return list, err
}
