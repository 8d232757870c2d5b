// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// replyTimeout bounds the wait for one answer.
var replyTimeout = unix.Timeval{Sec: 10}

// errNoReply is a socket's timeout.
var errNoReply = fmt.Errorf("no reply from the kernel within %d s", replyTimeout.Sec)

// Conn is a netlink socket. It belongs to the network namespace it was opened in, wherever the
// thread goes afterwards, and keeps that namespace alive until it is closed. One goroutine at a
// time may use it. It is never connected: what is written to it goes to the kernel.
type Conn struct {
	socket int
	// sequence is the last request's number; its answers carry it.
	sequence uint32
}

// Dial opens an rtnetlink socket in the network namespace of the calling thread.
func Dial() (*Conn, error) { return DialProtocol(unix.NETLINK_ROUTE) }

// DialProtocol opens a socket of another netlink protocol (NETLINK_*).
func DialProtocol(protocol int) (*Conn, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if err := configure(socket); err != nil {
		return nil, errors.Join(fmt.Errorf("configure a netlink socket: %w", err), unix.Close(socket))
	}
	return &Conn{socket: socket}, nil
}

// configure makes dumps obey their filters, which without strict checking the kernel ignores.
func configure(socket int) error {
	if err := unix.SetsockoptInt(socket, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1); err != nil {
		return err
	}
	return unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &replyTimeout)
}

// Close closes the socket.
func (c *Conn) Close() {
	unix.Close(c.socket) //nolint:errcheck // nothing is buffered in it
}

// Cookie identifies the socket's network namespace: the kernel never uses a cookie twice. It is 0
// before Linux 5.14, which has none.
func (c *Conn) Cookie() uint64 {
	cookie, err := unix.GetsockoptUint64(c.socket, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}

// Send sends a request and waits for its acknowledgement.
func (c *Conn) Send(kind, flags int, data ...nl.NetlinkRequestData) error {
	return c.exchange(kind, flags|unix.NLM_F_ACK, data, func([]byte) error { return nil })
}

// Get sends a request and calls each with every message of the answer; each must not keep them.
// After an error the answer may be half read: the connection is good for nothing but closing.
func (c *Conn) Get(kind, flags int, each func(msg []byte) error, data ...nl.NetlinkRequestData) error {
	return c.exchange(kind, flags, data, each)
}
