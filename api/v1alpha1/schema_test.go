// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "record the schemas of config/crd/bases in testdata/schema")

const recordHeader = `# A CustomResourceDefinition of config/crd/bases without its text: descriptions and rule messages.
# For an intended change of the API, record it again: go test ./api/v1alpha1 -update
`

// New descriptions, and constraints that move to another type, must not change what the API server
// accepts, stores and defaults.
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

// etcd refuses objects of more than 1.5 MiB, and kubectl apply keeps a second copy in an annotation of
// at most 256 KiB.
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

// kubectl explain has a sentence for every field. It is the reference for people who do not have the sources.
func TestEveryFieldIsExplained(t *testing.T) {
	for path, definition := range definitions(t) {
		versions := definition["spec"].(map[string]any)["versions"].([]any)
		schema := versions[0].(map[string]any)["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
		if fields := explain(t, filepath.Base(path), schema); fields < 30 {
			t.Errorf("%s has %d fields", path, fields)
		}
	}
}

// sourceFile matches the name of a file of Go, and what a Go developer would look up.
var (
	sourceFile = regexp.MustCompile(`\b[\w/]+\.go\b|\bsource (code|file)|\+[a-z]+:|\bTODO\b|\bgodoc\b`)
	sentence   = regexp.MustCompile(`(?s)^[a-zA-Z].*\w.*[.)]$`)
	// addressed are the fields of every resource: the API server describes metadata itself.
	addressed = regexp.MustCompile(`\.yaml\.(apiVersion|kind|metadata)$`)
)

// explain checks the fields of an object, and counts them.
func explain(t *testing.T, place string, schema map[string]any) (fields int) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	for name, of := range properties {
		field := of.(map[string]any)
		at := place + "." + name
		text, _ := field["description"].(string)
		if !addressed.MatchString(at) && (!sentence.MatchString(text) || sourceFile.MatchString(text)) {
			t.Errorf("%s: %q is not a sentence for users", at, text)
		}
		fields += 1 + explain(t, at, field)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		fields += explain(t, place+"[]", items)
	}
	return fields
}

// definitions are the generated CRDs by path.
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

// withoutText removes the descriptions of a schema and the messages of its rules. Properties named
// description or message stay: their values are objects.
func withoutText(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, of := range value {
			_, isText := of.(string)
			_, isRule := value["rule"]
			if isText && (key == "description" || isRule && (key == "message" || key == "messageExpression")) {
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

// compareSchemas reports the path of each difference.
func compareSchemas(t *testing.T, place string, want, got any) {
	t.Helper()
	want, got = byKey(want), byKey(got)
	wantFields, wantsFields := want.(map[string]any)
	gotFields, hasFields := got.(map[string]any)
	if !wantsFields || !hasFields {
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %v, recorded %v", place, got, want)
		}
		return
	}
	for key := range wantFields {
		compareSchemas(t, place+"."+key, wantFields[key], gotFields[key])
	}
	for key, of := range gotFields {
		if _, known := wantFields[key]; !known {
			t.Errorf("%s.%s: got %v, recorded nothing", place, key, of)
		}
	}
}

// byKey turns a list into a map with its indices as keys, so that compareSchemas descends into it.
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
