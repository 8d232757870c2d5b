// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// eventBuffer takes a burst of some ten thousand messages.
const eventBuffer = 8 << 20

// eventGroups are what is told about: all that is in State and has events.
var eventGroups = []int{
	unix.RTNLGRP_LINK,
	unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
	unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF,
	unix.RTNLGRP_TC,
	unix.RTNLGRP_NSID,
}

// eventSocket receives what the kernel tells about this namespace and every one with an nsid here.
type eventSocket struct {
	file *os.File
	conn syscall.RawConn
	data []byte
	oob  []byte
}

// message is one datagram of the kernel.
type message struct {
	// own says that it is about the socket's own namespace; otherwise nsid says about which.
	own  bool
	nsid int32
	// data is valid until the next receive.
	data []byte
}

func openEventSocket(buffer int) (*eventSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if err := subscribe(fd, buffer); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "netlink events")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &eventSocket{file: file, conn: conn, data: make([]byte, 64<<10), oob: make([]byte, unix.CmsgSpace(4))}, nil
}

func subscribe(fd, buffer int) error {
	if err := setReceiveBuffer(fd, buffer); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, 1); err != nil {
		return fmt.Errorf("listen to all network namespaces: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("bind a netlink socket: %w", err)
	}
	for _, group := range eventGroups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
			return fmt.Errorf("join netlink group %d: %w", group, err)
		}
	}
	return nil
}

// setReceiveBuffer goes beyond net.core.rmem_max where that is allowed, which it is not in a user namespace.
func setReceiveBuffer(fd, size int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size)
	if errors.Is(err, unix.EPERM) {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
	if err != nil {
		return fmt.Errorf("set a receive buffer of %d bytes: %w", size, err)
	}
	return nil
}

// close may be called more than once, and while receive waits.
func (s *eventSocket) close() { _ = s.file.Close() }

func (s *eventSocket) receive() (message, error) {
	var n, oobn int
	var received error
	err := s.conn.Read(func(fd uintptr) (done bool) {
		n, oobn, _, _, received = unix.Recvmsg(int(fd), s.data, s.oob, 0)
		return !errors.Is(received, unix.EAGAIN) && !errors.Is(received, unix.EINTR)
	})
	if err = errors.Join(err, received); err != nil {
		return message{}, fmt.Errorf("receive a kernel event: %w", err)
	}
	return s.parse(n, oobn)
}

// parse finds the nsid in a message's ancillary data. There is none in those of the own namespace.
func (s *eventSocket) parse(n, oobn int) (message, error) {
	m := message{own: true, data: s.data[:n]}
	controls, err := unix.ParseSocketControlMessage(s.oob[:oobn])
	if err != nil {
		return message{}, fmt.Errorf("parse a kernel event: %w", err)
	}
	for _, c := range controls {
		if c.Header.Level == unix.SOL_NETLINK && c.Header.Type == unix.NETLINK_LISTEN_ALL_NSID {
			m.own, m.nsid = false, int32(number(c.Data))
		}
	}
	return m, nil
}

// changedNsids are the numbers that were given or taken away in this namespace.
func changedNsids(data []byte) ([]int32, error) {
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return nil, fmt.Errorf("parse a kernel event: %w", err)
	}
	var changed []int32
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWNSID && m.Header.Type != unix.RTM_DELNSID {
			continue
		}
		nsid, err := nsidIn(m.Data)
		if err != nil {
			return nil, fmt.Errorf("parse a kernel event: %w", err)
		}
		changed = append(changed, nsid)
	}
	return changed, nil
}

// nsidIn is the number a message of the NSID family is about.
func nsidIn(msg []byte) (int32, error) {
	nsid := int32(noNamespaceHere)
	if len(msg) < sizeofNamespaceHeader {
		return nsid, errors.New("an nsid's message is cut short")
	}
	return nsid, attributes(msg[sizeofNamespaceHeader:], func(kind uint16, value []byte) error {
		if kind == unix.NETNSA_NSID {
			nsid = int32(number(value))
		}
		return nil
	})
}
