// SPDX-License-Identifier: Apache-2.0

// Package manifest reads NetLabs from files as people write them: YAML or JSON, one document
// or many, from files, directories or standard input.
//
// It takes nothing the API server would not take, and says everything that is wrong with all
// files at once, where it is and what to do:
//
//	lab.yaml:12: spec.links[0].subnetz: unknown field; did you mean subnet?
//	lab.yaml:8: spec.namespaces[1].name: YAML reads y as true; quote it: name: "y"
//
// A document is looked at twice. The first look walks its syntax tree beside the Go type, so
// that every unknown, duplicate or mistyped field is found with its path and line. If that
// finds nothing, sigs.k8s.io/json decodes it as strictly as the API server does, and has the
// last word. Scalars are read as sigs.k8s.io/yaml reads them, which is YAML 1.1: y, no and on
// are booleans.
//
// What a lab means is found out by lab.Validate, from the decoded lab. That no longer says
// whether a zero was written, which the API server may refuse: so Document.Validate also looks at
// the document beside the schema of the resource's definition, which is compiled in. A test asks a
// real API server whether the two agree, field by field.
package manifest
