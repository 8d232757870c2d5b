// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// addVLANLink creates the interface for one VLAN on another.
func (s *session) addVLANLink(op state.AddVLANLink) error {
	h, err := s.handle(op.Namespace)
	if err != nil {
		return err
	}
	parent, err := h.index(op.Parent)
	if err != nil {
		return fmt.Errorf("find %s: %w", op.Parent, err)
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("vlan"))
	info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddRtAttr(nl.IFLA_VLAN_ID, nl.Uint16Attr(op.VLAN))
	err = s.newLink(op.LinkEnd, rtnl.Uint32Attribute(unix.IFLA_LINK, uint32(parent)), info)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return featureMissing("802.1Q VLAN interfaces", err)
	case errors.Is(err, unix.EEXIST):
		return s.mustBe(op.LinkID, err, func(link rawLink) bool {
			return link.linkKind() == state.VLANLink && link.vlan == op.VLAN && link.peerIndex == parent
		})
	}
	return err
}

// setVLAN reads which VLAN an interface is for, whether its tags are others than IEEE 802.1Q's, and its flags:
// with none, the kernel leaves them out.
func (l *rawLink) setVLAN(data []byte) error {
	flags := uint32(0)
	err := rtnl.Attributes(data, func(kind uint16, value []byte) error {
		switch kind {
		case nl.IFLA_VLAN_ID:
			l.vlan = rtnl.Uint16(value)
		case nl.IFLA_VLAN_PROTOCOL:
			l.serviceTag = len(value) >= 2 && binary.BigEndian.Uint16(value) != unix.ETH_P_8021Q
		case nl.IFLA_VLAN_FLAGS:
			flags = rtnl.Uint32(value)
		}
		return nil
	})
	l.noticeBits(vlanBits, flags)
	return err
}
