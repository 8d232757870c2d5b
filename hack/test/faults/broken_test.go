// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// brokenLabs are the scenarios of package broken, which pastes the commands of their fixes.
const brokenLabs = "../../../cmd/kubectl-netlab/internal/local/broken/testdata"

// TestChangesOfTheSpecWork makes the changes of the spec that the fixes of labs with a broken spec print, until
// every probe passes. Where a fix leaves a choice to the user, the cause is right and nothing is changed.
func TestChangesOfTheSpecWork(t *testing.T) {
	scenarios, err := filepath.Glob(filepath.Join(brokenLabs, "spec-*.txtar"))
	if err != nil || len(scenarios) < 20 {
		t.Fatalf("%d labs with a broken spec, %v", len(scenarios), err)
	}
	m := newMachine(t)
	for i, path := range scenarios {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			changeSpec(t, newTrial(t, m, uint64(1_000_000+i)), path)
		})
	}
}

func changeSpec(t *testing.T, x *trial, path string) {
	x.faults = []fault{{kind: t.Name(), bySpec: true, anywhere: true}}
	t.Cleanup(x.remove)
	if !x.build(readSpec(t, path)) {
		t.Fatal("the lab is not realized")
	}
	for _, p := range x.lab.Probes {
		p.Timeout, p.FailureThreshold = 250*time.Millisecond, 2
		if p.Expect != v1alpha1.ExpectUnreachable {
			x.follow(p, x.inSpec)
		}
	}
	for _, mistake := range x.mistakes {
		t.Errorf("%s: %s", mistake.kind, mistake.text)
	}
	for text := range x.stuck {
		t.Logf("a choice is left: %s", text)
	}
}

func readSpec(t *testing.T, path string) *v1alpha1.NetLabSpec {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := archive.Files[0].Data
	if name := strings.TrimSpace(string(text)); strings.HasSuffix(name, ".yaml") {
		if text, err = os.ReadFile(filepath.Join(brokenLabs, name)); err != nil {
			t.Fatal(err)
		}
	}
	spec := &v1alpha1.NetLabSpec{}
	if err := yaml.UnmarshalStrict(text, spec); err != nil {
		t.Fatal(err)
	}
	return spec
}
