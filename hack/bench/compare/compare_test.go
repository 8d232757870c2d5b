// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

var repository = os.DirFS("../../..")

// readmeFile shows what the program prints.
const readmeFile = "hack/bench/README.md"

func TestReadmeHasTheTable(t *testing.T) {
	table, err := compare(repository)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := fs.ReadFile(repository, readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), table) {
		t.Errorf("%s lacks the output of go run ./hack/bench/compare:\n%s", readmeFile, table)
	}
}

// The first column is the gallery's files; the others have the same labs, none more, none fewer.
func TestEveryToolHasEveryLab(t *testing.T) {
	for _, tool := range tools {
		entries, err := fs.ReadDir(repository, labsDir+"/"+tool.directory)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, entry := range entries {
			found = append(found, entry.Name())
		}
		if want := slices.Sorted(slices.Values(labs)); !slices.Equal(found, want) {
			t.Errorf("%s has %v, the table %v", tool.directory, found, want)
		}
	}
}

func TestWhatCounts(t *testing.T) {
	for text, want := range map[string]int{
		"":                          0,
		"\n  \n\t\n":                0,
		"# comment\n  # another\n":  0,
		"nodes:\n- a # the first\n": 2,
		"last line without an end":  1,
		"#!/bin/sh\nip link\n\n":    1,
		"r1[0]=\"A\"\n# no\nr2\n":   2,
	} {
		if got := linesOf(text); got != want {
			t.Errorf("%q has %d lines, not %d", text, got, want)
		}
	}
}
