// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// PacketConn is a packet socket: it gets a copy of every packet that passes one of its namespace's
// interfaces, or all of them. Since it keeps a deleted namespace alive, its reader asks Deleted every
// now and then. It is for one goroutine.
type PacketConn struct {
	// name and path are those of the namespace.
	name, path string
	id         netns.ID
	interfaces []packet.Interface
	file       *os.File
	conn       syscall.RawConn
	ring       ring
	counted    packet.Statistics
}

// DialPacket opens a packet socket. The namespace is the calling thread's; name is for messages, path is where
// it is mounted. packet.ErrNoInterface comes with the existing names.
func DialPacket(name, path string, o packet.Options) (*PacketConn, error) {
	c := &PacketConn{name: name, path: path}
	err := c.open()
	if err == nil {
		err = c.withFD(func(fd int) error { return c.bind(fd, o) })
	}
	if err != nil {
		if c.file != nil {
			_ = c.Close()
		}
		return nil, err
	}
	return c, nil
}

// open makes a socket that hears nothing yet: with a protocol it would hear all interfaces
// until it is bound to one.
func (c *PacketConn) open() error {
	var err error
	if c.id, err = netns.Current(); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	c.file = os.NewFile(uintptr(fd), "packet")
	if c.conn, err = c.file.SyscallConn(); err != nil {
		return err
	}
	return c.list()
}

// list finds the interfaces of the namespace the calling thread is in.
func (c *PacketConn) list() error {
	routing, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer routing.Close()
	var indexes []int
	err = routing.Get(unix.RTM_GETLINK, unix.NLM_F_DUMP, func(msg []byte) error {
		if len(msg) < unix.SizeofIfInfomsg {
			return errors.New("truncated link message")
		}
		indexes = append(indexes, int(nl.DeserializeIfInfomsg(msg).Index))
		return nil
	}, nl.NewIfInfomsg(unix.AF_UNSPEC))
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	for _, index := range indexes {
		if i, err := c.Interface(index); err == nil { // else it has gone meanwhile
			c.interfaces = append(c.interfaces, i)
		}
	}
	return nil
}

func (c *PacketConn) bind(fd int, o packet.Options) error {
	index := 0
	if o.Interface != "" {
		at := slices.IndexFunc(c.interfaces, func(i packet.Interface) bool { return i.Name == o.Interface })
		if at < 0 {
			return fmt.Errorf("%w: %q; interfaces: %s", packet.ErrNoInterface, o.Interface, c.names())
		}
		c.interfaces = c.interfaces[at : at+1]
		index = c.interfaces[0].Index
	}
	if err := configurePackets(fd); err != nil {
		return err
	}
	if err := attachFilter(fd, o.Filter); err != nil {
		return err
	}
	if err := c.ring.open(fd, cmp.Or(o.Buffer, packet.DefaultBuffer)); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index})
}

func (c *PacketConn) names() string {
	names := make([]string, len(c.interfaces))
	for i, link := range c.interfaces {
		names[i] = link.Name
	}
	return strings.Join(names, ", ")
}

// configurePackets prepares the ring. Its timestamps are those of the kernel's first look at a packet with
// SO_TIMESTAMPNS, else those of its copy into the ring. The reserve has room for a VLAN tag.
func configurePackets(fd int) error {
	for _, option := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
		{unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3},
		{unix.SOL_PACKET, unix.PACKET_RESERVE, packet.VLANTagSize},
	} {
		if err := unix.SetsockoptInt(fd, option.level, option.name, option.value); err != nil {
			return fmt.Errorf("set option %d of a packet socket: %w", option.name, err)
		}
	}
	return nil
}

func attachFilter(fd int, program []packet.Instruction) error {
	if len(program) == 0 {
		return nil
	}
	instructions := make([]unix.SockFilter, len(program))
	for i, p := range program {
		instructions[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	filter := unix.SockFprog{Len: uint16(len(instructions)), Filter: &instructions[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter); err != nil {
		return fmt.Errorf("attach a filter of %d instructions to a packet socket: %w", len(program), err)
	}
	return nil
}

// Interfaces are those it was opened for; with all of them, more may come later.
func (c *PacketConn) Interfaces() []packet.Interface { return slices.Clone(c.interfaces) }

// Interface is the one with that index, as it is called now.
func (c *PacketConn) Interface(index int) (packet.Interface, error) {
	i := packet.Interface{Index: index}
	err := c.withFD(func(fd int) error {
		var request unix.Ifreq
		request.SetUint32(uint32(index))
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, &request); err != nil {
			return err
		}
		i.Name = request.Name()
		// The answer is a struct sockaddr, its family the hardware.
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, &request); err != nil {
			return err
		}
		i.Hardware = request.Uint16()
		return nil
	})
	if err != nil {
		return packet.Interface{}, fmt.Errorf("find the interface with index %d in %s: %w", index, c.name, err)
	}
	return i, nil
}

// Statistics are the kernel's counts. A packet is counted before it can be read.
func (c *PacketConn) Statistics() (packet.Statistics, error) {
	err := c.withFD(func(fd int) error {
		now, err := unix.GetsockoptTpacketStatsV3(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err == nil { // the kernel's counts begin again, and its packets include the dropped ones
			c.counted.Accepted += uint64(now.Packets - now.Drops)
			c.counted.Dropped += uint64(now.Drops)
		}
		return err
	})
	if err != nil {
		return packet.Statistics{}, fmt.Errorf("read packet statistics in %s: %w", c.name, err)
	}
	return c.counted, nil
}

// Down reports whether the interface was set down or deleted since the last call. It is false for a socket of
// all interfaces.
func (c *PacketConn) Down() bool {
	down := false
	err := c.withFD(func(fd int) error {
		failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		down = unix.Errno(failed) == unix.ENETDOWN
		return err
	})
	return err == nil && down
}

// Deleted reports whether another namespace, or none, is mounted where this socket's was: then
// only sockets like this one keep it.
func (c *PacketConn) Deleted() bool {
	id, err := netns.Identify(c.path)
	return err != nil || id != c.id
}

// SetReadDeadline sets when Read gives up.
func (c *PacketConn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// Close closes the socket. The mapped ring would keep it open.
func (c *PacketConn) Close() error { return errors.Join(c.ring.close(), c.file.Close()) }

// withFD runs fn with the socket, which stays open meanwhile.
func (c *PacketConn) withFD(fn func(fd int) error) error {
	var failed error
	err := c.conn.Control(func(fd uintptr) { failed = fn(int(fd)) })
	return errors.Join(err, failed)
}
