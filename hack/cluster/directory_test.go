// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnusableDirectories(t *testing.T) {
	foreign := tree(t, map[string]string{"thesis.tex": ""})
	tests := []struct {
		name    string
		dir     string
		problem string
	}{
		{"new", filepath.Join(t.TempDir(), "new"), ""},
		{"empty", t.TempDir(), ""},
		{"a cluster's", tree(t, map[string]string{"lock": "", "audit.log": ""}), ""},
		{"not a cluster's", foreign, "is not empty and not a cluster's"},
		{"hidden in the sandbox", "/run/cluster", "cannot be used"},
		{"only looks hidden", "/runner/cluster", ""},
		{"too long for a socket", "/" + strings.Repeat("d", 80), "bytes too long for the sockets"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantProblem(t, directory(test.dir).check(), test.problem)
		})
	}
}

func TestDownLeavesForeignDirectoriesAlone(t *testing.T) {
	foreign := tree(t, map[string]string{"thesis.tex": "years"})
	wantProblem(t, directory(foreign).down(t.Context()), "is not empty and not a cluster's")
	wantFile(t, foreign, "thesis.tex", "years")
}

func TestTheLockOutlivesTheProcessThatTookItInAProcessThatInheritedIt(t *testing.T) {
	dir := directory(filepath.Join(t.TempDir(), "cluster"))
	lock := must(dir.takeLock())(t)
	heir := exec.Command("cat")
	heir.ExtraFiles = []*os.File{lock}
	input := must(heir.StdinPipe())(t)
	if err := heir.Start(); err != nil {
		t.Fatal(err)
	}
	closed(t, lock)
	_, err := dir.takeLock()
	wantProblem(t, err, "a cluster is running there")

	closed(t, input)
	if err := heir.Wait(); err != nil {
		t.Fatal(err)
	}
	closed(t, must(dir.takeLock())(t))
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
