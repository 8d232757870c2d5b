// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var errNoNamespace = errors.New("no such namespace")

// A request without a reply is lost; one that could not be sent is none.
func TestMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(0), lost, refusedWith(syscall.ENOMEM), replyIn(0), lost)
		spec := Spec{From: "ns1", To: ns2, Timeout: time.Second}
		if lost, sent := Measure(t.Context(), n.dial, spec, 10, 50*time.Millisecond); lost != 7 || sent != 9 {
			t.Errorf("%d of %d lost, want 7 of 9", lost, sent)
		}
		if want := 10 * 50 * time.Millisecond; n.attempts()[9] != want-50*time.Millisecond {
			t.Errorf("sent at %v", n.attempts())
		}
	})
}

// A verdict keeps the share of lost requests that it was reached with, and later requests do not change it.
func TestAVerdictHasTheShareOfLostRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prober := New(newNetwork(replyIn(0), replyIn(0), lost).dial, func(string, []Result) {})
		defer prober.Close()
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		for _, c := range []struct {
			after      time.Duration
			verdict    Verdict
			lost, sent int
		}{{time.Second, Pass, 0, 1}, {time.Minute, Fail, 3, 5}, {time.Hour, Fail, 3, 5}} {
			time.Sleep(c.after)
			if r := prober.Results("lab")[0]; r.Verdict != c.verdict || r.Lost != c.lost || r.Sent != c.sent {
				t.Errorf("after %v: %s with %d of %d lost, want %s with %d of %d", c.after, r.Verdict, r.Lost, r.Sent, c.verdict, c.lost, c.sent)
			}
		}
	})
}

// Retry starts only failing probes again.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost, lost, lost, replyIn(0))
		prober := New(n.dial, func(string, []Result) {})
		defer prober.Close()
		prober.Run("lab", []Spec{p1(Reachable)}, 1)
		time.Sleep(3500 * time.Millisecond)
		for _, want := range []struct {
			before, after Verdict
			asked         int
		}{{Fail, Pass, 4}, {Pass, Pass, 4}} {
			if got := prober.Results("lab")[0].Verdict; got != want.before {
				t.Errorf("it is %s, want %s", got, want.before)
			}
			prober.Retry("lab")
			synctest.Wait()
			time.Sleep(100 * time.Millisecond)
			if got := prober.Results("lab")[0].Verdict; got != want.after || n.asked(ns2) != want.asked {
				t.Errorf("it is %s after %d requests, want %s after %d", got, n.asked(ns2), want.after, want.asked)
			}
		}
	})
}

