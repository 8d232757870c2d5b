// SPDX-License-Identifier: Apache-2.0

// Package story runs scripts of package testscript, one txtar file each, that call a program on the
// real kernel, in a sandbox.
package story

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// Main runs the tests of a package in a sandbox, with programs as commands of its scripts, and
// exits. Stories share the sandbox one after the other.
func Main(m *testing.M, programs map[string]func()) { testscript.Main(sandboxed{m}, programs) }

type sandboxed struct{ *testing.M }

func (s sandboxed) Run() int {
	inside, exit, err := sandbox.Enter(sandbox.Options{})
	if err == nil && inside {
		err = flag.Set("test.parallel", "1")
		exit = s.M.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return exit
}

// Exits is a command of scripts, exits CODE PROGRAM ARGUMENT…: it runs a program and wants this
// very exit code.
func Exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
