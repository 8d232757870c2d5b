// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// golden is the file that holds the texts.
const golden = "hack/texts/messages.golden"

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "texts:", err)
		os.Exit(1)
	}
}

// write writes the texts of the repository in a directory to its golden file.
func write(root string) error {
	texts, err := collect(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, golden), texts.print(), 0o644)
}

// collect returns all texts of the repository in a directory.
func collect(root string) (texts, error) {
	found := texts{}
	if err := found.addPrograms(root, "cmd"); err != nil {
		return nil, err
	}
	if err := found.addChart(root); err != nil {
		return nil, err
	}
	return found, found.addManifests(root)
}
