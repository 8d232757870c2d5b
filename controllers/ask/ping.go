// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"net/netip"
	"time"

	"github.com/netlab-dev/netlab/controllers/probe"
)

// PingOptions are how a Ping has to be.
type PingOptions struct {
	// Count is how often to ask; 0 is until the context is done.
	Count int
	// Interval is the time between two questions; the next one waits for the answer, too.
	Interval time.Duration
}

// Attempt is one question of a Ping with its answer.
type Attempt struct {
	// Seq counts from 1.
	Seq int        `json:"seq"`
	To  netip.Addr `json:"to"`
	// Outcome is Reply, or says what came instead: see the outcomes of package probe.
	Outcome string `json:"outcome"`
	// RTTMicroseconds is the round-trip time of a reply.
	RTTMicroseconds int64 `json:"rttMicroseconds,omitempty"`
	// Error says why there is no reply.
	Error string `json:"error,omitempty"`
}

// Replied reports whether there was a reply.
func (a Attempt) Replied() bool { return a.Outcome == probe.Reply.String() }

// RTT is the round-trip time of a reply.
func (a Attempt) RTT() time.Duration { return time.Duration(a.RTTMicroseconds) * time.Microsecond }

// Ping asks along a path, in the first family both ends have, and hands over every answer. The
// error is the context's, or says that nothing could be asked; that there was no reply is in the
// attempts.
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
