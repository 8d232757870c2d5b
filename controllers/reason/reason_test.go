// SPDX-License-Identifier: Apache-2.0

package reason_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/reason"
	"github.com/netlab-dev/netlab/controllers/state"
)

const root = "../.."

// A new reason is generated from the API and fails here until examples has it.
func TestEveryReasonIsShownAndHasAFix(t *testing.T) {
	for _, r := range reason.All() {
		good := !slices.ContainsFunc(r.Conditions, func(c reason.Condition) bool { return c.Status != "True" })
		switch {
		case r.Meaning == "", len(r.Conditions) == 0:
			t.Errorf("%s has no meaning or no condition", r.Name)
		case r.Lab == "" && r.ShownBy == "":
			t.Errorf("%s: write examples/%s.txtar with a lab, or with a test that shows it", r.Name, r.Name)
		case r.Fix == "" && !good:
			t.Errorf("%s: write the fix as the comment of examples/%s.txtar", r.Name, r.Name)
		}
		if r.ShownBy != "" {
			checkShown(t, r)
		}
		if r.Lab != "" {
			checkLab(t, r)
		}
	}
}

// checkShown finds the reason in the file of a test.
func checkShown(t *testing.T, r reason.Reason) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, r.ShownBy))
	if err != nil {
		t.Errorf("%s: %v", r.Name, err)
	}
	if !strings.Contains(string(text), r.Name) {
		t.Errorf("%s does not show %s", r.ShownBy, r.Name)
	}
}

// checkLab compiles the lab: its spec is valid but for InvalidSpec.
func checkLab(t *testing.T, r reason.Reason) {
	t.Helper()
	var l v1alpha1.NetLab
	if err := yaml.UnmarshalStrict([]byte(r.Lab), &l); err != nil {
		t.Errorf("%s: %v", r.Name, err)
	}
	_, err := lab.Compile(state.Identity{Namespace: "default", Name: l.Name}, &l.Spec, lab.Options{})
	if valid := r.Name != v1alpha1.ReasonInvalidSpec; valid != (err == nil) {
		t.Errorf("%s: the lab is valid: %t, want %t: %v", r.Name, err == nil, valid, err)
	}
}

func TestEveryExampleIsThatOfAReason(t *testing.T) {
	files, err := filepath.Glob("examples/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if r, found := reason.Find(name); !found || r.Name != name {
			t.Errorf("%s: no reason is named %s", file, name)
		}
	}
}
