// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/config/crd"
	"github.com/netlab-dev/netlab/hack/test/apiserver"
)

var api = apiserver.New("make test", "../../../../config/crd/bases")

func TestMain(m *testing.M) { api.TestMain(m) }

// What somebody can put in the place of any value, in JSON.
var oddValues = []string{`null`, `0`, `-1`, `1`, `99999999999`, `1.5`, `""`, `"x"`, `"~"`, `" "`, `false`, `[]`, `[null]`, `[""]`, `[0]`, `{}`, `{"nobody": 1}`}

// What the place of a word or a number may have in addition.
var oddWords = []string{`"nope"`, `"fe80::1/64"`, `"224.0.0.1/24"`, `"10.0.0.1/0"`, `"01:00:00:00:00:01"`, `"90s"`, `"tunl0"`, `300`}

// Whatever the API server refuses, lint refuses: each value of each field that a sample has is replaced by
// odd ones, removed, and repeated where it is in a list, one at a time.
func TestLintRefusesWhatTheAPIServerRefuses(t *testing.T) {
	c := strictClient(t)
	known := schemaPaths(t)
	later := map[string]bool{}
	for name, path := range spots(t) {
		delete(known, name)
		t.Run(name, func(t *testing.T) {
			for _, altered := range path.alterations(t) {
				served := c.Create(t.Context(), decodeLab(t, altered.text), client.DryRunAll)
				if served != nil && !apierrors.IsInvalid(served) && !apierrors.IsBadRequest(served) {
					t.Fatalf("%s: %v", altered.what, served)
				}
				linted := lint(altered.text)
				if served != nil && linted == nil {
					t.Errorf("%s: lint accepts it, the API server says %v", altered.what, served)
				}
				noteRefusedLater(later, served, linted)
				if err := json.Unmarshal([]byte(altered.text), &v1alpha1.NetLab{}); served == nil && err != nil {
					t.Errorf("%s: the API server accepts what no informer can decode: %v", altered.what, err)
				}
				if served == nil && linted != nil && strings.Contains(linted.Error(), "left out") {
					t.Errorf("%s: the API server accepts it, lint's schema says %v", altered.what, linted)
				}
			}
		})
	}
	if len(known) > 0 {
		t.Errorf("no lab here has %v", slices.Sorted(maps.Keys(known)))
	}
	compareRefusedLater(t, later)
}

var (
	update = flag.Bool("update", false, "write testdata/refused-later.txt")
	index  = regexp.MustCompile(`\[\d+\]`)
	// varying matches what differs from case to case in a problem.
	varying = regexp.MustCompile(`"[^"]*"|\bspec\.[\w\[\].]+|\b[0-9a-f]*[0-9:][0-9a-f:./%]*\b|\b[a-z]+[0-9][\w-]*\b`)
)

// noteRefusedLater notes the problems of a lab that the API server accepts.
func noteRefusedLater(later map[string]bool, served, linted error) {
	problems, ok := errors.AsType[manifest.Problems](linted)
	if served != nil || !ok {
		return
	}
	for _, p := range problems {
		message, _, _ := strings.Cut(p.Message, "; ")
		later[index.ReplaceAllString(p.Field, "[]")+": "+varying.ReplaceAllString(message, "…")] = true
	}
}

// compareRefusedLater keeps the list of what a user hears only after kubectl apply, from the condition Accepted.
func compareRefusedLater(t *testing.T, later map[string]bool) {
	t.Helper()
	const path = "testdata/refused-later.txt"
	got := strings.Join(slices.Sorted(maps.Keys(later)), "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; -update writes it (-want +got):\n%s", path, diff)
	}
}

