// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	ns1 = netip.MustParseAddr("192.0.2.1")
	ns2 = netip.MustParseAddr("198.51.100.1")
	six = netip.MustParseAddr("2001:db8::2")
)

// event is what the network does with one echo request.
type event func(n *network, request []byte, dst netip.Addr) error

// lost is a request without a reply.
func lost(*network, []byte, netip.Addr) error { return nil }

// replyIn is an honest reply after a while.
func replyIn(d time.Duration) event {
	return func(n *network, request []byte, dst netip.Addr) error {
		n.deliver(d, replyTo(request), dst)
		return nil
	}
}

// answeredBySelf is a request that is delivered to its own sender, which replies.
func answeredBySelf(n *network, request []byte, dst netip.Addr) error {
	n.deliver(0, request, ns1)
	n.deliver(time.Millisecond, replyTo(request), dst)
	return nil
}

// brokenBy is an error of the kernel on reading.
func brokenBy(err error) event {
	return func(n *network, _ []byte, _ netip.Addr) error {
		n.broadcast(packet{err: os.NewSyscallError("recvfrom", err)})
		return nil
	}
}

// refusedWith is an error of the kernel on sending.
func refusedWith(err error) event {
	return func(*network, []byte, netip.Addr) error { return os.NewSyscallError("sendto", err) }
}

// network is a Dialer to a place where every socket hears every ICMP message, as raw sockets do. It goes
// through its script with one event per request, and stays at the last one.
type network struct {
	script   []event
	dialFail error

	slowDeadlines time.Duration // what it takes to set one
	lateReaders   time.Duration // how long a reader waits for a processor once there is something to read

	mu      sync.Mutex
	open    map[*fakeConn]bool
	dials   []Options
	sent    []time.Duration // since began, every request
	targets []netip.Addr
	misused []string // sockets used after they were closed
	began   time.Time
}

func newNetwork(script ...event) *network {
	return &network{script: script, open: make(map[*fakeConn]bool), began: time.Now()}
}

func (n *network) dial(_ context.Context, _ string, options Options) (Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials = append(n.dials, options)
	if n.dialFail != nil {
		return nil, n.dialFail
	}
	c := &fakeConn{network: n, inbox: make(chan packet, 64), moved: make(chan struct{}, 1)}
	n.open[c] = true
	return c, nil
}

func (n *network) next(dst netip.Addr) event {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent = append(n.sent, time.Since(n.began))
	n.targets = append(n.targets, dst)
	return n.script[min(len(n.sent), len(n.script))-1]
}

// deliver passes a message to all open sockets.
func (n *network) deliver(after time.Duration, message []byte, src netip.Addr) {
	time.AfterFunc(after, func() { n.broadcast(packet{message: message, src: src, arrived: time.Now()}) })
}

func (n *network) broadcast(p packet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		c.inbox <- p
	}
}

func (n *network) openSockets() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.open)
}

func (n *network) attempts() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.sent)
}

// asked is how often dst was asked.
func (n *network) asked(dst netip.Addr) (times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, target := range n.targets {
		if target == dst {
			times++
		}
	}
	return times
}

type packet struct {
	message []byte
	src     netip.Addr
	arrived time.Time
	err     error
}

type fakeConn struct {
	network *network
	inbox   chan packet
	moved   chan struct{}

	mu       sync.Mutex
	deadline time.Time
}

func (c *fakeConn) WriteTo(icmp []byte, dst netip.Addr) error {
	return c.network.next(dst)(c.network, bytes.Clone(icmp), dst)
}

func (c *fakeConn) ReadFrom(buf []byte) (int, netip.Addr, time.Time, error) {
	for {
		timer := time.NewTimer(c.untilDeadline())
		select {
		case p := <-c.inbox:
			time.Sleep(c.network.lateReaders)
			return copy(buf, p.message), p.src, p.arrived, p.err
		case <-timer.C:
			time.Sleep(c.network.lateReaders)
			return c.lastRead(buf)
		case <-c.moved:
		}
	}
}

// lastRead is a read after the deadline.
func (c *fakeConn) lastRead(buf []byte) (int, netip.Addr, time.Time, error) {
	select {
	case p := <-c.inbox:
		return copy(buf, p.message), p.src, p.arrived, p.err
	default:
		return 0, netip.Addr{}, time.Time{}, os.ErrDeadlineExceeded
	}
}

func (c *fakeConn) untilDeadline() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.deadline)
}

func (c *fakeConn) SetReadDeadline(t time.Time) error {
	time.Sleep(c.network.slowDeadlines)
	c.network.mustBeOpen(c, "SetReadDeadline")
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	select {
	case c.moved <- struct{}{}:
	default:
	}
	return nil
}

func (c *fakeConn) Close() error {
	c.network.mustBeOpen(c, "Close")
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	delete(c.network.open, c)
	return nil
}

func (n *network) mustBeOpen(c *fakeConn, use string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.open[c] {
		n.misused = append(n.misused, use)
	}
}

// replyTo is what an honest host makes of a request.
func replyTo(request []byte) []byte {
	reply := bytes.Clone(request)
	if reply[offsetType] == echoTypesOf[IPv6].request {
		reply[offsetType] = echoTypesOf[IPv6].reply
		return reply
	}
	reply[offsetType] = echoTypesOf[IPv4].reply
	return sealed(reply)
}

// sealed gives a message the checksum it needs.
func sealed(message []byte) []byte {
	message[offsetChecksum], message[offsetChecksum+1] = 0, 0
	sum := checksum(message)
	message[offsetChecksum], message[offsetChecksum+1] = byte(sum>>8), byte(sum)
	return message
}

// journal writes down what a Prober reports: one line per instant, with what was last true at it.
type journal struct {
	mu    sync.Mutex
	began time.Time
	lines []string
	last  time.Duration
}

func newJournal() *journal { return &journal{began: time.Now()} }

func (j *journal) report(_ string, results []Result) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := time.Since(j.began)
	if len(j.lines) > 0 && at == j.last {
		j.lines = j.lines[:len(j.lines)-1]
	}
	j.last = at
	j.lines = append(j.lines, fmt.Sprintf("%v %s", at, told(results)))
}

// restartAt forgets what happened before then, and counts from there.
func (j *journal) restartAt(t *testing.T, then time.Time) {
	t.Helper()
	time.Sleep(time.Until(then) - time.Nanosecond)
	synctest.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.began, j.lines = then, nil
}

func (j *journal) read() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// told is a report in a form that is easy to read: "p1 Pass Reply, p2 Unknown NotAsked".
func told(results []Result) string {
	var parts []string
	for _, r := range results {
		part := fmt.Sprintf("%s %s %s", r.Spec.Name, r.Verdict, r.Outcome)
		if r.Overdue {
			part += " overdue"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// wantNoTrace is what has to be true of a network after everything has been stopped.
func wantNoTrace(t *testing.T, n *network) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.open) != 0 || len(n.misused) != 0 {
		t.Errorf("%d sockets are open, and after Close there was a %q", len(n.open), n.misused)
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// p1 pings ns2 from ns1 every 10 s, waits 1 s, and counts three attempts without a reply as proof.
func p1(expect Expectation) Spec {
	return Spec{Name: "p1", From: "ns1", To: ns2, Expect: expect, Period: 10 * time.Second, Timeout: time.Second, FailureThreshold: 3}
}
