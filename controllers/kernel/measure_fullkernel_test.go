// SPDX-License-Identifier: Apache-2.0

//go:build fullkernel

package kernel

import (
	"encoding/binary"
	"math"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// These tests measure what an impairment does to packets. They are right where the clock does
// not depend on what else the machine does: in a virtual machine whose clock counts instructions.

// cable is ns1 and ns2 on one link, with an impairment on ns1's end.
func cable(q state.Qdisc) state.State {
	return play(
		create(ns1), symlink(ns1), create(ns2), symlink(ns2), loUp(ns1), loUp(ns2), pair(end(ns1, "l1", 1), end(ns2, "l1", 2)),
		up(ns1, "l1"), up(ns2, "l1"), addr(ns1, "l1", "192.0.2.1/24"), addr(ns2, "l1", "192.0.2.2/24"),
		state.ReplaceQdisc{LinkID: link(ns1, "l1"), Qdisc: q},
	)
}

// arrival is a packet that came through: its number, and when it was sent and received.
type arrival struct {
	number         uint32
	sent, received time.Duration
}

// overhead is what Ethernet, IPv4 and UDP add to a packet's payload; queues count it all.
const overhead = 14 + 20 + 8

// send sends numbered UDP packets of a size from ns1 to ns2, one every gap, and lists those that
// arrived in their order.
func send(t *testing.T, q state.Qdisc, count, size int, gap time.Duration) []arrival {
	t.Helper()
	k := newKernel(t, Options{})
	converge(t, k, cable(q))
	// A question for the receiver's MAC would be impaired like everything else.
	sh(t, "ip -n "+ns1+" neighbour replace 192.0.2.2 lladdr "+mac(2).String()+" dev l1 nud permanent")
	from, to := dialUDP(t, k)
	defer func() { _, _ = from.Close(), to.Close() }()
	start := time.Now()
	go func() {
		payload := make([]byte, size-overhead)
		for i := range count {
			binary.BigEndian.PutUint32(payload, uint32(i))
			binary.BigEndian.PutUint64(payload[4:], uint64(time.Since(start)))
			_, _ = from.Write(payload)
			time.Sleep(gap)
		}
	}()
	return receive(t, to, start)
}

// receive reads until nothing has come for a while longer than any delay here.
func receive(t *testing.T, to *net.UDPConn, start time.Time) []arrival {
	t.Helper()
	var list []arrival
	for packet := make([]byte, 2000); ; {
		if err := to.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Read(packet); os.IsTimeout(err) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		sent := time.Duration(binary.BigEndian.Uint64(packet[4:]))
		list = append(list, arrival{binary.BigEndian.Uint32(packet), sent, time.Since(start)})
	}
}

// dialUDP opens both sockets. The receiver's buffer holds everything, so that only the link loses.
func dialUDP(t *testing.T, k *Kernel) (from, to *net.UDPConn) {
	t.Helper()
	receiver := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 5000}
	err := k.Enter(ns2, func() (err error) { to, err = net.ListenUDP("udp4", receiver); return err })
	if err == nil {
		err = k.Enter(ns1, func() (err error) { from, err = net.DialUDP("udp4", nil, receiver); return err })
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := to.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20) }); err != nil {
		t.Fatal(err)
	}
	return from, to
}

func TestMeasuredDelay(t *testing.T) {
	for _, want := range []state.Qdisc{
		{Delay: 5 * time.Millisecond}, {Delay: 50 * time.Millisecond}, {Delay: 300 * time.Millisecond},
		{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond},
	} {
		want.Kind, want.Limit = state.Netem, 100_000
		t.Run(want.String(), func(t *testing.T) {
			var delays []time.Duration
			for _, a := range send(t, want, 200, 100, 5*time.Millisecond) {
				delays = append(delays, a.received-a.sent)
			}
			if len(delays) != 200 {
				t.Fatalf("%d of 200 packets arrived", len(delays))
			}
			slices.Sort(delays)
			tolerance := max(3*time.Millisecond, want.Delay/5)
			least, median, most := delays[0], delays[len(delays)/2], delays[len(delays)-1]
			t.Logf("delay %v ± %v: median %v, from %v to %v", want.Delay, want.Jitter, median, least, most)
			if (median - want.Delay).Abs() > tolerance {
				t.Errorf("the median is %v, want %v ± %v", median, want.Delay, tolerance)
			}
			if least < want.Delay-want.Jitter-tolerance || most > want.Delay+want.Jitter+tolerance {
				t.Errorf("from %v to %v, want %v ± %v", least, most, want.Delay, want.Jitter+tolerance)
			}
			if want.Jitter > 0 && most-least < want.Jitter {
				t.Errorf("from %v to %v: that is no jitter of %v", least, most, want.Jitter)
			}
		})
	}
}

