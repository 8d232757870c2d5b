// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"net/netip"
	"time"

	"github.com/netlab-dev/netlab/controllers/probe"
)

// PingOptions set number and pace of a Ping's requests.
type PingOptions struct {
	// Count is the number of requests; 0 means until the context ends.
	Count int
	// Interval is the time between two requests. A request also waits for the previous reply.
	Interval time.Duration
}

// Attempt is one request of a Ping and its outcome.
type Attempt struct {
	// Seq counts from 1.
	Seq int        `json:"seq"`
	To  netip.Addr `json:"to"`
	// Outcome is Reply or another outcome of package probe.
	Outcome string `json:"outcome"`
	// RTTMicroseconds is the round-trip time of a reply.
	RTTMicroseconds int64 `json:"rttMicroseconds,omitempty"`
	// Error tells why there is no reply.
	Error string `json:"error,omitempty"`
}

// Replied reports whether there was a reply.
func (a Attempt) Replied() bool { return a.Outcome == probe.Reply.String() }

// RTT is the round-trip time of a reply.
func (a Attempt) RTT() time.Duration { return time.Duration(a.RTTMicroseconds) * time.Microsecond }

// Ping pings along a path, in the first family that both ends have, and passes every attempt to each. The
// error is the context's, or that no request was possible. A missing reply is not an error.
func (l *Lab) Ping(ctx context.Context, path Path, o PingOptions, each func(Attempt)) error {
	probes, err := l.questions(path)
	if err != nil {
		return err
	}
	q := Spec(l.Lab, probes[0])
	hand := func(a probe.Attempt) {
		each(Attempt{Seq: a.Seq, To: q.To, Outcome: a.Outcome.String(), RTTMicroseconds: a.RTT.Microseconds(), Error: a.Err})
	}
	return probe.Ping(ctx, l.machine.Dial, q, o.Count, o.Interval, hand, probe.Saturated(NeighbourTableFull(l.machine.Kernel)))
}
