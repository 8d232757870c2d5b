// SPDX-License-Identifier: Apache-2.0

package asktest

import (
	"encoding/binary"
	"net/netip"
	"os"
	"time"
)

// Echo is an ICMP socket on which IPv4 echo requests get a reply at once.
type Echo struct {
	// Sent is called for every request, and returns whether it gets a reply, or its error.
	Sent func(to netip.Addr) (answered bool, err error)

	reply []byte
	from  netip.Addr
}

// WriteTo sends a request.
func (e *Echo) WriteTo(icmp []byte, dst netip.Addr) error {
	if answered, err := e.Sent(dst); !answered || err != nil {
		return err
	}
	e.reply, e.from = append([]byte(nil), icmp...), dst
	// A reply differs from its request in the type, 0 for 8, and so in the checksum.
	e.reply[0] = 0
	sum := uint32(binary.BigEndian.Uint16(icmp[2:])) + 8<<8
	binary.BigEndian.PutUint16(e.reply[2:], uint16(sum)+uint16(sum>>16))
	return nil
}

// ReadFrom returns the reply, once. Without one the deadline has always passed.
func (e *Echo) ReadFrom(buf []byte) (int, netip.Addr, time.Time, error) {
	if e.reply == nil {
		return 0, netip.Addr{}, time.Time{}, os.ErrDeadlineExceeded
	}
	n := copy(buf, e.reply)
	e.reply = nil
	return n, e.from, time.Now(), nil
}

// SetReadDeadline does nothing.
func (e *Echo) SetReadDeadline(time.Time) error { return nil }

// Close does nothing.
func (e *Echo) Close() error { return nil }