func TestOutcomes(t *testing.T) {
	full, free := Saturated(func(Family) bool { return true }), Saturated(func(Family) bool { return false })
	tests := []struct {
		name  string
		event event
		to    netip.Addr
		hook  Hook
		want  Outcome
		judge Verdict // on a probe that expects Unreachable
	}{
		{"reply", replyIn(0), ns2, free, Reply, Fail},
		{"reply over IPv6", replyIn(0), six, free, Reply, Fail},
		{"silence", lost, ns2, free, NoReply, Pass},
		{"no reply with a full neighbour table", lost, ns2, full, NoBuffer, Unknown},
		{"no route", refusedWith(syscall.ENETUNREACH), ns2, free, NoRoute, Pass},
		{"unreachable route", refusedWith(syscall.EHOSTUNREACH), ns2, free, HostUnreachable, Pass},
		{"prohibit route", refusedWith(syscall.EACCES), ns2, free, Refused, Pass},
		{"packet filter", refusedWith(syscall.EPERM), ns2, free, Refused, Pass},
		{"blackhole route", refusedWith(syscall.EINVAL), ns2, free, Blackhole, Pass},
		{"blackhole route over IPv6", refusedWith(syscall.EINVAL), six, free, Blackhole, Pass},
		{"IPv6 neighbour table full", refusedWith(syscall.EINVAL), six, full, NoBuffer, Unknown},
		{"blackhole route with a full IPv6 neighbour table", refusedWith(syscall.EINVAL), ns2, full, Blackhole, Pass},
		{"no route with a full neighbour table", refusedWith(syscall.ENETUNREACH), six, full, NoRoute, Pass},
		{"delivered to its own sender", answeredBySelf, ns2, free, DeliveredLocally, Fail},
		{"delivered to its own sender over IPv6", answeredBySelf, six, free, DeliveredLocally, Fail},
		{"too big", refusedWith(syscall.EMSGSIZE), ns2, free, TooBig, Pass},
		{"dropped by the sender's own interface", refusedWith(syscall.ENOBUFS), six, free, NoReply, Pass},
		{"dropped by the sender's own interface with a full neighbour table", refusedWith(syscall.ENOBUFS), six, full, NoBuffer, Unknown},
		{"an error on reading, perhaps about another's packet", brokenBy(syscall.EHOSTUNREACH), ns2, free, SocketError, Unknown},
		{"another error", refusedWith(syscall.EIO), ns2, free, SocketError, Unknown},
		{"an error that is none of the kernel's", refusedWith(errNoNamespace), ns2, free, SocketError, Unknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spec := p1(Unreachable)
				spec.To = test.to
				got := Once(t.Context(), newNetwork(test.event).dial, spec, test.hook)
				if got.Outcome != test.want || got.Verdict != test.judge {
					t.Errorf("got %s %s, want %s %s", got.Verdict, got.Outcome, test.judge, test.want)
				}
				if (got.Err == "") != (got.Outcome == Reply) {
					t.Errorf("error %q with outcome %s", got.Err, got.Outcome)
				}
			})
		})
	}
}

func TestErrorsNameTheQuestion(t *testing.T) {
	noSocket := newNetwork(lost)
	noSocket.dialFail = errNoNamespace
	tests := []struct {
		network *network
		want    string
	}{
		{noSocket, "open IPv4 probe socket in ns1: no such namespace"},
		{newNetwork(lost), "ping 198.51.100.1 from ns1: no reply within 1s"},
		{newNetwork(answeredBySelf), "ping 198.51.100.1 from ns1: the request is delivered to its own sender"},
		{newNetwork(refusedWith(syscall.ENETUNREACH)), "ping 198.51.100.1 from ns1: send echo request: sendto: network is unreachable"},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			if got := Once(t.Context(), test.network.dial, p1(Reachable)); got.Err != test.want {
				t.Errorf("got  %s\nwant %s", got.Err, test.want)
			}
		})
	}
}

func TestWithoutASocketNothingIsProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost)
		n.dialFail = syscall.EACCES // would be Refused if it came from sending
		began := time.Now()
		got := Once(t.Context(), n.dial, p1(Unreachable))
		if got.Verdict != Unknown || got.Outcome != SocketError || len(n.dials) != 3 || time.Since(began) != 2*time.Second {
			t.Errorf("got %s %s after %d tries and %v, want Unknown SocketError after 3 and 2s",
				got.Verdict, got.Outcome, len(n.dials), time.Since(began))
		}
	})
}

func TestOnceEndsWithItsVerdict(t *testing.T) {
	tests := []struct {
		name     string
		script   []event
		want     Verdict
		attempts int
		took     time.Duration
	}{
		{"at the first reply", []event{lost, replyIn(5 * time.Millisecond)}, Pass, 2, 1005 * time.Millisecond},
		{"after threshold times timeout", []event{lost}, Fail, 3, 3 * time.Second},
		{"at once without a route", []event{refusedWith(syscall.ENETUNREACH)}, Fail, 3, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(test.script...)
				got := Once(t.Context(), n.dial, p1(Reachable))
				if took := time.Since(n.began); got.Verdict != test.want || len(n.attempts()) != test.attempts || took != test.took {
					t.Errorf("got %s after %d attempts and %v, want %s after %d and %v",
						got.Verdict, len(n.attempts()), took, test.want, test.attempts, test.took)
				}
				wantNoTrace(t, n)
			})
		})
	}
}

