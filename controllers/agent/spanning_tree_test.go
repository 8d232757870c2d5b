// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/lab"
)

// A tree that never converges is given up, and each generation has a wait of its own.
func TestTheWaitForATreeEnds(t *testing.T) {
	var all trees
	begin := time.Unix(0, 0)
	for _, c := range []struct {
		name       string
		key        string
		generation int64
		converging bool
		after      time.Duration
		left       time.Duration
		ended      bool
	}{
		{"nothing converges", "a", 1, false, 0, 0, false},
		{"it begins", "a", 1, true, 0, lab.STPTimeout, false},
		{"it goes on", "a", 1, true, lab.STPTimeout - time.Second, time.Second, false},
		{"another lab", "b", 1, true, lab.STPTimeout - time.Second, lab.STPTimeout, false},
		{"it is given up", "a", 1, true, lab.STPTimeout, 0, false},
		{"it stays given up", "a", 1, true, time.Hour, 0, false},
		{"a new generation", "a", 2, true, time.Hour, lab.STPTimeout, false},
		{"it has converged", "a", 2, false, time.Hour + time.Second, 0, true},
		{"it still has", "a", 2, false, time.Hour + 2*time.Second, 0, false},
		{"it begins again", "a", 2, true, 2 * time.Hour, lab.STPTimeout, false},
	} {
		left, ended := all.watch(c.key, c.generation, c.converging, begin.Add(c.after))
		if left != c.left || ended != c.ended {
			t.Errorf("%s: %v left and ended %v, want %v and %v", c.name, left, ended, c.left, c.ended)
		}
	}
}
