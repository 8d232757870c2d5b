// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// errInterrupted is a read that met a change; what it returned is not the truth.
var errInterrupted = errors.New("the kernel's state changed while it was read")

// send writes a request and waits for its acknowledgement.
func (c *conn) send(kind, flags int, data ...nl.NetlinkRequestData) error {
	return c.exchange(kind, flags|unix.NLM_F_ACK, data, func([]byte) error { return nil })
}

// get calls each with every message of the answer; each must not keep them. After an error the
// answer may be half read: the connection is good for nothing but closing.
func (c *conn) get(kind, flags int, each func(msg []byte) error, data ...nl.NetlinkRequestData) error {
	return c.exchange(kind, flags, data, each)
}

// attributes walks a message's attributes, with nested and byte-order marks taken off their types.
func attributes(b []byte, each func(kind uint16, value []byte) error) error {
	for len(b) >= unix.SizeofRtAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofRtAttr || length > len(b) {
			return errors.New("a netlink attribute is cut short")
		}
		kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
		if err := each(kind, b[unix.SizeofRtAttr:length]); err != nil {
			return err
		}
		b = b[min(len(b), (length+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1)):]
	}
	return nil
}

// number is a 32-bit attribute; 0 if it is cut short.
func number(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(value)
}

// text is a string attribute.
func text(value []byte) string { return unix.ByteSliceToString(value) }

// address is an IP address attribute; the zero Addr if it is none.
func address(value []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(value)
	return addr
}

func uint32Attribute(kind int, value uint32) *nl.RtAttr {
	return nl.NewRtAttr(kind, nl.Uint32Attr(value))
}

// isGone says that what was to be deleted is not there. ENXIO is about IPv6 addresses on a
// link whose MTU is too small for any.
func isGone(err error) bool {
	return slices.ContainsFunc([]error{unix.ENODEV, unix.ESRCH, unix.ENOENT, unix.EADDRNOTAVAIL, unix.ENXIO},
		func(gone error) bool { return errors.Is(err, gone) })
}
