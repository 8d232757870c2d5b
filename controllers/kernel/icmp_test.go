// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/socket"
	"github.com/netlab-dev/netlab/controllers/state"
)

// pinged is ns1 beside the router, in both families.
func pinged(t *testing.T) *Kernel {
	t.Helper()
	k := newKernel(t, Options{})
	perform(t, k, create(router), loUp(router), create(ns1), symlink(ns1), loUp(ns1),
		set(router, "net.ipv6.conf.all.disable_ipv6", "0"), set(ns1, "net.ipv6.conf.all.disable_ipv6", "0"), set(ns1, "net.ipv6.conf.lo.disable_ipv6", "0"),
		pair(end(router, "left", 1), end(ns1, "left", 2)), up(router, "left"), up(ns1, "left"),
		addr(router, "left", "192.0.2.254/24"), addr(router, "left", "2001:db8::fe/64"),
		addr(ns1, "left", "192.0.2.1/24"), addr(ns1, "left", "192.0.2.2/24"), addr(ns1, "left", "2001:db8::1/64"))
	return k
}

func mustDial(t *testing.T, k *Kernel, family int, dontFragment bool, source netip.Addr) *socket.ICMPConn {
	t.Helper()
	c, err := k.DialICMP(ns1, family, dontFragment, source)
	if err != nil {
		t.Fatalf("DialICMP: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// families are what differs between the two, seen from ns1.
var families = []struct {
	family         int
	router, second netip.Addr
	self, nowhere  netip.Addr
	echo, reply    byte
}{
	{4, netip.MustParseAddr("192.0.2.254"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("203.0.113.1"), 8, 0},
	{6, netip.MustParseAddr("2001:db8::fe"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8:dead::1"), 128, 129},
}

// echoRequest is an ICMP echo with a payload. Of ICMPv6 the kernel fills in the checksum.
func echoRequest(kind byte, payload []byte) []byte {
	m := append([]byte{kind, 0, 0, 0, 0x12, 0x34, 0, 1}, payload...)
	var sum uint32
	for i := 0; i+1 < len(m); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(m[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(m[2:], ^uint16(sum))
	return m
}

// A link-local address is one of each link: the zone says which. Its index is that in the socket's namespace.
func TestAPingToALinkLocalAddressTakesItsLink(t *testing.T) {
	k := pinged(t)
	perform(t, k, pair(end(router, "right", 3), end(ns1, "right", 4)), up(router, "right"), up(ns1, "right"),
		addr(router, "left", "fe80::a/64"), addr(ns1, "left", "fe80::1/64"), addr(router, "right", "fe80::b/64"), addr(ns1, "right", "fe80::1/64"))
	for _, to := range []string{"fe80::a%left", "fe80::b%right"} {
		c, to := mustDial(t, k, 6, false, netip.Addr{}), netip.MustParseAddr(to)
		if err := c.WriteTo(echoRequest(128, nil), to.WithZone("nowhere")); err == nil {
			t.Error("an interface that does not exist is no error")
		}
		if err := c.WriteTo(echoRequest(128, nil), to); err != nil {
			t.Fatal(err)
		}
		if _, src, _, err := c.ReadFrom(make([]byte, 1500)); err != nil || src != to.WithZone("") {
			t.Errorf("reply from %s: %v, want one from %s", src, err, to)
		}
	}
}

func TestAPingComesBack(t *testing.T) {
	k := pinged(t)
	for _, f := range families {
		for _, source := range []netip.Addr{{}, f.second} {
			c := mustDial(t, k, f.family, false, source)
			payload := []byte("sixteen bytes...")
			if err := c.WriteTo(echoRequest(f.echo, payload), f.router); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 1500)
			n, src, _, err := c.ReadFrom(buf)
			if err != nil || src != f.router {
				t.Fatalf("reply from %s: %v, want one from %s", src, err, f.router)
			}
			if n != 8+len(payload) || buf[0] != f.reply || !bytes.Equal(buf[8:n], payload) {
				t.Errorf("the reply is % x", buf[:n])
			}
		}
	}
}

// The request arrives before the reply to it.
func TestARequestToItselfComesInFirst(t *testing.T) {
	k := pinged(t)
	for _, f := range families {
		c := mustDial(t, k, f.family, false, netip.Addr{})
		if err := c.WriteTo(echoRequest(f.echo, nil), f.self); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		for _, want := range []byte{f.echo, f.reply} {
			if n, _, _, err := c.ReadFrom(buf); err != nil || n != 8 || buf[0] != want {
				t.Errorf("IPv%d: got message % x, %v; want one of type %d", f.family, buf[:n], err, want)
			}
		}
	}
}

func TestAnErrorOfThePingIsTheKernels(t *testing.T) {
	k := pinged(t)
	for _, f := range families {
		c := mustDial(t, k, f.family, true, netip.Addr{})
		if err := c.WriteTo(echoRequest(f.echo, nil), f.nowhere); !errors.Is(err, unix.ENETUNREACH) {
			t.Errorf("IPv%d without a route: %v", f.family, err)
		}
		if err := c.WriteTo(echoRequest(f.echo, make([]byte, 1500)), f.router); !errors.Is(err, unix.EMSGSIZE) {
			t.Errorf("IPv%d over the MTU with don't-fragment: %v", f.family, err)
		}
		fragmented := mustDial(t, k, f.family, false, netip.Addr{})
		if err := fragmented.WriteTo(echoRequest(f.echo, make([]byte, 1500)), f.router); err != nil {
			t.Errorf("IPv%d over the MTU: %v", f.family, err)
		}
		if _, err := k.DialICMP(ns1, f.family, false, f.nowhere); !errors.Is(err, unix.EADDRNOTAVAIL) {
			t.Errorf("IPv%d from somebody else's address: %v", f.family, err)
		}
	}
}

func TestAPingThatMixesFamiliesIsRefused(t *testing.T) {
	k := pinged(t)
	four, six := families[0], families[1]
	c := mustDial(t, k, 4, false, netip.Addr{})
	if err := c.WriteTo(echoRequest(8, nil), six.router); err == nil || !strings.Contains(err.Error(), "is not an IPv4 address") {
		t.Errorf("IPv6 destination: %v", err)
	}
	if _, err := k.DialICMP(ns1, 6, false, four.second); err == nil || !strings.Contains(err.Error(), "is not an IPv6 address") {
		t.Errorf("IPv4 source: %v", err)
	}
	if _, err := k.DialICMP(ns1, 5, false, netip.Addr{}); err == nil || !strings.Contains(err.Error(), "5 is not an IP version") {
		t.Errorf("IPv5: %v", err)
	}
}

func TestTheReadDeadlineEndsAWait(t *testing.T) {
	c := mustDial(t, pinged(t), 4, false, netip.Addr{})
	waited := make(chan error)
	go func() {
		_, _, _, err := c.ReadFrom(make([]byte, 100))
		waited <- err
	}()
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

func TestASocketIsGoneAfterClose(t *testing.T) {
	k := pinged(t)
	c := mustDial(t, k, 4, false, netip.Addr{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	perform(t, k, state.DeleteNamespace{Name: ns1})
	if held, err := k.Reap(t.Context()); err != nil || len(held) > 0 {
		t.Errorf("Reap: %v, %v", held, err)
	}
}
