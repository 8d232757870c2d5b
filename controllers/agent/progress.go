// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/controllers/status"
)

// stuckAfter is the longest time for one reconcile, and between two reconciles.
const stuckAfter = 2 * time.Minute

// heartbeat is a request without a lab. It passes through the same queue as the others, so a stuck queue
// is noticed even without events.
var heartbeat = reconcile.Request{}

// progress backs the health checks: it knows the reconciles under way, and whether every lab has been
// inspected once.
type progress struct {
	mu      sync.Mutex
	started map[reconcile.Request]time.Time
	last    time.Time
	// done are the labs inspected before expected was known.
	done     map[types.NamespacedName]bool
	expected map[types.NamespacedName]bool
	complete bool
	// onComplete is called once.
	onComplete func()
}

func newProgress(onComplete func()) *progress {
	return &progress{
		started:    map[reconcile.Request]time.Time{},
		last:       time.Now(),
		done:       map[types.NamespacedName]bool{},
		onComplete: onComplete,
	}
}

// begin notes the start of a reconcile; the caller calls end after it.
func (p *progress) begin(request reconcile.Request) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started[request] = time.Now()
	return func() { p.end(request) }
}

func (p *progress) end(request reconcile.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.started, request)
	p.last = time.Now()
	if !p.complete {
		p.done[request.NamespacedName] = true
		p.check()
	}
}

// expect sets the labs that exist when the agent starts.
func (p *progress) expect(labs []types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = map[types.NamespacedName]bool{}
	for _, lab := range labs {
		p.expected[lab] = true
	}
	p.check()
}

// giveUp ends the wait for labs that take too long.
func (p *progress) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
}

// check is called with the lock held.
func (p *progress) check() {
	if p.expected == nil {
		return
	}
	for lab := range p.expected {
		if !p.done[lab] {
			return
		}
	}
	p.finish()
}

// finish is called with the lock held.
func (p *progress) finish() {
	if p.complete {
		return
	}
	p.complete, p.done, p.expected = true, nil, nil
	p.onComplete()
}

// Ready is a health check: every lab has been inspected once.
func (p *progress) Ready(*http.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.complete {
		return fmt.Errorf("%s on this node not inspected yet", status.CountOf(len(p.expected)-len(p.done), "lab"))
	}
	return nil
}

// Alive is a health check: no reconcile hangs, and the queue moves.
func (p *progress) Alive(*http.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for request, since := range p.started {
		if took := time.Since(since); took > stuckAfter {
			return fmt.Errorf("the reconcile of %s has run for %s", request, took.Round(time.Second))
		}
	}
	if idle := time.Since(p.last); idle > stuckAfter {
		return fmt.Errorf("no reconcile for %s", idle.Round(time.Second))
	}
	return nil
}
