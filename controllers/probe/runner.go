package probe

import (
	"context"
	"hash/fnv"
	"time"
)

// runner runs one Spec until its context ends.
type runner struct {
	pinger   *pinger
	judge    judge
	schedule schedule
	record   func(Verdict, answer)
}

func (r *runner) run(ctx context.Context) {
	for {
		got, ok := r.pinger.attempt(ctx)
		if !ok {
			return
		}
		r.record(r.judge.weigh(got.outcome), got)
		if !sleep(ctx, r.pause(got)) {
			return
		}
	}
}

func (r *runner) pause(last answer) time.Duration {
	if r.judge.settled() {
		return r.schedule.untilNext(time.Now())
	}
	return pauseUnsettled(r.pinger.spec, last)
}

// pauseUnsettled makes an attempt that could not send take as long as one without a reply. After all others,
// the next attempt follows at once.
func pauseUnsettled(s Spec, last answer) time.Duration {
	if last.outcome.Conclusive() || last.waited {
		return 0
	}
	return s.Timeout
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
