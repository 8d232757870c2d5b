// SPDX-License-Identifier: Apache-2.0

package socket

import (
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
	control    [controlSize]byte
}

// packetBuffer is how much may wait to be read. The kernel's usual limit is about 200 packets,
// because each counts with all the memory it occupies.
const packetBuffer = 16 << 20

// DialPacket opens a packet socket for the interface of that name, or for all of them if it is
// empty. The namespace is the calling thread's; name is for messages, path is where it is mounted.
// packet.ErrNoInterface comes with the names there are.
func DialPacket(name, path, link string) (*PacketConn, error) {
	c := &PacketConn{name: name, path: path}
	err := c.open()
	if err == nil {
		err = c.withFD(func(fd int) error { return c.bind(fd, link) })
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

func (c *PacketConn) bind(fd int, link string) error {
	index := 0
	if link != "" {
		at := slices.IndexFunc(c.interfaces, func(i packet.Interface) bool { return i.Name == link })
		if at < 0 {
			return fmt.Errorf("%w: %q; interfaces: %s", packet.ErrNoInterface, link, c.names())
		}
		c.interfaces = c.interfaces[at : at+1]
		index = c.interfaces[0].Index
	}
	if err := configurePackets(fd); err != nil {
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

func configurePackets(fd int) error {
	for _, option := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
		{unix.SOL_PACKET, unix.PACKET_AUXDATA, 1},
		{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, packetBuffer},
	} {
		// Root of a user namespace may not have more buffer than others.
		err := unix.SetsockoptInt(fd, option.level, option.name, option.value)
		if err != nil && (option.name != unix.SO_RCVBUFFORCE || !errors.Is(err, unix.EPERM)) {
			return fmt.Errorf("set option %d of a packet socket: %w", option.name, err)
		}
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

// Dropped is how many packets found no room in the buffer since it was last asked.
func (c *PacketConn) Dropped() (dropped uint64, err error) {
	err = c.withFD(func(fd int) error {
		statistics, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err == nil {
			dropped = uint64(statistics.Drops)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read packet statistics in %s: %w", c.name, err)
	}
	return dropped, nil
}

// Deleted reports whether another namespace, or none, is mounted where this socket's was: then
// only sockets like this one keep it.
func (c *PacketConn) Deleted() bool {
	id, err := netns.Identify(c.path)
	return err != nil || id != c.id
}

// SetReadDeadline sets when Read gives up.
func (c *PacketConn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// Close closes the socket.
func (c *PacketConn) Close() error { return c.file.Close() }

// withFD runs fn with the socket, which stays open meanwhile.
func (c *PacketConn) withFD(fn func(fd int) error) error {
	var failed error
	err := c.conn.Control(func(fd uintptr) { failed = fn(int(fd)) })
	return errors.Join(err, failed)
}