func TestMeasuredRate(t *testing.T) {
	const count, size = 400, 1242
	for _, want := range []state.Qdisc{
		{Kind: state.Netem, Limit: 1000, Rate: 1_000_000 / 8},
		{Kind: state.Netem, Limit: 1000, Rate: 10_000_000 / 8},
		{Kind: state.TBF, Limit: 1 << 20, Rate: 10_000_000 / 8, Burst: 62_500},
	} {
		t.Run(want.String(), func(t *testing.T) {
			list := send(t, want, count, size, 0)
			if len(list) < count/2 {
				t.Fatalf("%d of %d packets arrived", len(list), count)
			}
			// The first ones of a token bucket come at once.
			list = list[len(list)/4:]
			took := list[len(list)-1].received - list[0].received
			rate := float64((len(list)-1)*size) / took.Seconds()
			t.Logf("rate %d bit/s: %.0f bit/s", want.Rate*8, rate*8)
			if math.Abs(rate/float64(want.Rate)-1) > .1 {
				t.Errorf("%.0f bit/s, want %d ± 10 %%", rate*8, want.Rate*8)
			}
		})
	}
}

// packets is how many packets a share is measured with.
const packets = 5000

func TestMeasuredShares(t *testing.T) {
	lost := func(list []arrival) int { return packets - len(distinct(list)) }
	for _, c := range []struct {
		want  state.Qdisc
		share state.Probability
		count func([]arrival) int
	}{
		{state.Qdisc{Loss: portion(.01)}, portion(.01), lost},
		{state.Qdisc{Loss: portion(.1)}, portion(.1), lost},
		{state.Qdisc{Loss: portion(.5)}, portion(.5), lost},
		{state.Qdisc{Corrupt: portion(.1)}, portion(.1), lost}, // a checksum tells
		{state.Qdisc{Duplicate: portion(.1)}, portion(.1), func(list []arrival) int { return len(list) - len(distinct(list)) }},
		{state.Qdisc{Delay: 20 * time.Millisecond, Reorder: portion(.1)}, portion(.1), overtakers},
	} {
		c.want.Kind, c.want.Limit = state.Netem, 100_000
		t.Run(c.want.String(), func(t *testing.T) {
			// An honest kernel is out of bounds once in a thousand times, and twice in a million.
			for range 2 {
				if counted(t, c.want, float64(c.share)/math.MaxUint32, c.count) {
					return
				}
			}
			t.Error("out of bounds twice")
		})
	}
}

// counted reports whether a count is within the bounds in which 99.9 % of all counts are.
func counted(t *testing.T, q state.Qdisc, share float64, count func([]arrival) int) bool {
	t.Helper()
	got := count(send(t, q, packets, 1000, 200*time.Microsecond))
	const deviations = 3.29
	expected, bound := packets*share, deviations*math.Sqrt(packets*share*(1-share))
	t.Logf("%d of %d, expected %.0f ± %.0f", got, packets, expected, bound)
	return math.Abs(float64(got)-expected) <= bound
}

func distinct(list []arrival) map[uint32]bool {
	numbers := map[uint32]bool{}
	for _, a := range list {
		numbers[a.number] = true
	}
	return numbers
}

// overtakers counts the packets that came before one sent earlier.
func overtakers(list []arrival) (count int) {
	last := uint32(math.MaxUint32)
	for _, a := range slices.Backward(list) {
		if a.number > last {
			count++
		}
		last = min(last, a.number)
	}
	return count
}
