// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"
)

// answer is the result of one attempt.
type answer struct {
	outcome Outcome
	rtt     time.Duration // of a reply
	err     error         // of every other outcome
	waited  bool          // until the deadline
}

func (a answer) errText() string {
	if a.err == nil {
		return ""
	}
	return a.err.Error()
}

// pinger makes the attempts of one Spec, one after the other.
type pinger struct {
	dial  Dialer
	spec  Spec
	hooks hooks
	id    uint16
	seq   uint16
}

func newPinger(dial Dialer, spec Spec, hooks hooks) *pinger {
	return &pinger{dial: dial, spec: spec.withDefaults(), hooks: hooks, id: uint16(rand.Uint32())}
}

// attempt sends one request and calls the observer. ok is false if ctx ended first.
func (a *pinger) attempt(ctx context.Context) (_ answer, ok bool) {
	got := a.ping(ctx)
	if ctx.Err() != nil {
		return answer{}, false
	}
	a.hooks.observe(a.spec, got.rtt, got.outcome)
	return got, true
}

func (a *pinger) ping(ctx context.Context) answer {
	conn, err := a.dial(ctx, a.spec.From, a.socketOptions())
	if err != nil {
		return answer{outcome: SocketError, err: fmt.Errorf("open %s probe socket in %s: %w", a.spec.Family(), a.spec.From, err)}
	}
	release := closeWith(ctx, conn)
	defer release()
	return a.exchange(ctx, conn)
}

func (a *pinger) socketOptions() Options {
	return Options{Family: a.spec.Family(), DontFragment: a.spec.SizeBytes > 0, Source: a.spec.Source}
}

func (a *pinger) exchange(ctx context.Context, conn Conn) answer {
	a.seq++
	request := newEcho(a.spec.To, a.spec.Family(), a.id, a.seq, a.spec.SizeBytes)
	sent := time.Now()
	if err := conn.SetReadDeadline(sent.Add(a.spec.Timeout)); err != nil {
		return a.failed("set the deadline of", SocketError, err)
	}
	if err := ctx.Err(); err != nil {
		return a.failed("send", SocketError, err)
	}
	if err := conn.WriteTo(request.message, a.spec.To); err != nil && !isDropped(err) {
		return a.failed("send", a.outcomeOf(err), err)
	}
	return a.await(conn, request, sent)
}

// isDropped reports whether the sender's own interface has dropped the request: the other end of its link has a
// smaller MTU, or a queue is full. The kernel returns ENOBUFS for IPv6 and no error for IPv4, so such a request
// is like any other without a reply.
func isDropped(err error) bool { return errors.Is(err, syscall.ENOBUFS) }

// await reads until the reply arrives or the deadline of conn has passed. A request that is delivered to its own
// sender is read before the reply to it: the kernel passes a packet to raw sockets before it handles it.
func (a *pinger) await(conn Conn, request echo, sent time.Time) answer {
	buf := request.replyBuffer()
	for {
		n, src, arrived, err := conn.ReadFrom(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return a.silence()
		case err != nil:
			return a.failed("receive the reply to", SocketError, err)
		case request.isIn(buf[:n]):
			return a.deliveredLocally()
		case request.answeredBy(buf[:n], src):
			return a.replied(arrived.Sub(sent))
		}
	}
}

// replied judges by the time of arrival: on a busy machine the reader runs late, and by then a reply may have
// arrived after the deadline.
func (a *pinger) replied(rtt time.Duration) answer {
	if rtt > a.spec.Timeout {
		return a.silence()
	}
	return answer{outcome: Reply, rtt: max(rtt, 0)}
}

func (a *pinger) deliveredLocally() answer {
	return answer{
		outcome: DeliveredLocally,
		err:     fmt.Errorf("ping %s from %s: the request is delivered to its own sender", a.spec.To, a.spec.From),
	}
}

// silence is no proof while the neighbour table is full.
func (a *pinger) silence() answer {
	err := fmt.Errorf("ping %s from %s: no reply within %s", a.spec.To, a.spec.From, a.spec.Timeout)
	if !a.hooks.saturated(a.spec.Family()) {
		return answer{outcome: NoReply, err: err, waited: true}
	}
	return answer{outcome: NoBuffer, err: fmt.Errorf("%w; the machine's %s neighbour table is full", err, a.spec.Family()), waited: true}
}

func (a *pinger) failed(doing string, outcome Outcome, err error) answer {
	return answer{outcome: outcome, err: fmt.Errorf("ping %s from %s: %s echo request: %w", a.spec.To, a.spec.From, doing, err)}
}

var outcomeOfErrno = map[syscall.Errno]Outcome{
	syscall.ENETUNREACH:  NoRoute,
	syscall.EHOSTUNREACH: HostUnreachable,
	syscall.EACCES:       Refused,
	syscall.EPERM:        Refused,
	syscall.EINVAL:       Blackhole,
	syscall.EMSGSIZE:     TooBig,
}

func (a *pinger) outcomeOf(err error) Outcome {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return SocketError
	}
	if a.neighbourTableFull(errno) {
		return NoBuffer
	}
	if outcome, known := outcomeOfErrno[errno]; known {
		return outcome
	}
	return SocketError
}

// neighbourTableFull distinguishes the two meanings of EINVAL: Linux also returns it for an IPv6 send if
// there is no room for another neighbour.
func (a *pinger) neighbourTableFull(errno syscall.Errno) bool {
	return errno == syscall.EINVAL && a.spec.Family() == IPv6 && a.hooks.saturated(IPv6)
}
