// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/packet"
)

// ethernetAddresses is the size of both of them, in front of everything else.
const ethernetAddresses = 12

// Read waits for the next packet. At the read deadline it fails with os.ErrDeadlineExceeded.
func (c *PacketConn) Read() (packet.Packet, error) {
	if !c.ring.ready() {
		// The kernel also wakes the reader for an error that Down reports.
		err := c.conn.Read(func(uintptr) (done bool) { return c.ring.ready() })
		if err != nil {
			return packet.Packet{}, fmt.Errorf("read packets in %s: %w", c.name, err)
		}
	}
	return c.ring.packet(c.ring.next()), nil
}

// packet reads the packet with a header at an offset.
func (r *ring) packet(at int) packet.Packet {
	frame := at + int(r.number16(at+headerFrame))
	p := packet.Packet{
		Index:    int(r.number32(at + addressIndex)),
		Time:     time.Unix(int64(r.number32(at+headerSeconds)), int64(r.number32(at+headerNanos))),
		Outgoing: r.memory[at+addressType] == unix.PACKET_OUTGOING,
		Data:     r.memory[frame : frame+int(r.number32(at+headerCaptured))],
		Length:   int(r.number32(at + headerLength)),
	}
	p.Twice = p.Outgoing && r.number16(at+addressHardware) == unix.ARPHRD_LOOPBACK
	if status := r.number32(at + headerStatus); status&unix.TP_STATUS_VLAN_VALID != 0 && len(p.Data) >= ethernetAddresses {
		protocol := uint16(unix.ETH_P_8021Q)
		if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
			protocol = r.number16(at + headerTPID)
		}
		p.Data = r.restoreTag(frame, len(p.Data), protocol, uint16(r.number32(at+headerVLAN)))
		p.Length += packet.VLANTagSize
	}
	return p
}

// restoreTag puts a VLAN tag back where it was on the wire, between the addresses and the type: the kernel
// takes it out of the frame and hands it over in the header. The ring has a reserve in front of the frame.
func (r *ring) restoreTag(frame, length int, protocol, tci uint16) []byte {
	data := r.memory[frame-packet.VLANTagSize : frame+length]
	copy(data, r.memory[frame:frame+ethernetAddresses])
	binary.BigEndian.PutUint16(data[ethernetAddresses:], protocol)
	binary.BigEndian.PutUint16(data[ethernetAddresses+2:], tci)
	return data
}

// networkOrder is a number as it is written into a struct sockaddr_ll.
func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

// timespec reads a struct timespec; the zero Time if it is cut short.
func timespec(b []byte) time.Time {
	var ts unix.Timespec
	if _, err := binary.Decode(b, binary.NativeEndian, &ts); err != nil {
		return time.Time{}
	}
	return time.Unix(ts.Unix())
}
