// SPDX-License-Identifier: Apache-2.0

package probe

import "sync"

// Prober runs the probes of any number of labs.
type Prober struct {
	dial   Dialer
	report func(key string, results []Result)
	hooks  hooks

	mu     sync.Mutex
	sets   map[string]*set
	closed bool
}

// New makes a Prober that reports the results of a lab, in the order of its specs, after every change of a
// verdict, an outcome or the specs themselves. Changes in quick succession may share a report. There is one
// report of a lab at a time. It may call every method except Stop and Close, which wait for it.
func New(dial Dialer, report func(key string, results []Result), hooks ...Hook) *Prober {
	return &Prober{dial: dial, report: report, hooks: collect(hooks), sets: make(map[string]*set)}
}

// Run makes specs the probes of the lab key and does not block. The same specs and generation again change
// nothing. Other specs start the new ones and stop those that are gone. Another generation restarts all of
// them from Unknown.
func (p *Prober) Run(key string, specs []Spec, generation int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	s, exists := p.sets[key]
	if !exists {
		s = p.open(key)
	}
	s.replace(specs, generation)
}

func (p *Prober) open(key string) *set {
	s := newSet(key, p.dial, p.hooks)
	s.running.Go(func() { s.reportChanges(p.report) })
	p.sets[key] = s
	return s
}

// Retry starts the failing probes of a lab again, from Unknown.
func (p *Prober) Retry(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, exists := p.sets[key]; exists {
		s.retry()
	}
}

// Wake makes the probes of a lab ask again now, because something may have changed on their paths. A probe does so
// once per timeout at most.
func (p *Prober) Wake(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, exists := p.sets[key]; exists {
		s.wake()
	}
}

// Running reports whether the probes of a lab have been running since this generation.
func (p *Prober) Running(key string, generation int64) bool {
	p.mu.Lock()
	s, exists := p.sets[key]
	p.mu.Unlock()
	if !exists {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation == generation
}

// Results are the current results of a lab's probes, in the order of its specs; nil if none run.
func (p *Prober) Results(key string) []Result {
	p.mu.Lock()
	s, exists := p.sets[key]
	p.mu.Unlock()
	if !exists {
		return nil
	}
	return s.results()
}

// Stop ends the probes of a lab. When it returns, their goroutines have ended, their sockets are closed, and
// no report of them will follow. So hold no lock that the report needs.
func (p *Prober) Stop(key string) {
	p.mu.Lock()
	s, exists := p.sets[key]
	delete(p.sets, key)
	p.mu.Unlock()
	if exists {
		s.stop()
	}
}

// Close stops every lab and makes later calls of Run do nothing.
func (p *Prober) Close() {
	p.mu.Lock()
	p.closed = true
	sets := p.sets
	p.sets = nil
	p.mu.Unlock()
	for _, s := range sets {
		s.cancel()
	}
	for _, s := range sets {
		s.stop()
	}
}
