// SPDX-License-Identifier: Apache-2.0

// Texts collects every text that users read into one file, so that a reviewer can read all of them in one
// go:
//
//	go run ./hack/texts        make texts        writes messages.golden
//
// It takes
//
//   - each string of the Go packages that the programs of cmd are built from, on every platform, if it is
//     prose: at least two words, or one word and a format verb (source.go, prose.go)
//   - descriptions and messages of the CRDs, which kubectl explain and the API server print
//   - the texts of alert rules and dashboard
//   - the chart's notes and the descriptions of its values
//
// Texts that are joined by + are one text. {x} stands for a part that is not a constant. Texts are grouped by
// package and function, or by file and field; moving a function to another file changes nothing.
//
// A test compares messages.golden with the source. Other tests check the length of the README, links and
// make commands in documents, and the list of samples.
package main
