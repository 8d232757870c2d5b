package probe

import (
	"context"
	"fmt"
	"time"
)

// Attempt is one echo request of Ping, and what came of it.
type Attempt struct {
	Seq     int // from 1
	Outcome Outcome
	RTT     time.Duration // 0 unless there was a reply
	Err     string        // empty if there was one
}

// Once asks until there is a verdict and returns it: after the first reply, or after FailureThreshold
// attempts without one. If asking is not possible the verdict is Unknown, and so it is when ctx is done
// before; Err says why.
func Once(ctx context.Context, dial Dialer, spec Spec, hooks ...Hook) Result {
	asker, judge := newAsker(dial, spec, collect(hooks)), newJudge(spec)
	result := Result{Spec: spec}
	for {
		got, ok := asker.attempt(ctx)
		if !ok {
			result.Err = fmt.Sprintf("ping %s from %s: %v", spec.To, spec.From, context.Cause(ctx))
			return result
		}
		result.Verdict = judge.weigh(got.outcome)
		result.Outcome, result.RTT, result.Err = got.outcome, got.rtt, got.errText()
		if judge.settled() {
			return result
		}
		sleep(ctx, pauseUnsettled(asker.spec, got))
	}
}

// Ping asks count times, or without end if count is 0 or less, and hands each answer to the caller. A
// question follows the one before after interval, or after its answer if that takes longer. The error is
// that of ctx; what goes wrong with an attempt is in its Attempt.
func Ping(ctx context.Context, dial Dialer, spec Spec, count int, interval time.Duration, each func(Attempt), hooks ...Hook) error {
	asker := newAsker(dial, spec, collect(hooks))
	for seq := 1; ; seq++ {
		asked := time.Now()
		got, ok := asker.attempt(ctx)
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
