// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// plan is one question that the laws of doc.go are asked about.
type plan struct {
	have, want state.State
	ops        []state.Op
	*rand.Rand
}

// laws each say how a plan breaks them.
var (
	laws     = []func(plan) error{applyingGivesWant, sameStateNeedsNothing, sameInputSameOrder, onlyNamespacesOfTheLab}
	slowLaws = []func(plan) error{goingOnAfterACrashGivesWant, addingTwiceIsAddingOnce, linksKeepAnAddress}
)

// mood says for a row that doc.go marks (*) whether this kernel keeps it.
func (p plan) mood() bool { return p.IntN(2) == 0 }

// Kernels differ in what an operation takes along: all it may, none of it, or some.
func applyingGivesWant(p plan) error {
	takesAll := func() bool { return false }
	keeps := func() bool { return true }
	if p.mood() {
		keeps = p.mood
	}
	for _, survives := range []func() bool{takesAll, keeps} {
		if got := state.Play(p.have, p.ops, survives); !got.Equal(p.want) {
			return fmt.Errorf("it ends up with\n%s", got)
		}
	}
	return nil
}

// A crash may come between any two operations; what is observed then is where it goes on.
func goingOnAfterACrashGivesWant(p plan) error {
	crashed := state.Play(p.have, p.ops[:p.IntN(len(p.ops)+1)], p.mood)
	if got := state.Play(crashed, state.Diff(crashed, p.want), p.mood); !got.Equal(p.want) {
		return fmt.Errorf("after a crash at\n%s\nit ends up with\n%s", crashed, got)
	}
	return nil
}

func sameStateNeedsNothing(p plan) error {
	for _, s := range []state.State{p.have, p.want} {
		if ops := state.Diff(s, s); len(ops) > 0 {
			return fmt.Errorf("nothing differs, yet the plan is\n%s", text(ops))
		}
	}
	return nil
}

func sameInputSameOrder(p plan) error {
	if again := state.Diff(p.have, p.want); !slices.Equal(again, p.ops) {
		return fmt.Errorf("the second time the plan is\n%s", text(again))
	}
	return nil
}

func onlyNamespacesOfTheLab(p plan) error {
	for _, op := range p.ops {
		for _, name := range op.Namespaces() {
			_, had := p.have[name]
			_, wanted := p.want[name]
			if !had && !wanted {
				return fmt.Errorf("%s: %s is not the lab's", op, name)
			}
		}
	}
	return nil
}

func addingTwiceIsAddingOnce(p plan) error {
	if len(p.ops) == 0 {
		return nil
	}
	at := p.IntN(len(p.ops))
	once := state.Play(p.have, p.ops[:at+1], p.mood)
	if twice := once.With(p.ops[at]); !twice.Equal(once) {
		return fmt.Errorf("%s: the second time makes of\n%s\nthis\n%s", p.ops[at], once, twice)
	}
	return nil
}

// The kernel takes all IPv4 routes of a link along with its last IPv4 address. Of a link that gets
// others, only an address that another link waits for may be the last one, or one that was altered so
// that only a new one is as it should be: the kernel takes no second address of the same prefix.
func linksKeepAnAddress(p plan) error {
	awaited := map[netip.Addr]bool{}
	for id := range p.want.Addresses() {
		if _, there := p.have[id.Namespace].Addresses[id.AddressKey]; !there {
			awaited[id.Prefix.Addr()] = true
		}
	}
	gets := map[state.LinkID]bool{}
	for id := range p.want.Addresses() {
		if id.Prefix.Addr().Is4() {
			gets[end(id.Namespace, id.Link)] = true
		}
	}
	var broken error
	state.Walk(p.have, p.ops, func(op state.Op, in func(string) state.Namespace) {
		o, ok := op.(state.DeleteAddress)
		if !ok || !o.Prefix.Addr().Is4() || !gets[end(o.Namespace, o.Link)] || awaited[o.Prefix.Addr()] ||
			p.have[o.Namespace].Addresses[o.AddressKey].Drift == state.DriftForGood {
			return
		}
		for key := range in(o.Namespace).Addresses {
			if key.Link == o.Link && key.Prefix.Addr().Is4() {
				return
			}
		}
		broken = fmt.Errorf("%s leaves the link without an IPv4 address", op)
	})
	return broken
}

func text(ops []state.Op) string {
	lines := make([]string, len(ops))
	for i, op := range ops {
		lines[i] = op.String()
	}
	return strings.Join(lines, "\n")
}

// checkLaws reports the first law that a generator's pair breaks, with all there is to see.
func checkLaws(g *statetest.Generator) error {
	have, want := g.Pair()
	p := plan{have, want, state.Diff(have, want), g.Rand}
	asked := laws
	if g.IntN(4) == 0 { // the other two take as long as all the rest
		asked = slices.Concat(laws, slowLaws)
	}
	for _, law := range asked {
		if err := law(p); err != nil {
			return fmt.Errorf("%w\nhave:\n%s\nwant:\n%s\nplan:\n%s", err, have, want, text(p.ops))
		}
	}
	return nil
}

func TestLawsHoldForRandomPairs(t *testing.T) {
	pairs := uint64(100_000)
	if testing.Short() {
		pairs = 2_000
	}
	// The States live for a millisecond: collecting them at every 4 MB would cost as much as the test.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	workers := uint64(runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for seed := worker; seed < pairs && !t.Failed(); seed += workers {
				if err := checkLaws(statetest.New(seed)); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	wait.Wait()
}

// A run that never meets an operation proves nothing about it.
func TestRandomPairsMeetEveryOperation(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(2_500) {
		have, want := statetest.New(seed).Pair()
		for _, op := range state.Diff(have, want) {
			seen[strings.TrimPrefix(fmt.Sprintf("%T", op), "state.")]++
		}
	}
	for _, op := range everyOp {
		if kind := strings.TrimPrefix(fmt.Sprintf("%T", op), "state."); seen[kind] < 50 {
			t.Errorf("%s was met %d times in %v", kind, seen[kind], slices.Sorted(maps.Keys(seen)))
		}
	}
}

func TestSameSeedSameStates(t *testing.T) {
	for seed := range uint64(200) {
		haveA, wantA := statetest.New(seed).Pair()
		haveB, wantB := statetest.New(seed).Pair()
		if haveA.String() != haveB.String() || wantA.String() != wantB.String() {
			t.Fatalf("seed %d gives two pairs", seed)
		}
	}
}

// Two States are equal exactly when their dumps are.
func TestDumpTellsStatesApart(t *testing.T) {
	for seed := range uint64(5_000) {
		have, want := statetest.New(seed).Pair()
		if have.Equal(want) != (have.String() == want.String()) {
			t.Fatalf("seed %d: equal is %t, yet the dumps say\n%s\nand\n%s", seed, have.Equal(want), have, want)
		}
	}
}
