// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Attributes calls each with the attributes of a message or of a nested attribute, without the
// flags in their types (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
func Attributes(b []byte, each func(kind uint16, value []byte) error) error {
	for len(b) >= unix.SizeofRtAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofRtAttr || length > len(b) {
			return errors.New("truncated netlink attribute")
		}
		kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
		if err := each(kind, b[unix.SizeofRtAttr:length]); err != nil {
			return err
		}
		b = b[min(len(b), (length+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1)):]
	}
	return nil
}

// Nested calls each with every attribute at the end of a path of nested ones.
func Nested(b []byte, path []uint16, each func(value []byte)) error {
	return Attributes(b, func(kind uint16, value []byte) error {
		switch {
		case kind != path[0]:
			return nil
		case len(path) == 1:
			each(value)
			return nil
		}
		return Nested(value, path[1:], each)
	})
}

// Uint16 reads a 16-bit attribute; 0 if it is cut short.
func Uint16(value []byte) uint16 {
	if len(value) < 2 {
		return 0
	}
	return binary.NativeEndian.Uint16(value)
}

// Uint32 reads a 32-bit attribute; 0 if it is cut short.
func Uint32(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(value)
}

// Uint64 reads a 64-bit attribute; 0 if it is cut short.
func Uint64(value []byte) uint64 {
	if len(value) < 8 {
		return 0
	}
	return binary.NativeEndian.Uint64(value)
}

// Text reads a string attribute.
func Text(value []byte) string { return unix.ByteSliceToString(value) }

// Addr reads an IP address attribute; the zero Addr if it is none.
func Addr(value []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(value)
	return addr
}

// Uint32Attribute is a 32-bit attribute of a request.
func Uint32Attribute(kind int, value uint32) *nl.RtAttr {
	return nl.NewRtAttr(kind, nl.Uint32Attr(value))
}
