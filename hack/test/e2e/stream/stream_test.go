// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// A tally tells a packet that is missing from one that came twice.
func TestEveryPacketCountsOnce(t *testing.T) {
	got := &tally{seen: map[uint64]bool{}}
	start := time.Now()
	for i, number := range []uint64{0, 1, 4, 3, 3} {
		got.add(number, start.Add(time.Duration(i)*time.Millisecond))
	}
	got.end(6)
	if got.Sent != 6 || got.Received != 4 || got.Lost != 2 || got.Duplicates != 1 || got.LongestGap != time.Millisecond {
		t.Errorf("0 1 4 3 3 of 6: %+v", got)
	}
}

// A stream that ends sends the receiver the number of packets.
func TestASenderAndAReceiverAgree(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stop, in := io.Pipe()
	var said bytes.Buffer
	sent := make(chan error, 1)
	go func() { sent <- send(conn.LocalAddr().String(), stop, &said) }()
	time.AfterFunc(50*time.Millisecond, func() { in.Close() }) //nolint:errcheck // a pipe closes
	got, err := count(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if got.Sent == 0 || got.Lost != 0 || got.Duplicates != 0 {
		t.Errorf("%+v; the sender says: %s", got, said.String())
	}
}

// refusing is a kernel that takes every other packet, and ends the stream after as many as it is worth.
type refusing struct {
	packets, taken int
	closed         chan struct{}
}

func (r *refusing) Write(b []byte) (int, error) {
	r.packets++
	if r.packets == 10 {
		close(r.closed)
	}
	if r.packets%2 == 0 {
		return 0, errors.New("no route to host")
	}
	r.taken++
	return len(b), nil
}

func TestARefusedPacketIsLost(t *testing.T) {
	r := &refusing{closed: make(chan struct{})}
	sent := sendUntil(r, r.closed)
	if sent != uint64(r.packets) || r.taken != (r.packets+1)/2 {
		t.Errorf("%d were sent, of %d packets that the kernel saw and %d that it took", sent, r.packets, r.taken)
	}
}
