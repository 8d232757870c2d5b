// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Variables that make the random tests longer, or repeat one seed.
const (
	labsVariable = "NETLAB_RANDOM_LABS"
	seedVariable = "NETLAB_RANDOM_SEED"
)

// defaultLabs take less than a minute on two idle CPUs.
const defaultLabs = 100

// builders is how many labs are there at the same time: most of the time is spent waiting for replies.
const builders = 8

// newMachine is a machine without labs; crashed tests of others may have left some.
func newMachine(t testing.TB) *kernel.Kernel {
	t.Helper()
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// count is a number that a variable may change.
func count(t testing.TB, variable string, otherwise uint64) uint64 {
	t.Helper()
	text, ok := os.LookupEnv(variable)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q, not a number", variable, text)
	}
	return n
}

// tally is what random labs came to, over all of them.
type tally struct {
	mu                                                 sync.Mutex
	labs, nodes, links, yes, no, unclear, again, trees int
}

func (s *tally) add(lab *lab.Lab, spec *v1alpha1.NetLabSpec, pairs []labtest.Pair, again int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.labs++
	s.nodes += len(lab.Nodes)
	s.links += len(spec.Links)
	s.again += again
	for _, p := range pairs {
		switch p.Expect {
		case labtest.Yes:
			s.yes++
		case labtest.No:
			s.no++
		default:
			s.unclear++
		}
	}
	if hasTree(spec) {
		s.trees++
	}
}

func hasTree(spec *v1alpha1.NetLabSpec) bool {
	for _, s := range spec.Switches {
		if s.STP == v1alpha1.Enabled {
			return true
		}
	}
	return false
}

// Every random lab compiles and comes up at once, there is nothing left to do, and exactly those pairs
// answer each other that are connected in the lab as it is written.
func TestInRandomLabsExactlyTheConnectedAnswer(t *testing.T) {
	if kernel.Apart(t, 1) == nil {
		return
	}
	k := newMachine(t)
	p := newPinger(t, k)
	labs := count(t, labsVariable, defaultLabs)
	first := count(t, seedVariable, 0)
	if first != 0 {
		labs = 1
	}
	total := &tally{}
	started := time.Now()
	var wait sync.WaitGroup
	for worker := range uint64(builders) {
		wait.Go(func() {
			for seed := first + worker; seed < first+labs && !t.Failed(); seed += builders {
				randomLab(t, p, seed, total)
			}
		})
	}
	wait.Wait()
	t.Logf("%d labs (%d with a spanning tree) of %d nodes and %d links in %.1f s: %d pairs reachable, %d not, %d unclear and not asked; %d asked twice",
		total.labs, total.trees, total.nodes, total.links, time.Since(started).Seconds(), total.yes, total.no, total.unclear, total.again)
	if first == 0 && labs >= defaultLabs && total.unclear*20 > total.yes+total.no {
		t.Errorf("more than 5 %% of the pairs are unclear: the generator makes too little that can be judged")
	}
	if left := remains(t); len(left) > 0 && !t.Failed() {
		t.Errorf("left behind: %v", left)
	}
}

// randomLab reports what is wrong with the lab of a seed; it may run beside others.
func randomLab(t *testing.T, p *pinger, seed uint64, total *tally) {
	spec := labtest.New(seed, p.k.Lacks()).Spec()
	failf := func(format string, args ...any) {
		text, _ := yaml.Marshal(spec)
		t.Errorf("%s=%d: %s\n%s", seedVariable, seed, fmt.Sprintf(format, args...), text)
	}
	name := fmt.Sprintf("rand-%d", seed)
	id := state.Identity{Namespace: "default", Name: name, Owner: state.LocalOwner("default", name)}
	lab, err := lab.Compile(id, spec, lab.Options{Symlinks: true, HasNetem: p.k.HasNetem})
	if err != nil {
		failf("it does not compile: %v", err)
		return
	}
	out, err := converge.Converge(t.Context(), p.k, id, lab.Want)
	if err != nil || !out.Realized() || len(out.Applied) == 0 {
		failf("it does not come up: %v\nconflicts: %v\nleft:\n%s", err, out.Conflicts, texts(out.Left))
	}
	if again, err := converge.Converge(t.Context(), p.k, id, lab.Want); err != nil || len(again.Applied) > 0 {
		failf("the second plan is not empty: %v\n%s", err, texts(again.Applied))
	}
	if err := settle(t.Context(), p.k, lab); err != nil {
		failf("%v", err)
	}
	pairs := labtest.Reachability(spec, lab.Want)
	_, again, wrong := p.judge(t, lab, pairs)
	if len(wrong) > 0 {
		failf("%s", strings.Join(wrong, "\n"))
	}
	total.add(lab, spec, pairs, again)
	if _, err := converge.Remove(t.Context(), p.k, id); err != nil {
		failf("it does not go: %v", err)
	}
}

func texts(ops []state.Op) string {
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.String() + "\n")
	}
	return b.String()
}

// settle waits until every spanning tree has decided.
func settle(ctx context.Context, k *kernel.Kernel, lab *lab.Lab) error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		found, err := k.Observe(ctx, lab.Identity, lab.Want)
		if err != nil || len(found.Settling) == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("spanning trees do not settle: %v", found.Settling)
		}
	}
}
