// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Attempt is one echo request of Ping and its outcome.
type Attempt struct {
	Seq     int // from 1
	Outcome Outcome
	RTT     time.Duration // 0 unless there was a reply
	Err     string        // empty if there was one
}

// Once pings until there is a verdict and returns it: after the first reply, or after FailureThreshold
// attempts without one. The verdict is Unknown if sending is impossible or ctx ends first; Err has the
// reason.
func Once(ctx context.Context, dial Dialer, spec Spec, hooks ...Hook) Result {
	pinger, judge := newPinger(dial, spec, collect(hooks)), newJudge(spec)
	result := Result{Spec: spec}
	for {
		got, ok := pinger.attempt(ctx)
		if !ok {
			result.Err = fmt.Sprintf("ping %s from %s: %v", spec.To, spec.From, context.Cause(ctx))
			return result
		}
		result.Verdict = judge.weigh(got.outcome)
		result.Outcome, result.RTT, result.Err = got.outcome, got.rtt, got.errText()
		if judge.settled() {
			return result
		}
		sleep(ctx, pauseUnsettled(pinger.spec, got))
	}
}

// Measure sends count requests, one after each interval, and returns how many of those that were sent got no reply.
func Measure(ctx context.Context, dial Dialer, spec Spec, count int, interval time.Duration) (lost, sent int) {
	outcomes := make([]Outcome, count)
	var waiting sync.WaitGroup
	for i := range outcomes {
		waiting.Go(func() {
			if sleep(ctx, time.Duration(i)*interval) {
				outcomes[i] = newPinger(dial, spec, collect(nil)).ping(ctx).outcome
			}
		})
	}
	waiting.Wait()
	for _, o := range outcomes {
		if o.Conclusive() {
			sent++
		}
		if o.Conclusive() && o != Reply {
			lost++
		}
	}
	return lost, sent
}

// Ping sends count requests, or any number if count is 0 or less, and passes each result to the caller. A
// request follows the previous one after interval, or after its reply if that takes longer. The error is that
// of ctx; an error of an attempt is in its Attempt.
func Ping(ctx context.Context, dial Dialer, spec Spec, count int, interval time.Duration, each func(Attempt), hooks ...Hook) error {
	pinger := newPinger(dial, spec, collect(hooks))
	for seq := 1; ; seq++ {
		asked := time.Now()
		got, ok := pinger.attempt(ctx)
		if !ok {
			return fmt.Errorf("ping %s from %s: %w", spec.To, spec.From, context.Cause(ctx))
		}
		each(Attempt{Seq: seq, Outcome: got.outcome, RTT: got.rtt, Err: got.errText()})
		if seq == count {
			return nil
		}
		sleep(ctx, interval-time.Since(asked))
	}
}
