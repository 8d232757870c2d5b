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

// ICMPConn is a raw ICMP or ICMPv6 socket that receives only echo replies.
type ICMPConn struct {
	family int
	file   *os.File
	conn   syscall.RawConn
}

// The types of an echo reply.
const (
	echoReply4 = 0
	echoReply6 = 129
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
		if dontFragment {
			if err := c.dontFragment(fd); err != nil {
				return fmt.Errorf("set don't-fragment: %w", err)
			}
		}
		if !source.IsValid() {
			return nil
		}
		to, err := c.sockaddr(source)
		if err != nil {
			return err
		}
		if err := unix.Bind(fd, to); err != nil {
			return fmt.Errorf("bind to %s: %w", source, err)
		}
		return nil
	})
}

// filter blocks every type but echo replies; a set bit blocks.
func (c *ICMPConn) filter(fd int) error {
	if c.family == 4 {
		const block = ^uint32(1 << echoReply4)
		return unix.SetsockoptString(fd, unix.SOL_RAW, unix.ICMP_FILTER, string(binary.NativeEndian.AppendUint32(nil, block)))
	}
	var block unix.ICMPv6Filter
	for i := range block.Data {
		block.Data[i] = ^uint32(0)
	}
	block.Data[echoReply6/32] &^= 1 << (echoReply6 % 32)
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
	to, err := c.sockaddr(dst)
	if err == nil {
		err = c.control(func(fd int) error { return unix.Sendto(fd, icmp, unix.MSG_DONTWAIT, to) })
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", dst, err)
	}
	return nil
}

// ReadFrom waits for the next message and returns its length in buf and its source. At the read
// deadline it fails with os.ErrDeadlineExceeded, unless a message is there: a reply that came in time
// counts, however late a busy machine lets its reader run. buf needs room for an IPv4 header, which
// is removed.
func (c *ICMPConn) ReadFrom(buf []byte) (n int, src netip.Addr, err error) {
	var from unix.Sockaddr
	var received error
	receive := func(fd uintptr) (done bool) {
		n, from, received = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
		return !errors.Is(received, unix.EAGAIN) && !errors.Is(received, unix.EINTR)
	}
	err = c.conn.Read(receive)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		there := false
		if failed := c.control(func(fd int) error { there = receive(uintptr(fd)); return nil }); failed == nil && there {
			err = nil
		}
	}
	if err != nil || received != nil {
		return 0, netip.Addr{}, fmt.Errorf("receive: %w", errors.Join(err, received))
	}
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return removeIPv4Header(buf, n), netip.AddrFrom4(from.Addr), nil
	case *unix.SockaddrInet6:
		return n, netip.AddrFrom16(from.Addr), nil
	}
	return 0, netip.Addr{}, fmt.Errorf("receive: from %T", from)
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

func (c *ICMPConn) sockaddr(a netip.Addr) (unix.Sockaddr, error) {
	switch {
	case c.family == 4 && a.Is4():
		return &unix.SockaddrInet4{Addr: a.As4()}, nil
	case c.family == 6 && a.Is6():
		return &unix.SockaddrInet6{Addr: a.As16()}, nil
	}
	return nil, fmt.Errorf("%s is not an IPv%d address", a, c.family)
}