// A busy machine lets a reader run late, here 116 ms: only the arrival of a reply tells whether it came in time.
func TestAReplyAfterTheDeadlineIsNone(t *testing.T) {
	tests := []struct {
		name    string
		arrives time.Duration
		want    Outcome
		rtt     time.Duration
	}{
		{"in time, read after the deadline", 950 * time.Millisecond, Reply, 950 * time.Millisecond},
		{"at the deadline", time.Second, Reply, time.Second},
		{"between the deadline and its reader", 1016 * time.Millisecond, NoReply, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, spec := newNetwork(replyIn(test.arrives)), p1(Reachable)
				n.lateReaders, spec.FailureThreshold = 116*time.Millisecond, 1
				if got := Once(t.Context(), n.dial, spec); got.Outcome != test.want || got.RTT != test.rtt {
					t.Errorf("got %s after %v, want %s after %v", got.Outcome, got.RTT, test.want, test.rtt)
				}
			})
		})
	}
}

// A sender that answers itself proves nothing of the destination, whatever is expected.
func TestASenderThatAnswersItselfNeverPasses(t *testing.T) {
	for _, expect := range []Expectation{Reachable, Unreachable} {
		for _, before := range [][]event{{}, {lost}, {lost, lost}, {refusedWith(syscall.ENOBUFS)}} {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(append(before, answeredBySelf)...)
				if got := Once(t.Context(), n.dial, p1(expect)); got.Verdict != Fail || len(n.attempts()) != len(before)+3 {
					t.Errorf("expecting %s, after %d others: %s in %d attempts, want Fail in three more", expect, len(before), got.Verdict, len(n.attempts()))
				}
			})
		}
	}
}

func TestOnceInterruptedIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		got := Once(ctx, n.dial, p1(Reachable))
		if took := time.Since(n.began); got.Verdict != Unknown || took != 1500*time.Millisecond {
			t.Errorf("got %s after %v, want Unknown after 1.5s", got.Verdict, took)
		}
		if want := "ping 198.51.100.1 from ns1: context deadline exceeded"; got.Err != want {
			t.Errorf("got  %s\nwant %s", got.Err, want)
		}
		wantNoTrace(t, n)
	})
}

// TestInterruptionsAreNotMissed interrupts where setting a deadline is slow enough for the two that are set
// to meet: that of the attempt and that of the interruption.
func TestInterruptionsAreNotMissed(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // the attempt sends after 1 ms and is answered after 6 ms
		took  time.Duration
	}{
		{"before the attempt's own deadline is set", 500 * time.Microsecond, 1500 * time.Microsecond},
		{"while it waits", 2 * time.Millisecond, 3 * time.Millisecond},
		{"just before it is answered", 5500 * time.Microsecond, 6500 * time.Microsecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(replyIn(5 * time.Millisecond))
				n.slowDeadlines = time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), test.after)
				defer cancel()
				got := Once(ctx, n.dial, p1(Reachable))
				if took := time.Since(n.began); got.Verdict != Unknown || took != test.took {
					t.Errorf("got %s after %v, want Unknown after %v", got.Verdict, took, test.took)
				}
				synctest.Wait()
				wantNoTrace(t, n)
			})
		})
	}
}

func TestAnInterruptionSetBeforeTheDeadlineStillCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost)
		ctx, cancel := context.WithCancel(t.Context())
		dial := func(ctx context.Context, from string, options Options) (Conn, error) {
			conn, err := n.dial(ctx, from, options)
			return &lateConn{Conn: conn, cancel: cancel}, err
		}
		Once(ctx, dial, p1(Reachable))
		if took := time.Since(n.began); took != 0 {
			t.Errorf("it took %v to notice", took)
		}
	})
}

// lateConn is interrupted just before the attempt sets its own deadline.
type lateConn struct {
	Conn
	cancel context.CancelFunc
}

