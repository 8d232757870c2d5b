// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"sync"
	"time"

	"github.com/netlab-dev/netlab/controllers/lab"
)

// trees knows since when links of labs converge: before they have, no missing reply says anything about a lab.
type trees struct {
	mu    sync.Mutex
	waits map[string]treeWait
}

// treeWait is the wait for one generation of a lab.
type treeWait struct {
	generation int64
	since      time.Time
}

// watch takes one look at a lab. It returns how long to wait at most, 0 once links have converged or have been given
// up, and whether they have converged since the last look.
func (t *trees) watch(key string, generation int64, converging bool, now time.Time) (left time.Duration, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, waits := t.waits[key]
	if !converging {
		delete(t.waits, key)
		return 0, waits
	}
	if !waits || w.generation != generation {
		w = treeWait{generation, now}
	}
	if t.waits == nil {
		t.waits = map[string]treeWait{}
	}
	t.waits[key] = w
	return max(0, lab.STPTimeout-now.Sub(w.since)), false
}

func (t *trees) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waits, key)
}
