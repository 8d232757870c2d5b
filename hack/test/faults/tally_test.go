// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// result is what a trial came to.
type result struct {
	seed uint64
	// broken is 1 if a ping failed, skipped is 1 if nothing could be asked.
	broken, skipped int
	// right counts pings that were answered after their fixes, by the number of fixes.
	right map[int]int
	// stuck counts those whose cause is right and whose fix says that the spec has to change.
	stuck map[string]int
	// healthy counts pings that were answered, around those for which the diagnosis, asked all the same, names a
	// fault of the lab, blamed those for which it says something false.
	healthy    int
	around     int
	blamed     []string
	mistakes   []mistake
	unrealized []string
	// over are the pings that took more fixes than rows were changed.
	over []string
}

// mistake is a wrong cause or fix.
type mistake struct {
	kind, text string
	faults     string
}

func (x *trial) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s=%d\n", seedVariable, x.seed)
	for _, f := range x.faults {
		fmt.Fprintf(&b, "  fault %s: %s\n", f.kind, f.what)
	}
	return b.String()
}

func (x *trial) kindsOf() string {
	var list []string
	for _, f := range x.faults {
		list = append(list, f.kind)
	}
	return strings.Join(list, " + ")
}

func (x *trial) wrong(kind string, p lab.Probe, log string) {
	text := x.describe() + log
	if x.t.Context().Err() == nil && variable(x.t, seedVariable, 0) != 0 {
		text += x.yaml()
	}
	x.mistakes = append(x.mistakes, mistake{kind, text, x.kindsOf()})
}

func (x *trial) blame(p lab.Probe, cause diagnose.Cause) {
	x.blamed = append(x.blamed, fmt.Sprintf("%s%s (%s) %s: %s", x.describe(), p.Name, p.Family, cause.Reason, cause))
}

func (x *trial) healed(steps int) {
	if x.right == nil {
		x.right = map[int]int{}
	}
	x.right[steps]++
}

func (x *trial) notApplied(p lab.Probe, log string) {
	if x.stuck == nil {
		x.stuck = map[string]int{}
	}
	x.stuck[x.describe()+log]++
}

// mostWrong is the share of wrong causes and fixes, in percent, that a run may have: none where fewer than a hundred pings
// are followed, as make test does. The walks of README.md, which are longer, still find new kinds.
const mostWrong = 1

// tally adds up results.
type tally struct {
	mu sync.Mutex
	result
	trials int
}

func (s *tally) add(t *testing.T, r result) {
	for _, m := range r.mistakes {
		t.Logf("WRONG %s [%s]\n%s", m.kind, m.faults, m.text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trials++
	s.broken += r.broken
	s.skipped += r.skipped
	s.healthy += r.healthy
	s.around += r.around
	s.blamed = append(s.blamed, r.blamed...)
	s.mistakes = append(s.mistakes, r.mistakes...)
	s.unrealized = append(s.unrealized, r.unrealized...)
	s.over = append(s.over, r.over...)
	if s.right == nil {
		s.right, s.stuck = map[int]int{}, map[string]int{}
	}
	for steps, n := range r.right {
		s.right[steps] += n
	}
	for text, n := range r.stuck {
		s.stuck[text] += n
	}
}

func (s *tally) report(t *testing.T) {
	byKind := map[string]int{}
	for _, m := range s.mistakes {
		byKind[m.kind]++
	}
	for _, text := range s.blamed {
		t.Logf("BLAMED %s", text)
	}
	for _, text := range slices.Sorted(maps.Keys(s.stuck)) {
		t.Logf("STUCK %s", text)
	}
	for _, text := range s.unrealized {
		t.Logf("UNREALIZED %s", text)
	}
	for _, text := range s.over {
		t.Logf("OVER %s", text)
	}
	sum := 0
	for _, n := range s.right {
		sum += n
	}
	if s.trials >= defaultTrials && len(s.mistakes)*100 > mostWrong*(sum+len(s.stuck)+len(s.mistakes)) {
		t.Errorf("more than %d %% of the causes and fixes are wrong", mostWrong)
	}
	if len(s.blamed) > 0 {
		t.Error("the diagnosis blames something that is no fault for a ping that is answered")
	}
	t.Logf("%d trials, %d broken, %d skipped; pings followed: %d right (by steps %v; %d by more steps than rows), %d right without a command, %d wrong %v; %d healthy, %d of them with a fault that they get around, %d blamed",
		s.trials, s.broken, s.skipped, sum, s.right, len(s.over), len(s.stuck), len(s.mistakes), byKind, s.healthy, s.around, len(s.blamed))
}
