// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Subscription receives the kernel's events about this network namespace and every one that has
// an nsid here.
type Subscription struct {
	file *os.File
	conn syscall.RawConn
	data []byte
	oob  []byte
}

// Event is one datagram of the kernel.
type Event struct {
	// Own says that it is about the subscription's own namespace; otherwise NSID says about which.
	Own  bool
	NSID int32
	// data is valid until the next Receive.
	data []byte
}

// Subscribe opens a socket of a netlink protocol in the network namespace of the calling thread, with a receive
// buffer of so many bytes and as a member of multicast groups. Of neighbours it receives only permanent ones.
func Subscribe(protocol, buffer int, groups ...int) (*Subscription, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if protocol == unix.NETLINK_ROUTE {
		err = onlyPermanentNeighbours(fd)
	}
	if err == nil {
		err = join(fd, buffer, groups)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "netlink events")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Subscription{file: file, conn: conn, data: make([]byte, 64<<10), oob: make([]byte, unix.CmsgSpace(4))}, nil
}

func join(fd, buffer int, groups []int) error {
	if err := setReceiveBuffer(fd, buffer); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, 1); err != nil {
		return fmt.Errorf("listen to all network namespaces: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("bind a netlink socket: %w", err)
	}
	for _, group := range groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
			return fmt.Errorf("join netlink group %d: %w", group, err)
		}
	}
	return nil
}

// setReceiveBuffer exceeds net.core.rmem_max where the process may, which root of a user namespace may not.
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

// Close may be called more than once, and while Receive waits.
func (s *Subscription) Close() {
	if s != nil {
		_ = s.file.Close()
	}
}

// Receive waits for the next event. After an error, ENOBUFS among them, events may be lost.
func (s *Subscription) Receive() (Event, error) {
	var n, oobn int
	var received error
	err := s.conn.Read(func(fd uintptr) (done bool) {
		n, oobn, _, _, received = unix.Recvmsg(int(fd), s.data, s.oob, 0)
		return !errors.Is(received, unix.EAGAIN) && !errors.Is(received, unix.EINTR)
	})
	if err = errors.Join(err, received); err != nil {
		return Event{}, fmt.Errorf("receive a kernel event: %w", err)
	}
	return s.parse(n, oobn)
}

// parse finds the nsid in an event's ancillary data. Events of the own namespace have none.
func (s *Subscription) parse(n, oobn int) (Event, error) {
	e := Event{Own: true, data: s.data[:n]}
	controls, err := unix.ParseSocketControlMessage(s.oob[:oobn])
	if err != nil {
		return Event{}, fmt.Errorf("parse a kernel event: %w", err)
	}
	for _, c := range controls {
		if c.Header.Level == unix.SOL_NETLINK && c.Header.Type == unix.NETLINK_LISTEN_ALL_NSID {
			e.Own, e.NSID = false, int32(Uint32(c.Data))
		}
	}
	return e, nil
}

// ChangedNSIDs are the nsids that the event assigns or removes in the subscription's own namespace.
func (e Event) ChangedNSIDs() ([]int32, error) {
	messages, err := syscall.ParseNetlinkMessage(e.data)
	if err != nil {
		return nil, fmt.Errorf("parse a kernel event: %w", err)
	}
	var changed []int32
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWNSID && m.Header.Type != unix.RTM_DELNSID {
			continue
		}
		nsid, err := nsidOf(m.Data)
		if err != nil {
			return nil, fmt.Errorf("parse a kernel event: %w", err)
		}
		changed = append(changed, nsid)
	}
	return changed, nil
}
