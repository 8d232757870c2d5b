#!/usr/bin/env bash
# sigs.k8s.io/yaml gives a string field the value "8" for 010 and "true" for y, without an error, even when strict.
#
# Software: sigs.k8s.io/yaml v1.6.0, sigs.k8s.io/json v0.0.0-20260909141634-11ed52e25bc5
# Source:   convertToJSONableObject() in yaml.go looks at the type of the field and prints numbers and booleans as strings
#           for it, after YAML 1.1 has read them; YAMLToJSON() has no field to look at. Names of fields are compared
#           by encoding/json, without regard to case
# Guess:    what UnmarshalStrict() accepts, the API server accepts, with the same values
# Seen:     name: 010, 1.10, y, 1e3 become "8", "1.1", "true", "1000", and NAME is taken for name; the API server's decoder
#           refuses all of them
# So:       a tool that reads manifests for a check should go through YAMLToJSONStrict() and sigs.k8s.io/json

. "$(dirname "$0")/lib/namespace.sh"
needs go:golang-go
go_program sigs.k8s.io/yaml@v1.6.0 sigs.k8s.io/json@v0.0.0-20260909141634-11ed52e25bc5 <<'EOF'
package main

import (
	"fmt"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

type object struct {
	Name string `json:"name"`
}

// decode is how an API server takes a manifest: kubectl makes JSON of it, which is decoded strictly.
func decode(manifest string) string {
	data, err := yaml.YAMLToJSONStrict([]byte(manifest))
	if err != nil {
		return "refused"
	}
	var o object
	if strict, err := json.UnmarshalStrict(data, &o); err != nil || len(strict) > 0 {
		return "refused"
	}
	return fmt.Sprintf("%q", o.Name)
}

func main() {
	for _, manifest := range []string{"name: web", "name: 010", "name: 1.10", "name: y", "name: 1e3", "NAME: web"} {
		var o object
		err := yaml.UnmarshalStrict([]byte(manifest), &o)
		fmt.Printf("%-11s yaml %q, error %v; API server %s\n", manifest, o.Name, err, decode(manifest))
	}
}
EOF
echo

"$FINDING_DIR/program" >"$FINDING_DIR/seen"
expect "program" "
$(cat "$FINDING_DIR/seen")" '
name: web   yaml "web", error <nil>; API server "web"
name: 010   yaml "8", error <nil>; API server refused
name: 1.10  yaml "1.1", error <nil>; API server refused
name: y     yaml "true", error <nil>; API server refused
name: 1e3   yaml "1000", error <nil>; API server refused
NAME: web   yaml "web", error <nil>; API server refused'
