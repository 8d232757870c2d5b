#!/usr/bin/env bash
# kstatus calls an object Current that has no status, and one whose Ready condition is about an older generation.
#
# Software: sigs.k8s.io/cli-utils v0.37.2 (kstatus; Flux has a fork of it)
# Source:   Compute() in pkg/kstatus/status/status.go: what shows no sign of trouble is Current; generations are compared
#           by status.observedGeneration alone (checkGeneration() in generic.go), never by a condition's
# Guess:    an object without a status is InProgress, and observedGeneration of a condition counts
# Seen:     Current for no status, for Failed=True, and for Ready=True of generation 1 in an object of
#           generation 2; status.observedGeneration 1 makes the last one InProgress
# So:       write status.observedGeneration in every status, and give new objects a default status by the CRD

. "$(dirname "$0")/lib/namespace.sh"
needs go:golang-go
go_program sigs.k8s.io/cli-utils/pkg/kstatus/status@v0.37.2 \
	k8s.io/apimachinery/pkg/apis/meta/v1/unstructured@v0.37.2 <<'EOF'
package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	const object = `{"apiVersion":"example.org/v1","kind":"Database","metadata":{"name":"orders","generation":2}%s}`
	for _, rest := range []string{
		``,
		`,"status":{"conditions":[{"type":"Failed","status":"True"}]}`,
		`,"status":{"conditions":[{"type":"Ready","status":"True","observedGeneration":1}]}`,
		`,"status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]}`,
	} {
		var u unstructured.Unstructured
		must(u.UnmarshalJSON(fmt.Appendf(nil, object, rest)))
		result, err := status.Compute(&u)
		must(err)
		fmt.Println(result.Status, rest)
	}
}
EOF
echo

"$FINDING_DIR/program" >"$FINDING_DIR/seen"
cat "$FINDING_DIR/seen"
expect "answers" "$(cut -d' ' -f1 "$FINDING_DIR/seen" | xargs)" "Current Current Current InProgress"
