// SPDX-License-Identifier: Apache-2.0

package socket

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// TestMain runs every test of this package as root of a machine of its own, with lo up.
func TestMain(m *testing.M) { sandbox.TestMain(m) }

// On a busy machine a reader may run only when its deadline has passed. It learns when the message arrived.
func TestAMessageThatIsThereAtTheDeadlineIsRead(t *testing.T) {
	const late, clockError = 20 * time.Millisecond, 5 * time.Millisecond
	for family, to := range map[int]string{4: "127.0.0.1", 6: "::1"} {
		c, err := DialICMP(family, false, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		self := netip.MustParseAddr(to)
		awaitTimestamps(t, c, family, self)
		sent := time.Now()
		exchange(t, c, family, self)
		came := time.Now()
		time.Sleep(late)
		if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		_, from, arrived, err := c.ReadFrom(buf)
		if err != nil || from != self || arrived.Before(sent.Add(-clockError)) || arrived.After(came.Add(clockError)) {
			t.Errorf("IPv%d: the reply from %s arrived %v after sending, and was there after %v: %v", family, from, arrived.Sub(sent), came.Sub(sent), err)
		}
		if _, _, _, err := c.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("IPv%d: when it has been read: %v", family, err)
		}
	}
}

// awaitTimestamps waits until the kernel notes when packets arrive: it begins a moment after a socket has asked
// for it.
func awaitTimestamps(t *testing.T, c *ICMPConn, family int, self netip.Addr) {
	t.Helper()
	for stamped := false; !stamped; {
		exchange(t, c, family, self)
		came := time.Now()
		time.Sleep(time.Millisecond)
		_, _, arrived, err := c.ReadFrom(make([]byte, 100))
		if err != nil {
			t.Fatal(err)
		}
		stamped = arrived.Before(came)
	}
}

// exchange sends a request and returns when the reply to it can be read.
func exchange(t *testing.T, c *ICMPConn, family int, self netip.Addr) {
	t.Helper()
	if err := c.WriteTo(echoRequest(family), self); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.ReadFrom(make([]byte, 100)); err != nil { // the request
		t.Fatal(err)
	}
	awaitMessage(t, c)
}

// echoRequest has no payload. The kernel fills in ICMPv6's checksum.
func echoRequest(family int) []byte {
	if family == 6 {
		return []byte{128, 0, 0, 0, 0, 0, 0, 1}
	}
	m := []byte{8, 0, 0, 0, 0, 0, 0, 1}
	binary.BigEndian.PutUint16(m[2:], ^uint16(0x0801))
	return m
}

// awaitMessage waits until the socket is readable, and reads nothing.
func awaitMessage(t *testing.T, c *ICMPConn) {
	t.Helper()
	const timeout = 5000
	if err := c.control(func(fd int) error {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, timeout)
		if ready == 0 {
			t.Fatal("no reply")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
