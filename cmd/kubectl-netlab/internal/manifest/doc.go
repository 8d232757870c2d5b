// SPDX-License-Identifier: Apache-2.0

// Package manifest reads NetLabs from files as people write them: YAML or JSON, one document
// or many, from files, directories or standard input.
//
// It accepts nothing that the API server refuses, and reports everything that is wrong with all
// files in one run, with the line and the fix:
//
//	lab.yaml:12: spec.links[0].subnetz: unknown field; did you mean subnet?
//	lab.yaml:8: spec.namespaces[1].name: YAML reads y as true; quote it: name: "y"
//
// # Two passes
//
// The first pass walks the syntax tree beside the Go type and the JSON, and finds unknown, duplicate
// and mistyped fields with their paths and lines. If it finds none, sigs.k8s.io/json decodes the
// document as strictly as the API server does. Scalars are read as sigs.k8s.io/yaml reads them, which
// is YAML 1.1: y, no and on are booleans.
//
// The second pass checks what the lab means: lab.Validate works on the decoded lab, and the compiled-in
// schema on the JSON, because a decoded lab no longer tells an explicit zero, which the API server may
// refuse, from an absent field. A test compares the result with a real API server's, field by field.
//
// # After a damaged field
//
// The second pass also runs on a document that the first one found damaged. A misspelt field is read
// under the suggested name, a misread scalar as the string it was meant to be. Any other damaged field
// is a gap (gap.go). A gap hides the problems that another value there might solve, and no others: with
// an unreadable node, an unknown node name is not reported, host bits are.
package manifest
