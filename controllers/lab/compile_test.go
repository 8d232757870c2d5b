// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

var update = flag.Bool("update", false, "write the output of Compile into the scenarios of testdata/compile")

// Each scenario is a txtar file: a comment with its promise, the spec of a lab in spec.yaml, and the
// output of Compile: addresses and routes, probes, problems, warnings.
func TestCompileScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/compile/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runScenario(t, file) })
	}
}

func runScenario(t *testing.T, file string) {
	scenario, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict(scenario.Files[0].Data, &spec); err != nil {
		t.Fatal(err)
	}
	got := output(&spec)
	if *update {
		scenario.Files = append(scenario.Files[:1], got...)
		if err := os.WriteFile(file, txtar.Format(scenario), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := txtar.Format(&txtar.Archive{Files: scenario.Files[1:]})
	if diff := cmp.Diff(string(want), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
		t.Errorf("the scenario in %s differs (-want +got):\n%s", file, diff)
	}
}

// output is the output of Compile and Lint for a spec, in sections; empty ones are left out.
func output(spec *v1alpha1.NetLabSpec) []txtar.File {
	id := state.Identity{Namespace: "default", Name: "lab", Owner: state.LocalOwner("default", "lab")}
	problems, warnings := lab.Lint(&v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lab"}, Spec: *spec})
	lab, err := lab.Compile(id, spec, lab.Options{Symlinks: true})
	var files []txtar.File
	section := func(name, text string) {
		if text != "" {
			files = append(files, txtar.File{Name: name, Data: []byte(strings.TrimSuffix(text, "\n") + "\n")})
		}
	}
	if err != nil {
		section("refused", err.Error())
		if err.Error() != problems.Error() {
			section("LINT DIFFERS", problems.Error())
		}
	} else {
		section("kernel", kernelView(lab.Want))
		section("probes", probeView(lab.Probes))
		section("learned neighbours", neighbourView(lab.Neighbours))
	}
	if len(warnings) > 0 {
		section("warnings", warnings.Error())
	}
	return files
}

// kernelView is a State without the rows of every lab: lo, and initial settings.
func kernelView(s state.State) string {
	var lines []string
	for line := range strings.Lines(s.String()) {
		line = strings.ReplaceAll(line, "default.lab.", "")
		switch {
		case strings.HasPrefix(line, "namespace"), strings.Contains(line, " lo peer="):
			continue
		case strings.HasPrefix(line, "sysctl"):
			name, value, _ := strings.Cut(strings.Fields(line)[2], "=")
			key, _ := state.ParseSetting(name)
			if key.Link != "" || key.IsBridge() || state.InitialValue(key).String() == value {
				continue
			}
		}
		lines = append(lines, strings.NewReplacer(" proto 78", "", " more=0", "").Replace(line))
	}
	return strings.Join(lines, "")
}

func neighbourView(n lab.NeighbourCount) string {
	if n == (lab.NeighbourCount{}) {
		return ""
	}
	return fmt.Sprintf("IPv4 %d, IPv6 %d", n.IPv4, n.IPv6)
}

func probeView(probes []lab.Probe) string {
	var b strings.Builder
	for _, p := range probes {
		fmt.Fprintf(&b, "%s %s %s -> %s %s expect %s, every %s, timeout %s x%d size %d\n", p.Name, p.Family, p.From, p.Target, p.To, p.Expect, p.Period, p.Timeout, p.FailureThreshold, p.SizeBytes)
	}
	return b.String()
}

// MAC addresses follow from the lab's names, and link-local addresses from those: a next hop that is the node's
// own address in one lab is a neighbour's in another.
func TestLintKnowsTheAddressesOfTheLabItIsGiven(t *testing.T) {
	netlab := &v1alpha1.NetLab{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "one"}, Spec: v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "a"}, {Name: "b"}},
		Links:      []v1alpha1.Link{{Name: "l", Endpoints: []v1alpha1.Endpoint{{Name: "a"}, {Name: "b"}}}},
	}}
	compiled, err := lab.Compile(state.Identity{Namespace: "team", Name: "one"}, &netlab.Spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	own := lab.LinkLocal(compiled.Want["team.one.a"].Links["l"].MAC).Addr().String()
	netlab.Spec.Namespaces[0].Routes = []v1alpha1.Route{{To: "fd00:9::/64", Via: own, Link: "l"}}
	if problems, _ := lab.Lint(netlab); len(problems) != 1 || !strings.Contains(problems[0].Message, "is an address of a itself") {
		t.Errorf("problems of team/one are %v", problems)
	}
	netlab.Namespace = "default"
	if problems := lab.Validate(netlab); len(problems) != 0 {
		t.Errorf("problems of default/one are %v", problems)
	}
}

// The names of a lab's nodes come in stored order, namespaces before routers.
func TestCompileNamesNodesInStoredOrder(t *testing.T) {
	spec := v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "b"}, {Name: "a"}},
		Routers:    []v1alpha1.Router{{Name: "r"}},
	}
	lab, err := lab.Compile(state.Identity{Namespace: "d", Name: "l"}, &spec, lab.Options{})
	if err != nil || !slices.Equal(lab.Nodes, []string{"b", "a", "r"}) {
		t.Fatalf("nodes %v, error %v", lab.Nodes, err)
	}
}

// Nodes with few interfaces compare addresses one by one, those with many look them up: both find the same.
func TestLookupsOfAddressesAgree(t *testing.T) {
	for seed := range uint64(300) {
		g := labtest.New(seed, statetest.Features{})
		netlab := labtest.RoutedPair()
		netlab.Spec = *g.Spec()
		mutant, _ := g.Mutate(state.Identity{Namespace: netlab.Namespace, Name: netlab.Name}, &netlab.Spec)
		netlab.Spec = *mutant
		if err := lab.LookupsAgree(netlab); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
