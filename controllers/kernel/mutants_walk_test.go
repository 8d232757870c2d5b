// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// mutantsVariable makes the run longer; 12,000 take some minutes.
const mutantsVariable = "NETLAB_MUTANTS"

// defaultMutants take less than a minute on two idle CPUs.
const defaultMutants = 250

// mutantBuilders is how many mutants are there at the same time: most of the time is spent waiting until the
// kernel has removed the namespaces.
const mutantBuilders = 16

// mutants counts what became of mutants: those that lint refuses, those that are realized and those that are
// not, of each kind.
type mutants struct {
	mu     sync.Mutex
	kinds  map[string]*[3]int
	counts [3]int
}

// The fates of a mutant.
const (
	refused = iota
	realized
	notRealized
)

func (s *mutants) add(kinds []string, fate int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[fate]++
	for _, kind := range kinds {
		if s.kinds[kind] == nil {
			s.kinds[kind] = &[3]int{}
		}
		s.kinds[kind][fate]++
	}
}

func (s *mutants) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d mutants: %d refused, %d accepted, of which %d are not realized\n", s.counts[refused]+s.counts[realized]+s.counts[notRealized],
		s.counts[refused], s.counts[realized]+s.counts[notRealized], s.counts[notRealized])
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		n := s.kinds[kind]
		fmt.Fprintf(&b, "  %-32s %5d refused %5d realized %3d not\n", kind, n[refused], n[realized], n[notRealized])
	}
	return b.String()
}

// A lab that lint accepts is realized: no operation is refused by the kernel, and a fresh observation has an
// empty plan.
func TestEveryMutantThatLintAcceptsIsRealized(t *testing.T) {
	if kernel.Apart(t, 1) == nil {
		return
	}
	k := newMachine(t)
	labs := count(t, mutantsVariable, defaultMutants)
	first := count(t, seedVariable, 0)
	if first != 0 {
		labs = 1
	}
	bases := append(sampleSpecs(t, k.Lacks()), scenarioSpecs(t, k.Lacks())...)
	total := &mutants{kinds: map[string]*[3]int{}}
	var wait sync.WaitGroup
	for worker := range uint64(mutantBuilders) {
		wait.Go(func() {
			for seed := first + worker; seed < first+labs; seed += mutantBuilders {
				total.add(mutant(t, k, bases, seed))
			}
		})
	}
	wait.Wait()
	t.Log(total)
	if first == 0 && labs >= defaultMutants && (total.counts[realized] < total.counts[refused]/4 || len(total.kinds) < 20) {
		t.Errorf("the run shows little: too many mutants are refused, or there are few kinds")
	}
}

// sampleSpecs are the samples that this kernel can hold.
func sampleSpecs(t *testing.T, lacks statetest.Features) (specs []*v1alpha1.NetLabSpec) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "*.yaml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d samples: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split(string(text), "\n---\n") {
			var netlab v1alpha1.NetLab
			if err := yaml.Unmarshal([]byte(document), &netlab); err != nil || netlab.Kind != "NetLab" {
				continue
			}
			if len(lab.NodeNames(&netlab.Spec)) <= maxMutantNodes && holds(lacks, text) {
				specs = append(specs, &netlab.Spec)
			}
		}
	}
	return specs
}

// scenarioSpecs are the specs of the compiler's scenarios that compile and that this kernel can hold.
func scenarioSpecs(t *testing.T, lacks statetest.Features) (specs []*v1alpha1.NetLabSpec) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "lab", "testdata", "compile", "*.txtar"))
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d scenarios: %v", len(files), err)
	}
	for _, file := range files {
		scenario, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var spec v1alpha1.NetLabSpec
		if err := yaml.UnmarshalStrict(scenario.Files[0].Data, &spec); err != nil {
			t.Fatal(err)
		}
		if len(lab.Validate(&v1alpha1.NetLab{Spec: spec})) == 0 && holds(lacks, scenario.Files[0].Data) {
			specs = append(specs, &spec)
		}
	}
	return specs
}

// maxMutantNodes keeps labs small: what goes wrong is at one node and its neighbours.
const maxMutantNodes = 8

// holds reports whether a kernel has the features that a file asks for.
func holds(lacks statetest.Features, text []byte) bool {
	return !(lacks.VLANs && strings.Contains(string(text), "vlan")) && !(lacks.Netem && strings.Contains(string(text), "impairment"))
}

// mutant builds one mutant, and reports what it comes to; it may run beside others. Every second one is an edit
// of the lab that it was made from, and edited back.
func mutant(t *testing.T, k *kernel.Kernel, bases []*v1alpha1.NetLabSpec, seed uint64) (kinds []string, fate int) {
	g := labtest.New(seed, k.Lacks())
	base := bases[g.IntN(len(bases))]
	if g.IntN(4) > 0 {
		base = g.Spec()
	}
	for len(lab.NodeNames(base)) > maxMutantNodes {
		base = g.Spec()
	}
	id := mutantID(seed)
	spec, kinds := g.Mutate(id, base)
	compiled, err := lab.Compile(id, spec, lab.Options{Symlinks: true, HasNetem: k.HasNetem})
	if err != nil {
		return kinds, refused
	}
	steps := []*lab.Lab{compiled}
	if before, err := lab.Compile(id, base, lab.Options{Symlinks: true, HasNetem: k.HasNetem}); seed%2 == 1 && err == nil {
		steps = []*lab.Lab{before, compiled, before}
	}
	if why := build(t, k, steps...); why != "" {
		text, _ := yaml.Marshal(spec)
		t.Errorf("%s=%d, %s: lint accepts a lab that is not realized: %s\n%s", seedVariable, seed, strings.Join(kinds, ", "), why, text)
		return kinds, notRealized
	}
	return kinds, realized
}

func mutantID(number uint64) state.Identity {
	name := fmt.Sprintf("mutant-%d", number)
	return state.Identity{Namespace: "default", Name: name, Owner: state.LocalOwner("default", name)}
}

// build builds a lab step by step and removes it, and returns why a step is not realized; empty where all are.
func build(t *testing.T, k *kernel.Kernel, steps ...*lab.Lab) (why string) {
	id := steps[0].Identity
	for i, step := range steps {
		out, err := converge.Converge(t.Context(), k, id, step.Want)
		if err == nil && out.Realized() {
			out, err = converge.Plan(t.Context(), k, id, step.Want)
		}
		if err != nil || !out.Realized() {
			why = fmt.Sprintf("step %d of %d: %v\nconflicts: %v\nleft:\n%s", i+1, len(steps), err, out.Conflicts, texts(out.Left))
			break
		}
	}
	if _, err := converge.Remove(t.Context(), k, id); err != nil {
		t.Errorf("%s: it does not go: %v", id, err)
	}
	return why
}

// The compiler's own scenarios are realized as they are.
func TestEveryScenarioOfTheCompilerIsRealized(t *testing.T) {
	k := newMachine(t)
	for i, spec := range scenarioSpecs(t, k.Lacks()) {
		id := mutantID(uint64(i))
		compiled, err := lab.Compile(id, spec, lab.Options{Symlinks: true, HasNetem: k.HasNetem})
		if err != nil {
			t.Errorf("it compiles under another name only: %v", err)
			continue
		}
		if why := build(t, k, compiled); why != "" {
			text, _ := yaml.Marshal(spec)
			t.Errorf("a lab is not realized: %s\n%s", why, text)
		}
	}
}
