// SPDX-License-Identifier: Apache-2.0

// Package graphtest has the labs that pictures are tested with: every sample of the gallery, and random ones.
package graphtest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// Samples are the specs of the gallery, by name.
func Samples(t *testing.T) map[string]*v1alpha1.NetLabSpec {
	t.Helper()
	files, err := filepath.Glob("../../../config/samples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	specs := map[string]*v1alpha1.NetLabSpec{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var n v1alpha1.NetLab
		if err := yaml.Unmarshal(data, &n); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if n.Kind == "NetLab" {
			specs[strings.TrimSuffix(filepath.Base(file), ".yaml")] = &n.Spec
		}
	}
	return specs
}

// Count is how many random labs a test draws. NETLAB_GRAPH_LABS overrides it.
func Count(t *testing.T) uint64 {
	t.Helper()
	count, err := strconv.ParseUint(cmp.Or(os.Getenv("NETLAB_GRAPH_LABS"), "50"), 10, 32)
	if err != nil {
		t.Fatalf("NETLAB_GRAPH_LABS: %v", err)
	}
	return count
}

// Random is the generator of a random lab.
func Random(seed uint64) *labtest.Generator { return labtest.New(seed, statetest.Features{}) }

// Each runs a test for every sample and for random labs.
func Each(t *testing.T, run func(t *testing.T, spec *v1alpha1.NetLabSpec)) {
	t.Helper()
	all := Samples(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { run(t, all[name]) })
	}
	for seed := range Count(t) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { run(t, Random(seed).Spec()) })
	}
}

// Of is the graph of a lab.
func Of(t *testing.T, spec *v1alpha1.NetLabSpec) *graph.Graph {
	t.Helper()
	compiled, err := lab.Compile(state.Identity{Namespace: "default", Name: "lab"}, spec, lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return graph.New(spec, compiled)
}
