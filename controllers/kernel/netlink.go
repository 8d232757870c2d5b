// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// errInterrupted is a read that met a change; what it returned is not the truth.
var errInterrupted = errors.New("the kernel's state changed while it was read")

// replyTimeout is how long the kernel may take for one answer.
var replyTimeout = unix.Timeval{Sec: 10}

// conn is an rtnetlink socket. It belongs to the namespace it was opened in, wherever the
// thread goes afterwards, and keeps that namespace alive until it is closed.
type conn struct {
	sockets map[int]*nl.SocketHandle
}

// dial opens a socket in the namespace of the calling thread.
func dial() (*conn, error) {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	// Without strict checking the kernel ignores the filters of a dump.
	if err := unix.SetsockoptInt(socket.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1); err != nil {
		socket.Close()
		return nil, fmt.Errorf("set strict checking on a netlink socket: %w", err)
	}
	if err := errors.Join(socket.SetSendTimeout(&replyTimeout), socket.SetReceiveTimeout(&replyTimeout)); err != nil {
		socket.Close()
		return nil, fmt.Errorf("set the timeout of a netlink socket: %w", err)
	}
	return &conn{map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: socket}}}, nil
}

func (c *conn) close() { c.sockets[unix.NETLINK_ROUTE].Close() }

// fd is for ioctls that ask the socket's namespace.
func (c *conn) fd() int { return c.sockets[unix.NETLINK_ROUTE].Socket.GetFd() }

// send writes a request and waits for its acknowledgement.
func (c *conn) send(kind, flags int, data ...nl.NetlinkRequestData) error {
	return c.request(kind, flags|unix.NLM_F_ACK, data).ExecuteIter(unix.NETLINK_ROUTE, 0, func([]byte) bool { return true })
}

// get calls each with every message of the answer. After an error the answer may be half
// read: the connection is good for nothing but closing.
func (c *conn) get(kind, flags int, each func(msg []byte) error, data ...nl.NetlinkRequestData) error {
	var failed error
	err := c.request(kind, flags, data).ExecuteIter(unix.NETLINK_ROUTE, 0, func(msg []byte) bool {
		failed = each(msg)
		return failed == nil
	})
	if errors.Is(err, nl.ErrDumpInterrupted) {
		return errInterrupted
	}
	return errors.Join(err, failed)
}

func (c *conn) request(kind, flags int, data []nl.NetlinkRequestData) *nl.NetlinkRequest {
	return &nl.NetlinkRequest{
		NlMsghdr: unix.NlMsghdr{Type: uint16(kind), Flags: uint16(unix.NLM_F_REQUEST | flags)},
		Sockets:  c.sockets,
		Data:     data,
	}
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
