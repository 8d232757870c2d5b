// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// interval is one packet's share of a second.
	interval = time.Millisecond
	// endings is how often the end is sent, because UDP may lose one.
	endings = 10
)

// send sends until in closes. A sender that was not scheduled in time makes up for it, so that
// the rate holds on a busy machine. A packet that its own kernel refuses is lost like any other.
func send(address string, in io.Reader, out io.Writer) error {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		io.Copy(io.Discard, in) //nolint:errcheck // an error ends the stream just as well
	}()
	total := sendUntil(conn, closed)
	fmt.Fprintf(out, "sent %d\n", total)
	sayEnd(conn, total)
	return nil
}

func sendUntil(conn io.Writer, closed <-chan struct{}) (sent uint64) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for start := time.Now(); ; {
		select {
		case <-closed:
			return sent
		case <-ticks.C:
		}
		for due := uint64(time.Since(start) / interval); sent < due; sent++ {
			conn.Write(packet{number: sent}.encode()) //nolint:errcheck // counted as sent, so it is missing
		}
	}
}

func sayEnd(conn net.Conn, total uint64) {
	for range endings {
		conn.Write(packet{total: total}.encode()) //nolint:errcheck // the receiver may have heard it and gone
		time.Sleep(10 * time.Millisecond)
	}
}
