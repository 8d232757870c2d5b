// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// ethernetAddresses is the size of both of them, in front of everything else.
const ethernetAddresses = 12

// controlSize is more than a time and a struct tpacket_auxdata need with their headers.
const controlSize = 128

// Read waits for the next packet; buf has room for packet.MaxSize bytes. At the read deadline it
// fails with os.ErrDeadlineExceeded, and with packet.ErrLinkDown when the interface it was opened
// for goes down.
func (c *PacketConn) Read(buf []byte) (packet.Packet, error) {
	for {
		p, twice, err := c.readOnce(buf)
		if errors.Is(err, unix.ENETDOWN) {
			err = packet.ErrLinkDown
		}
		if err != nil {
			return packet.Packet{}, fmt.Errorf("read packets in %s: %w", c.name, err)
		}
		if !twice {
			return p, nil
		}
	}
}

// readOnce says twice of a packet that leaves by lo: it comes in by it, too.
func (c *PacketConn) readOnce(buf []byte) (p packet.Packet, twice bool, err error) {
	var n, controlled int
	var from unix.Sockaddr
	var received error
	err = c.conn.Read(func(fd uintptr) (done bool) {
		n, controlled, _, from, received = unix.Recvmsg(int(fd), buf[packet.VLANTagSize:], c.control[:], unix.MSG_TRUNC)
		return !errors.Is(received, unix.EAGAIN) && !errors.Is(received, unix.EINTR)
	})
	if err = errors.Join(err, received); err != nil {
		return packet.Packet{}, false, err
	}
	link, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return packet.Packet{}, false, fmt.Errorf("from %T", from)
	}
	p = packet.Packet{Index: link.Ifindex, Data: buf[packet.VLANTagSize:min(packet.VLANTagSize+n, len(buf))], Length: n}
	err = complete(&p, buf, c.control[:controlled])
	return p, link.Hatype == unix.ARPHRD_LOOPBACK && link.Pkttype == unix.PACKET_OUTGOING, err
}

// complete adds what the kernel says beside a packet.
func complete(p *packet.Packet, buf, control []byte) error {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return err
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS:
			p.Time = timespec(m.Data)
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA:
			restoreTag(p, buf, m.Data)
		}
	}
	return nil
}

// timespec reads a struct timespec; the zero Time if it is cut short.
func timespec(b []byte) time.Time {
	var ts unix.Timespec
	if _, err := binary.Decode(b, binary.NativeEndian, &ts); err != nil {
		return time.Time{}
	}
	return time.Unix(ts.Unix())
}

// restoreTag puts a VLAN tag back where it was on the wire, between the addresses and the type:
// the kernel takes it out of the frame and hands it over beside it. There is room for it in
// front of the frame.
func restoreTag(p *packet.Packet, buf, auxiliary []byte) {
	var aux unix.TpacketAuxdata
	_, err := binary.Decode(auxiliary, binary.NativeEndian, &aux)
	if err != nil || aux.Status&unix.TP_STATUS_VLAN_VALID == 0 || len(p.Data) < ethernetAddresses {
		return
	}
	protocol := uint16(unix.ETH_P_8021Q)
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		protocol = aux.Vlan_tpid
	}
	end := packet.VLANTagSize + len(p.Data)
	copy(buf, p.Data[:ethernetAddresses])
	binary.BigEndian.PutUint16(buf[ethernetAddresses:], protocol)
	binary.BigEndian.PutUint16(buf[ethernetAddresses+2:], aux.Vlan_tci)
	p.Data, p.Length = buf[:end], p.Length+packet.VLANTagSize
}

// networkOrder is a number as it is written into a struct sockaddr_ll.
func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}
