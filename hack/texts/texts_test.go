// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheGoldenFileHasEveryText(t *testing.T) {
	found, err := collect(root)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(root, golden))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range bytes.Split(found.print(), []byte("\n")) {
		if got := line(file, i); !bytes.Equal(got, want) {
			t.Fatalf("%s, line %d: %q, in the source: %q\nTexts have changed; update the file: make texts", golden, i+1, got, want)
		}
	}
}

func line(text []byte, i int) []byte {
	lines := bytes.Split(text, []byte("\n"))
	if i < len(lines) {
		return lines[i]
	}
	return nil
}
