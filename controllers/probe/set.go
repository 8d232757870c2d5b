// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"slices"
	"sync"
	"time"
)

// set is the probes of one lab and their results.
type set struct {
	key   string
	dial  Dialer
	hooks hooks

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	changed chan struct{} // holds one token while results wait to be reported

	mu         sync.Mutex
	generation int64
	specs      []Spec
	entries    map[Spec]*entry
}

// entry is one probe of a set. The set's mutex guards its result.
type entry struct {
	result Result
	cancel context.CancelFunc
	woken  chan struct{}
	// lost of sent requests got no reply. Every maxSent requests both are halved.
	lost, sent int
}

func newSet(key string, dial Dialer, hooks hooks) *set {
	ctx, cancel := context.WithCancel(context.Background())
	return &set{
		key: key, dial: dial, hooks: hooks,
		ctx: ctx, cancel: cancel,
		changed: make(chan struct{}, 1),
	}
}

// stop waits for the goroutines of the set, and so for its sockets.
func (s *set) stop() {
	s.cancel()
	s.running.Wait()
}

// replace makes specs the probes of the set. Probes that are in both the old and the new ones keep running,
// unless the generation is new.
func (s *set) replace(specs []Spec, generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries != nil && s.generation == generation && slices.Equal(s.specs, specs) {
		return
	}
	old, kept := s.entries, s.entries
	if s.generation != generation {
		kept = nil
	}
	s.generation, s.specs, s.entries = generation, slices.Clone(specs), make(map[Spec]*entry, len(specs))
	for _, spec := range specs {
		s.adopt(spec, kept)
	}
	s.dismiss(old)
	s.announce()
}

// adopt keeps the probe of a Spec, or starts it. Equal Specs share one probe.
func (s *set) adopt(spec Spec, kept map[Spec]*entry) {
	if _, asked := s.entries[spec]; asked {
		return
	}
	if e, runs := kept[spec]; runs {
		s.entries[spec] = e
		return
	}
	s.entries[spec] = s.start(spec)
}

func (s *set) retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for spec, e := range s.entries {
		if e.result.Verdict == Fail {
			e.cancel()
			s.entries[spec] = s.start(spec)
		}
	}
}

func (s *set) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		select {
		case e.woken <- struct{}{}:
		default:
		}
	}
}

func (s *set) dismiss(old map[Spec]*entry) {
	for spec, e := range old {
		if s.entries[spec] != e {
			e.cancel()
		}
	}
}

func (s *set) start(spec Spec) *entry {
	ctx, cancel := context.WithCancel(s.ctx)
	e := &entry{result: Result{Spec: spec, Generation: s.generation}, cancel: cancel, woken: make(chan struct{}, 1)}
	r := &runner{
		dial: s.dial, hooks: s.hooks, woken: e.woken,
		pinger:   newPinger(s.dial, spec, s.hooks),
		judge:    newJudge(spec),
		schedule: newSchedule(time.Now(), s.key, spec),
		record:   func(v Verdict, got answer) { s.record(e, v, got) },
		overdue:  func() { s.overdue(e) },
	}
	s.running.Go(func() { r.run(ctx) })
	return e
}

// record keeps the result of an attempt.
func (s *set) record(e *entry, v Verdict, got answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.count(got.outcome)
	if e.result.Verdict != v {
		e.result.Lost, e.result.Sent = e.lost, e.sent
	}
	changed := e.result.Verdict != v || e.result.Outcome != got.outcome || e.result.Overdue && got.outcome == Reply
	e.result.Overdue = e.result.Overdue && v == Pass && got.outcome != Reply
	e.result.Verdict, e.result.Outcome, e.result.Err = v, got.outcome, got.errText()
	if got.outcome == Reply {
		e.result.RTT = got.rtt
	}
	if changed {
		s.announce()
	}
}

// overdue notes that the reply to the attempts under way has not come in the usual time.
func (s *set) overdue(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.result.Verdict == Pass {
		e.result.Overdue = true
		s.announce()
	}
}

const maxSent = 200

// count is called with the set's lock held.
func (e *entry) count(o Outcome) {
	if !o.Conclusive() {
		return
	}
	e.sent++
	if o != Reply {
		e.lost++
	}
	if e.sent >= maxSent {
		e.lost, e.sent = e.lost/2, e.sent/2
	}
}

func (s *set) announce() {
	select {
	case s.changed <- struct{}{}:
	default: // the pending report will include this
	}
}

// reportChanges calls report without holding a lock, so that it may block and call back.
func (s *set) reportChanges(report func(key string, results []Result)) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.changed:
			if s.ctx.Err() == nil {
				report(s.key, s.results())
			}
		}
	}
}

// results are in the order of the specs.
func (s *set) results() []Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Result, 0, len(s.specs))
	for _, spec := range s.specs {
		list = append(list, s.entries[spec].result)
	}
	return list
}
