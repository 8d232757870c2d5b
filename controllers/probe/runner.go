// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"hash/fnv"
	"sync"
	"time"
)

// runner runs one Spec until its context ends.
type runner struct {
	dial     Dialer
	hooks    hooks
	pinger   *pinger
	judge    judge
	schedule schedule
	record   func(Verdict, answer)
	overdue  func()
	replies  replies
	// late: the reply that the attempts under way wait for is overdue.
	late bool
	// woken has a token when something may have changed on the path.
	woken chan struct{}
	// wokenAt is when the attempts for the last token began.
	wokenAt time.Time
}

func (r *runner) run(ctx context.Context) {
	for {
		got, ok := r.pinger.attempt(ctx)
		if !ok {
			return
		}
		r.weigh(got)
		if r.judge.doubtful() && !r.ask(ctx, 0) || !r.wait(ctx, got) {
			return
		}
	}
}

func (r *runner) weigh(got answer) {
	r.replies.note(got, r.judge.doubtful() || r.late)
	r.late = false
	r.record(r.judge.weigh(got.outcome), got)
}

// wait returns when the next attempt is due. A settled probe that is woken makes at once all attempts that a
// verdict takes, but begins at most once per timeout.
func (r *runner) wait(ctx context.Context, last answer) bool {
	if !r.judge.settled() {
		return sleep(ctx, pauseUnsettled(r.pinger.spec, last))
	}
	for {
		woken, ok := sleepUnless(ctx, r.schedule.untilNext(time.Now()), r.woken)
		if !ok || !woken {
			return ok
		}
		if !sleep(ctx, r.pinger.spec.Timeout-time.Since(r.wokenAt)) {
			return false
		}
		if r.wokenAt = time.Now(); !r.ask(ctx, r.usual()) {
			return false
		}
	}
}

// usual is the time in which the reply comes, if it always has; 0 if that is not known.
func (r *runner) usual() time.Duration {
	if !r.judge.reaches() {
		return 0
	}
	return r.replies.usual(r.pinger.spec.Timeout)
}

// ask makes the attempts that are missing for the verdict that there is no reply. Each begins half a timeout
// after the one before it, or at once after an error of the kernel; none begins after a reply. Without a reply after the
// usual time, if that is not 0, the probe is overdue. It reports whether ctx lasts.
func (r *runner) ask(ctx context.Context, usual time.Duration) bool {
	asking, stop := context.WithCancel(ctx)
	var attempts sync.WaitGroup
	defer attempts.Wait()
	defer stop()
	missing := r.judge.missing()
	answers := make(chan answer, missing)
	timer := time.NewTimer(0)
	defer timer.Stop()
	late := after(usual)
	defer late.Stop()
	for begun, ended := 0, 0; ended < missing; {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			if begun++; begun < missing {
				timer.Reset(r.pinger.spec.Timeout / 2)
			}
			attempts.Go(func() { r.attempt(asking, answers) })
		case <-late.C:
			r.late = true
			r.overdue()
		case got := <-answers:
			ended++
			r.weigh(got)
			if got.outcome == Reply || !got.outcome.Conclusive() {
				return true
			}
			if begun < missing && !got.waited {
				timer.Reset(0)
			}
		}
	}
	return true
}

// attempt makes one of several attempts at the same time.
func (r *runner) attempt(ctx context.Context, answers chan<- answer) {
	if got, ok := newPinger(r.dial, r.pinger.spec, r.hooks).attempt(ctx); ok {
		answers <- got
	}
}

// pauseUnsettled makes an attempt that could not send take as long as one without a reply. After all others,
// the next attempt follows at once.
func pauseUnsettled(s Spec, last answer) time.Duration {
	if last.outcome.Conclusive() || last.waited {
		return 0
	}
	return s.Timeout
}

// after is a timer that does not fire if d is 0.
func after(d time.Duration) *time.Timer {
	timer := time.NewTimer(d)
	if d == 0 {
		timer.Stop()
	}
	return timer
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// sleepUnless is sleep, unless c has a token first.
func sleepUnless(ctx context.Context, d time.Duration, c <-chan struct{}) (token, ok bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-c:
		token = true
	}
	return token, ctx.Err() == nil
}

// schedule is periodic: first, and then every period.
type schedule struct {
	first  time.Time
	period time.Duration
}

// newSchedule starts within one period of start, at a phase derived from what distinguishes probes.
func newSchedule(start time.Time, key string, s Spec) schedule {
	h := fnv.New64a()
	for _, part := range []string{key, s.Name, s.To.String()} {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	period := s.withDefaults().Period
	phase := time.Duration(h.Sum64() % uint64(period))
	return schedule{first: start.Add(phase), period: period}
}

// untilNext is never 0: the attempt that is due now has been made.
func (s schedule) untilNext(now time.Time) time.Duration {
	if wait := s.first.Sub(now); wait > 0 {
		return wait
	}
	return s.period - now.Sub(s.first)%s.period
}
