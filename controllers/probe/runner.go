package probe

import (
	"context"
	"hash/fnv"
	"time"
)

// runner keeps one Spec verified until its context is done.
type runner struct {
	asker    *asker
	judge    judge
	schedule schedule
	record   func(Verdict, answer)
}

func (r *runner) run(ctx context.Context) {
	for {
		got, ok := r.asker.attempt(ctx)
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
	return pauseUnsettled(r.asker.spec, last)
}

// pauseUnsettled makes an attempt that could not ask take as long as one without a reply; all others are
// followed by the next at once.
func pauseUnsettled(s Spec, last answer) time.Duration {
	if last.outcome.Conclusive() || last.waited {
		return 0
	}
	return s.Timeout
}

// sleep reports whether d went by before ctx was done.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// schedule is a beat: first, and then every period.
type schedule struct {
	first  time.Time
	period time.Duration
}

// newSchedule starts the beat within one period of start, at a phase made of what tells probes apart.
func newSchedule(start time.Time, key string, s Spec) schedule {
	h := fnv.New64a()
	for _, part := range []string{key, s.Name, s.To.String()} {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	period := s.withDefaults().Period
	phase := time.Duration(h.Sum64() % uint64(period))
	return schedule{first: start.Add(phase), period: period}
}

// untilNext is never 0: a beat that is due now has been used.
func (s schedule) untilNext(now time.Time) time.Duration {
	if wait := s.first.Sub(now); wait > 0 {
		return wait
	}
	return s.period - now.Sub(s.first)%s.period
}
