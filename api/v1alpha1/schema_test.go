// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "record the schemas of config/crd/bases in testdata/schema")

const recordHeader = `# A definition of config/crd/bases without its text: no descriptions, no messages of rules.
# The record starts with revision d44daae, the last one without named types. What it says is what
# a stored object is checked by: change it only on purpose (go test ./api/v1alpha1 -update).
`

// A constraint that moves to another type, or a description that is written again, leaves what the
// API server accepts, stores and defaults as it was.
func TestOnlyTheTextOfADefinitionChanges(t *testing.T) {
	for path, definition := range definitions(t) {
		withoutText(definition)
		got, err := yaml.Marshal(definition)
		if err != nil {
			t.Fatal(err)
		}
		record := filepath.Join("testdata", "schema", filepath.Base(path))
		if *update {
			if err := os.WriteFile(record, append([]byte(recordHeader), got...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var recorded map[string]any
		readYAML(t, record, &recorded)
		compareSchemas(t, filepath.Base(path), recorded, definition)
	}
}

// The API server keeps a definition in etcd and answers every kubectl explain with it.
func TestADefinitionIsSmall(t *testing.T) {
	for path, definition := range definitions(t) {
		text, err := json.Marshal(definition)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) >= 200_000 {
			t.Errorf("%s has %d bytes of JSON, want less than 200,000", path, len(text))
		}
	}
}

// definitions are the generated ones by path.
func definitions(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil || len(paths) != 2 {
		t.Fatalf("definitions are %v: %v", paths, err)
	}
	list := map[string]map[string]any{}
	for _, path := range paths {
		var definition map[string]any
		readYAML(t, path, &definition)
		list[path] = definition
	}
	return list
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// withoutText removes the descriptions of a schema and the messages of its rules. A property that
// is called description or message stays.
func withoutText(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, of := range value {
			_, isText := of.(string)
			_, isRule := value["rule"]
			if isText && (key == "description" || key == "message" && isRule) {
				delete(value, key)
			}
			withoutText(of)
		}
	case []any:
		for _, of := range value {
			withoutText(of)
		}
	}
}

// compareSchemas names each place that differs, and not only that two files do.
func compareSchemas(t *testing.T, place string, want, got any) {
	t.Helper()
	want, got = byKey(want), byKey(got)
	wantFields, wantsFields := want.(map[string]any)
	gotFields, hasFields := got.(map[string]any)
	if !wantsFields || !hasFields {
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s is %v, was %v", place, got, want)
		}
		return
	}
	for key := range wantFields {
		compareSchemas(t, place+"."+key, wantFields[key], gotFields[key])
	}
	for key, of := range gotFields {
		if _, known := wantFields[key]; !known {
			t.Errorf("%s.%s is new: %v", place, key, of)
		}
	}
}

// byKey makes the items of a list the fields of a map: 0, 1 and so on.
func byKey(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	fields := map[string]any{}
	for i, item := range list {
		fields[strconv.Itoa(i)] = item
	}
	return fields
}
