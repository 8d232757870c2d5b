// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// randomPairs calls check with pairs of States of which the given namespaces may differ: the others of have are as wanted.
func randomPairs(t *testing.T, check func(g *statetest.Generator, have, want state.State, may []string) bool) {
	t.Helper()
	for seed := range uint64(3_000) {
		g := statetest.New(seed)
		have, want := g.Pair()
		var may []string
		for name := range maps.Keys(union(have, want)) {
			if g.IntN(3) > 0 {
				may = append(may, name)
				continue
			}
			if delete(have, name); want[name].Label != "" {
				have[name] = want[name]
			}
		}
		if have = have.Clone(); !check(g, have, want, append(may, have.Differing(want)...)) {
			t.Fatalf("seed %d\nhave:\n%s\nwant:\n%s", seed, have, want)
		}
	}
}

func union(a, b state.State) state.State {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// A plan for the namespaces that may differ is the plan for all.
func TestAPlanForSomeNamespacesIsThePlanForAll(t *testing.T) {
	shorter := 0
	randomPairs(t, func(_ *statetest.Generator, have, want state.State, may []string) bool {
		if len(may) < len(union(have, want)) {
			shorter++
		}
		whole, some := state.Diff(have, want), state.DiffIn(have, want, may)
		if !slices.Equal(whole, some) {
			t.Errorf("of %v the plan is\n%s\nof all it is\n%s", may, text(some), text(whole))
			return false
		}
		return true
	})
	if shorter < 500 {
		t.Errorf("only %d plans were for fewer namespaces than all", shorter)
	}
}

// What an operation changes is in the namespaces that it affects, after any number of operations.
func TestOperationsAffectNoOtherNamespace(t *testing.T) {
	randomPairs(t, func(g *statetest.Generator, have, want state.State, _ []string) bool {
		ops := state.Diff(have, want)
		ops = ops[:g.IntN(len(ops)+1)]
		affected := state.Affected(have, ops)
		after := state.Play(have, ops, func() bool { return false })
		for _, name := range after.Differing(have) {
			if !slices.Contains(affected, name) {
				t.Errorf("%s changes with\n%s\nand is not among %v", name, text(ops), affected)
				return false
			}
		}
		return true
	})
}

// The other end of a cable loses its carrier, which is not in a State.
func TestAnEndThatGoesDownAffectsTheOther(t *testing.T) {
	have := state.State{}.With(pair(end("a", "l1"), end("b", "l2"), 7))
	if affected := state.Affected(have, []state.Op{state.SetAdmin{LinkID: end("a", "l1")}}); !slices.Equal(affected, []string{"a", "b"}) {
		t.Errorf("affected are %v", affected)
	}
}
