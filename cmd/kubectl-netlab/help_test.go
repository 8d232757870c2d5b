// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write testdata/help.txt")

// testdata/help.txt has every help text, to be read in one go: go test ./cmd/kubectl-netlab -run Help -update
func TestHelp(t *testing.T) {
	var texts bytes.Buffer
	b := newBench(t)
	root := new(app).rootCommand()
	root.InitDefaultHelpCmd()
	for _, command := range append([]*cobra.Command{root}, root.Commands()...) {
		if command.Name() == "help" {
			continue
		}
		line := []string{command.Name(), "--help"}
		if command == root {
			line = line[1:]
		}
		out, problems := b.run(line)
		if problems != "" {
			t.Errorf("%v: %s", line, problems)
		}
		fmt.Fprintf(&texts, "-- %s --\n%s\n", command.Name(), out)
	}
	const golden = "testdata/help.txt"
	if *update {
		if err := os.WriteFile(golden, texts.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(want, texts.Bytes()) {
		t.Errorf("%v: the help texts are not those of %s; they are now\n%s", err, golden, texts.Bytes())
	}
}
