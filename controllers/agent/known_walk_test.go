// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"maps"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// knownWalk is a lab that is edited and damaged step by step, and inspected for what the kernel tells of.
type knownWalk struct {
	*bench
	id     state.Identity
	labs   *labtest.Generator
	damage *statetest.Generator
	story  []string
	parts  int
}

// After any edits and damage, what an agent knows that looks at a part of a lab each time is what is there.
func TestAnAgentThatLooksAtPartsKnowsTheWholeLab(t *testing.T) {
	parts := 0
	for seed := range uint64(12) {
		w := &knownWalk{bench: newBench(t, nil), labs: labtest.New(seed, statetest.Features{}), damage: statetest.New(seed)}
		w.id = w.identity(labtest.StoredPair())
		w.id.Owner = state.AgentOwner("new")
		w.edit(func(lab *v1alpha1.NetLab) { lab.Spec = *w.labs.Spec() })
		w.become("build")
		for step := range 15 {
			w.step(step)
			if t.Failed() {
				t.Fatalf("seed %d:\n%v", seed, w.story)
			}
		}
		parts += w.parts
	}
	if parts < 80 {
		t.Errorf("only %d looks were at a part of a lab", parts)
	}
}

func (w *knownWalk) step(step int) {
	w.Helper()
	what := ""
	switch {
	case step%3 == 0:
		w.edit(func(lab *v1alpha1.NetLab) {
			var edited *v1alpha1.NetLabSpec
			edited, what = w.labs.Edit(&lab.Spec)
			lab.Spec = *edited
		})
	default:
		what = "damage"
		w.changed(func() {
			w.kernel.Mutate(func(s state.State) {
				damaged := w.damage.Damaged(s)
				clear(s)
				maps.Copy(s, damaged)
			})
		})
	}
	w.become(what)
}

// changed touches the namespaces in which the kernel tells of something after do: its rows, or a carrier.
func (w *knownWalk) changed(do func()) (names []string) {
	w.Helper()
	before, sawBefore := w.kernel.State(), w.whole()
	do()
	names = before.Differing(w.kernel.State())
	after := w.whole()
	for id, carrier := range after.Carrier {
		if was, known := sawBefore.Carrier[id]; !known || was != carrier {
			names = append(names, id.Namespace)
		}
	}
	for _, name := range names {
		w.Touch(name)
	}
	return names
}

func (w *knownWalk) whole() state.Observation {
	w.Helper()
	want := state.State{}
	if l := w.known.labs[benchName]; l != nil && l.compiled != nil {
		want = l.compiled.Want
	}
	found, err := w.kernel.Observe(w.Context(), w.id, want)
	if err != nil {
		w.Fatal(err)
	}
	w.kernel.Looks()
	return found
}

// become inspects the lab until nothing changes, and compares what is known with what is there.
func (w *knownWalk) become(what string) {
	w.Helper()
	for range 5 {
		report, again := "", []string(nil)
		again = w.changed(func() {
			report = w.mustReconcile()
			whole, namespaces := w.kernel.Looks()
			w.story = append(w.story, fmt.Sprintf("%s: %s, looked %d times at all, and at %d namespaces\n", what, report, whole, len(namespaces)))
			if whole == 0 && len(namespaces) > 0 {
				w.parts++
			}
		})
		if known, there := w.known.labs[benchName].seen.State, w.whole().State; report == "True/Realized" && !known.Equal(there) {
			w.Errorf("after its own operations, known is\n%s\nthere is\n%s", known, there)
		}
		if len(again) == 0 {
			break
		}
	}
	l := w.known.labs[benchName]
	if l.whole.IsZero() { // what the kernel refuses, or takes for another's; the next look is at all
		return
	}
	known, there := l.seen.Observation, w.whole()
	if known, there := fmt.Sprint(l.seen.Left), fmt.Sprint(state.Diff(there.State, l.compiled.Want)); known != there {
		w.Errorf("left is %s, there is left %s", known, there)
	}
	if !known.State.Equal(there.State) {
		w.Errorf("known is\n%s\nthere is\n%s", known.State, there.State)
	}
	for _, c := range [][2]any{{known.Conflicts, there.Conflicts}, {known.Unmanaged, there.Unmanaged}, {known.Carrier, there.Carrier}, {known.Index, there.Index}} {
		if a, b := fmt.Sprint(c[0]), fmt.Sprint(c[1]); a != b {
			w.Errorf("known is %s, there is %s", a, b)
		}
	}
}