func (c *lateConn) SetReadDeadline(t time.Time) error {
	if t != longAgo {
		c.cancel()
		synctest.Wait()
	}
	return c.Conn.SetReadDeadline(t)
}

func TestZeroFieldsAreDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(lost)
		got := Once(t.Context(), n.dial, Spec{To: ns2})
		if took := time.Since(n.began); got.Verdict != Fail || took != DefaultFailureThreshold*DefaultTimeout {
			t.Errorf("got %s after %v, want Fail after %v", got.Verdict, took, DefaultFailureThreshold*DefaultTimeout)
		}
		if got.Spec != (Spec{To: ns2}) {
			t.Errorf("the result is of another question: %+v", got.Spec)
		}
	})
}

func TestAZeroPeriodIsTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(0))
		prober, _ := start(t, n)
		prober.Run("lab", []Spec{{To: ns2}}, 1)
		time.Sleep(10 * DefaultPeriod)
		if got := len(n.attempts()); got != 11 {
			t.Errorf("%d attempts in ten periods, want the first and one in each", got)
		}
	})
}

func TestSocketsAreOpenedAsTheQuestionDemands(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		want Options
	}{
		{"IPv4", Spec{To: ns2}, Options{Family: IPv4}},
		{"IPv4 in IPv6 notation", Spec{To: netip.MustParseAddr("::ffff:198.51.100.1")}, Options{Family: IPv4}},
		{"IPv6 from a source", Spec{To: six, Source: six}, Options{Family: IPv6, Source: six}},
		{"a size forbids fragments", Spec{To: ns2, SizeBytes: 1400}, Options{Family: IPv4, DontFragment: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(replyIn(0))
				Once(t.Context(), n.dial, test.spec)
				if want := []Options{test.want}; !slices.Equal(n.dials, want) {
					t.Errorf("dialled with %+v, want %+v", n.dials, want)
				}
			})
		})
	}
}

func TestSequenceNumbersTellAttemptsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var identifiers, sequence []uint16
		n := newNetwork(func(_ *network, request []byte, _ netip.Addr) error {
			identifiers = append(identifiers, binary.BigEndian.Uint16(request[offsetIdentifier:]))
			sequence = append(sequence, binary.BigEndian.Uint16(request[offsetSequence:]))
			return nil
		})
		Once(t.Context(), n.dial, p1(Reachable))
		if want := []uint16{1, 2, 3}; !slices.Equal(sequence, want) {
			t.Errorf("sequence numbers %v, want %v", sequence, want)
		}
		if len(slices.Compact(identifiers)) != 1 {
			t.Errorf("identifiers %v, want the same in all attempts", identifiers)
		}
	})
}

func TestPing(t *testing.T) {
	noRoute := refusedWith(syscall.ENETUNREACH)
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(5*time.Millisecond), noRoute, lost, replyIn(7*time.Millisecond))
		var lines []string
		each := func(a Attempt) {
			lines = append(lines, fmt.Sprint(time.Since(n.began), " seq ", a.Seq, " ", a.Outcome, " ", a.RTT))
		}
		if err := Ping(t.Context(), n.dial, p1(Reachable), 4, 200*time.Millisecond, each); err != nil {
			t.Fatal(err)
		}
		wantLines(t, lines,
			"5ms seq 1 Reply 5ms",
			"200ms seq 2 NoRoute 0s",
			"1.4s seq 3 NoReply 0s",
			"1.407s seq 4 Reply 7ms")
	})
}

func TestPingWithoutCountGoesOnUntilInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(replyIn(0))
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		answers := 0
		err := Ping(ctx, n.dial, p1(Reachable), 0, time.Second, func(Attempt) { answers++ })
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "ping 198.51.100.1 from ns1: ") {
			t.Errorf("got error %v", err)
		}
		if answers != 10 || n.openSockets() != 0 {
			t.Errorf("%d answers and %d sockets open, want 10 and none", answers, n.openSockets())
		}
	})
}
