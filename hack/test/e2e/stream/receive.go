// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// bufferSize is what the kernel keeps for a receiver that is not scheduled: tens of thousands of
// packets, so that what is lost is lost on the way.
const bufferSize = 16 << 20

// tally is what became of a stream.
type tally struct {
	Sent       uint64        `json:"sent"`
	Received   uint64        `json:"received"`
	Lost       uint64        `json:"lost"`
	Duplicates uint64        `json:"duplicates"`
	LongestGap time.Duration `json:"longestGapNanoseconds"`

	seen map[uint64]bool
	last time.Time
}

// receive counts until the sender says it has ended, and prints the tally as JSON.
func receive(address string, out io.Writer) error {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := enlargeBuffer(conn.(*net.UDPConn)); err != nil {
		return fmt.Errorf("enlarge the receive buffer: %w", err)
	}
	fmt.Fprintln(out, "listening")
	result, err := count(conn)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// enlargeBuffer goes past net.core.rmem_max, which root may.
func enlargeBuffer(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, bufferSize)
	})
	if err != nil {
		return err
	}
	return set
}

func count(conn net.PacketConn) (*tally, error) {
	t := &tally{seen: map[uint64]bool{}}
	for buffer := make([]byte, packetSize+1); ; {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			return nil, err
		}
		p, err := decode(buffer[:n])
		if err != nil {
			return nil, err
		}
		if p.total > 0 {
			t.end(p.total)
			return t, nil
		}
		t.add(p.number, time.Now())
	}
}

func (t *tally) add(number uint64, at time.Time) {
	if !t.last.IsZero() {
		t.LongestGap = max(t.LongestGap, at.Sub(t.last))
	}
	t.last = at
	if t.seen[number] {
		t.Duplicates++
		return
	}
	t.seen[number] = true
	t.Received++
}

func (t *tally) end(total uint64) {
	t.Sent, t.Lost = total, total-t.Received
}