// strictClient may do anything and refuses unknown fields, as kubectl does.
func strictClient(t *testing.T) client.Client {
	t.Helper()
	c, err := client.New(api.Config(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return client.WithFieldValidation(c, metav1.FieldValidationStrict)
}

func decodeLab(t *testing.T, written string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(written), &o.Object); err != nil {
		t.Fatal(err)
	}
	o.SetNamespace(metav1.NamespaceDefault)
	return o
}

func lint(text string) error {
	docs, err := manifest.Read([]string{manifest.Stdin}, manifest.Options{Stdin: strings.NewReader(text)})
	if err != nil {
		return err
	}
	if problems := docs[0].Validate(); len(problems) > 0 {
		return problems
	}
	return nil
}

// schemaPaths are the fields of a spec that the definition has, such as spec.links[].name. Those of a label
// selector are Kubernetes' own, and no list of ours.
func schemaPaths(t *testing.T) map[string]bool {
	t.Helper()
	var definition map[string]any
	if err := yaml.Unmarshal(crd.NetLabs, &definition); err != nil {
		t.Fatal(err)
	}
	root, _, err := unstructured.NestedSlice(definition, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}
	spec, _, err := unstructured.NestedMap(root[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec")
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]bool{}
	var walk func(schema map[string]any, path string)
	walk = func(schema map[string]any, path string) {
		paths[path] = true
		if items, ok := schema["items"].(map[string]any); ok {
			walk(items, path+"[]")
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, of := range properties {
			if name != "matchExpressions" {
				walk(of.(map[string]any), path+"."+name)
			}
		}
	}
	walk(spec, "spec")
	return paths
}

// aSpot is one place in a lab. Steps are names of fields and indices of lists.
type aSpot struct {
	lab   string
	steps []any
	// scalar: there is a word or a number.
	scalar bool
}

type alteration struct{ what, text string }

// spots has the first place in the samples, and in a lab with what no sample needs, of each field.
func spots(t *testing.T) map[string]aSpot {
	t.Helper()
	files, err := filepath.Glob("../../../../config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]aSpot{}
	for _, file := range append([]string{filepath.Join("testdata", "every-field.yaml")}, files...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lab map[string]any
		if err := yaml.Unmarshal(text, &lab); err != nil {
			t.Fatal(err)
		}
		if lab["kind"] != "NetLab" {
			continue
		}
		if err := lint(string(text)); err != nil {
			t.Fatal(err)
		}
		spotsIn(lab["spec"], aSpot{lab: string(text), steps: []any{"spec"}}, "spec", found)
	}
	return found
}

func spotsIn(value any, at aSpot, path string, found map[string]aSpot) {
	if _, been := found[path]; !been {
		_, isMap := value.(map[string]any)
		_, isList := value.([]any)
		at.scalar = !isMap && !isList
		found[path] = at
	}
	step := func(s any) aSpot { return aSpot{lab: at.lab, steps: append(slices.Clone(at.steps), s)} }
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			spotsIn(value[name], step(name), path+"."+name, found)
		}
	case []any:
		for i, item := range value {
			spotsIn(item, step(i), path+"[]", found)
		}
	}
}

func (s aSpot) alterations(t *testing.T) (list []alteration) {
	t.Helper()
	do := func(what string, change func(parent any, last any) any) {
		var lab map[string]any
		if err := yaml.Unmarshal([]byte(s.lab), &lab); err != nil {
			t.Fatal(err)
		}
		alterAt(lab, s.steps, change)
		text, err := json.Marshal(lab)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, alteration{fmt.Sprintf("%v: %s", s.steps, what), string(text)})
	}
	odds := oddValues
	if s.scalar {
		odds = slices.Concat(oddValues, oddWords)
	}
	for _, odd := range odds {
		do(odd, func(parent, last any) any {
			var value any
			if err := json.Unmarshal([]byte(odd), &value); err != nil {
				t.Fatal(err)
			}
			return with(parent, last, value)
		})
	}
	do("removed", func(parent, last any) any {
		if fields, ok := parent.(map[string]any); ok {
			delete(fields, last.(string))
			return fields
		}
		return slices.Delete(parent.([]any), last.(int), last.(int)+1)
	})
	if _, inList := s.steps[len(s.steps)-1].(int); inList {
		do("twice", func(parent, last any) any { return append(parent.([]any), parent.([]any)[last.(int)]) })
	} else {
		do("misspelt", func(parent, last any) any {
			return with(parent, last.(string)+"s", parent.(map[string]any)[last.(string)])
		})
	}
	return list
}

func with(parent, last, value any) any {
	switch parent := parent.(type) {
	case map[string]any:
		parent[last.(string)] = value
	case []any:
		parent[last.(int)] = value
	}
	return parent
}

// alterAt replaces what holds the last of the steps by what change makes of it.
func alterAt(value any, steps []any, change func(parent, last any) any) any {
	if len(steps) == 1 {
		return change(value, steps[0])
	}
	switch value := value.(type) {
	case map[string]any:
		name := steps[0].(string)
		value[name] = alterAt(value[name], steps[1:], change)
	case []any:
		value[steps[0].(int)] = alterAt(value[steps[0].(int)], steps[1:], change)
	}
	return value
}
