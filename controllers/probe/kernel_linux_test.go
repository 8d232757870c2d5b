// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// TestTheKernelAnswers pings a real kernel, on the loopback of a network namespace that lives as long as
// the child process in which the test runs itself again. Neither root nor anything installed is needed. All
// rows but the last ignore that the sender answers itself.
func TestTheKernelAnswers(t *testing.T) {
	if os.Getenv("NETLAB_PROBE_TEST_CHILD") == "" {
		runInNewNetwork(t)
		return
	}
	setLoopbackUp(t)
	var (
		loopback4 = netip.MustParseAddr("127.0.0.1")
		loopback6 = netip.IPv6Loopback()
	)
	tests := []struct {
		name string
		to   netip.Addr
		size int
		want Outcome
	}{
		{"IPv4", loopback4, 0, Reply},
		{"IPv4 with an odd size", loopback4, 1401, Reply},
		{"IPv4 with the largest size", loopback4, 65507, Reply},
		{"IPv6", loopback6, 0, Reply},
		{"IPv6 with an odd size", loopback6, 1401, Reply},
		{"IPv4 without a route", ns2, 0, NoRoute},
		{"IPv6 without a route", six, 0, NoRoute},
		{"IPv4 beyond the largest size", loopback4, 65508, TooBig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Once(t.Context(), dialHere(true), Spec{To: test.to, SizeBytes: test.size, Timeout: 5 * time.Second, FailureThreshold: 1})
			if got.Outcome != test.want {
				t.Errorf("got %s (%s), want %s", got.Outcome, got.Err, test.want)
			}
		})
	}
	for _, to := range []netip.Addr{loopback4, loopback6} {
		if got := Once(t.Context(), dialHere(false), Spec{To: to, Timeout: 5 * time.Second}); got.Outcome != DeliveredLocally {
			t.Errorf("%s: got %s (%s), want DeliveredLocally", to, got.Outcome, got.Err)
		}
	}
}

func runInNewNetwork(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestTheKernelAnswers$", "-test.v")
	cmd.Env = append(os.Environ(), "NETLAB_PROBE_TEST_CHILD=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("run the test in a new network namespace: %v\n%s", err, out)
	}
}

func setLoopbackUp(t *testing.T) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("open a socket to set lo up: %v", err)
	}
	defer syscall.Close(fd)
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{name: [syscall.IFNAMSIZ]byte{'l', 'o'}, flags: syscall.IFF_UP}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatalf("ip link set lo up: %v", errno)
	}
}

// dialHere opens sockets where the test runs.
func dialHere(onlyReplies bool) Dialer {
	return func(ctx context.Context, _ string, options Options) (Conn, error) {
		network := map[Family]string{IPv4: "ip4:icmp", IPv6: "ip6:ipv6-icmp"}[options.Family]
		conn, err := new(net.ListenConfig).ListenPacket(ctx, network, "")
		if err != nil {
			return nil, err
		}
		c := rawConn{IPConn: conn.(*net.IPConn), without: -1}
		if onlyReplies {
			c.without = int(echoTypesOf[options.Family].request)
		}
		return c, nil
	}
}

// rawConn is a Conn of the net package, which takes the IPv4 header off.
type rawConn struct {
	*net.IPConn
	without int // the type of messages to ignore
}

func (c rawConn) WriteTo(icmp []byte, dst netip.Addr) error {
	_, err := c.IPConn.WriteTo(icmp, &net.IPAddr{IP: dst.AsSlice(), Zone: dst.Zone()})
	return err
}

func (c rawConn) ReadFrom(buf []byte) (int, netip.Addr, time.Time, error) {
	n, src, err := c.IPConn.ReadFromIP(buf)
	for err == nil && n > 0 && int(buf[offsetType]) == c.without {
		n, src, err = c.IPConn.ReadFromIP(buf)
	}
	if err != nil {
		return 0, netip.Addr{}, time.Time{}, err
	}
	addr, _ := netip.AddrFromSlice(src.IP)
	return n, addr.WithZone(src.Zone), time.Now(), nil
}
