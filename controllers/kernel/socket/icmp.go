// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ICMPConn is a raw ICMP or ICMPv6 socket that receives only echo requests and replies.
type ICMPConn struct {
	family int
	file   *os.File
	conn   syscall.RawConn
	oob    [oobSize]byte
}

// oobSize is more than a time needs with its header.
const oobSize = 64

// The types of echo messages.
const (
	echoRequest4 = 8
	echoReply4   = 0
	echoRequest6 = 128
	echoReply6   = 129
)

// DialICMP opens a socket for family 4 or 6, bound to source if that is valid. With dontFragment a
// message over the path's MTU fails with EMSGSIZE.
//
// It is a raw socket because the kernel refuses ping sockets in a new namespace, even to root.
func DialICMP(family int, dontFragment bool, source netip.Addr) (*ICMPConn, error) {
	c, err := openICMP(family)
	if err != nil {
		return nil, err
	}
	if err := c.configure(dontFragment, source); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func openICMP(family int) (*ICMPConn, error) {
	domain, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	switch family {
	case 4:
	case 6:
		domain, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	default:
		return nil, fmt.Errorf("%d is not an IP version", family)
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "icmp")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &ICMPConn{family: family, file: file, conn: conn}, nil
}

func (c *ICMPConn) configure(dontFragment bool, source netip.Addr) error {
	return c.control(func(fd int) error {
		if err := c.filter(fd); err != nil {
			return fmt.Errorf("filter: %w", err)
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return fmt.Errorf("set timestamps: %w", err)
		}
		if dontFragment {
			if err := c.dontFragment(fd); err != nil {
				return fmt.Errorf("set don't-fragment: %w", err)
			}
		}
		if !source.IsValid() {
			return nil
		}
		to, err := c.sockaddr(fd, source)
		if err != nil {
			return err
		}
		if err := unix.Bind(fd, to); err != nil {
			return fmt.Errorf("bind to %s: %w", source, err)
		}
		return nil
	})
}

// filter blocks every type but echo requests and replies; a set bit blocks. A request arrives at its own
// sender if it is delivered locally.
func (c *ICMPConn) filter(fd int) error {
	if c.family == 4 {
		const block = ^uint32(1<<echoRequest4 | 1<<echoReply4)
		return unix.SetsockoptString(fd, unix.SOL_RAW, unix.ICMP_FILTER, string(binary.NativeEndian.AppendUint32(nil, block)))
	}
	var block unix.ICMPv6Filter
	for i := range block.Data {
		block.Data[i] = ^uint32(0)
	}
	for _, pass := range []int{echoRequest6, echoReply6} {
		block.Data[pass/32] &^= 1 << (pass % 32)
	}
	return unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &block)
}

func (c *ICMPConn) dontFragment(fd int) error {
	if c.family == 4 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO)
}

// WriteTo sends one ICMP message and does not wait for room in a buffer. Its errors wrap the
// kernel's. The checksum of an ICMPv6 message is filled in by the kernel.
func (c *ICMPConn) WriteTo(icmp []byte, dst netip.Addr) error {
	err := c.control(func(fd int) error {
		to, err := c.sockaddr(fd, dst)
		if err != nil {
			return err
		}
		return unix.Sendto(fd, icmp, unix.MSG_DONTWAIT, to)
	})
	if err != nil {
		return fmt.Errorf("send to %s: %w", dst, err)
	}
	return nil
}

// ReadFrom waits for the next message and returns its length in buf, its source, and when the kernel
// received it. At the read deadline it fails with os.ErrDeadlineExceeded, unless a message is there: its
// reader decides by the time of arrival, since a busy machine lets it run late. buf needs room for an IPv4
// header, which is removed.
func (c *ICMPConn) ReadFrom(buf []byte) (n int, src netip.Addr, arrived time.Time, err error) {
	var m received
	err = c.conn.Read(func(fd uintptr) (done bool) { return c.receive(int(fd), buf, &m) })
	if errors.Is(err, os.ErrDeadlineExceeded) {
		there := false
		if failed := c.control(func(fd int) error { there = c.receive(fd, buf, &m); return nil }); failed == nil && there {
			err = nil
		}
	}
	if err != nil || m.err != nil {
		return 0, netip.Addr{}, time.Time{}, fmt.Errorf("receive: %w", errors.Join(err, m.err))
	}
	switch from := m.from.(type) {
	case *unix.SockaddrInet4:
		return removeIPv4Header(buf, m.n), netip.AddrFrom4(from.Addr), m.arrived, nil
	case *unix.SockaddrInet6:
		return m.n, netip.AddrFrom16(from.Addr), m.arrived, nil
	}
	return 0, netip.Addr{}, time.Time{}, fmt.Errorf("receive: from %T", m.from)
}

// received is the result of one call of recvmsg.
type received struct {
	n       int
	from    unix.Sockaddr
	arrived time.Time
	err     error
}

// receive reports whether there is a message, or an error.
func (c *ICMPConn) receive(fd int, buf []byte, m *received) (done bool) {
	var controlled int
	m.n, controlled, _, m.from, m.err = unix.Recvmsg(fd, buf, c.oob[:], unix.MSG_DONTWAIT)
	if errors.Is(m.err, unix.EAGAIN) || errors.Is(m.err, unix.EINTR) {
		return false
	}
	if m.err == nil {
		m.arrived = arrival(c.oob[:controlled])
	}
	return true
}

// arrival is when the kernel received a message, with a monotonic clock reading; now, if the kernel does not
// say. The kernel's clock is the machine's, which may be set back meanwhile: no message arrives in the future.
func arrival(oob []byte) time.Time {
	now := time.Now()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS {
			return now.Add(-max(0, now.Sub(timespec(m.Data))))
		}
	}
	return now
}

// removeIPv4Header moves the message to the start of buf. The header's length is in its first byte.
func removeIPv4Header(buf []byte, n int) int {
	if n == 0 {
		return 0
	}
	header := min(n, int(buf[0]&0x0f)*4)
	return copy(buf, buf[header:n])
}

// SetReadDeadline sets when ReadFrom gives up, also one that waits already.
func (c *ICMPConn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// Close closes the socket; a ReadFrom that waits fails.
func (c *ICMPConn) Close() error { return c.file.Close() }

// control runs fn with the socket, which stays open meanwhile.
func (c *ICMPConn) control(fn func(fd int) error) error {
	var failed error
	err := c.conn.Control(func(fd uintptr) { failed = fn(int(fd)) })
	return errors.Join(err, failed)
}

func (c *ICMPConn) sockaddr(fd int, a netip.Addr) (unix.Sockaddr, error) {
	switch {
	case c.family == 4 && a.Is4():
		return &unix.SockaddrInet4{Addr: a.As4()}, nil
	case c.family == 6 && a.Is6():
		zone, err := interfaceIndex(fd, a.Zone())
		return &unix.SockaddrInet6{Addr: a.As16(), ZoneId: zone}, err
	}
	return nil, fmt.Errorf("%s is not an IPv%d address", a, c.family)
}

// interfaceIndex is the index of an interface in the socket's network namespace, in which the caller need not
// be; 0 for no name.
func interfaceIndex(fd int, name string) (uint32, error) {
	if name == "" {
		return 0, nil
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request)
	}
	if err != nil {
		return 0, fmt.Errorf("find interface %s: %w", name, err)
	}
	return request.Uint32(), nil
}
