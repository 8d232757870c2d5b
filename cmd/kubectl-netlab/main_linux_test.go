// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// The stories of testdata/script run this program on the real kernel, in a sandbox that they
// share one after the other: each must leave it as it was.
func TestMain(m *testing.M) {
	testscript.Main(sandboxed{m}, map[string]func(){"kubectl-netlab": main, "kubectl-netlab-elsewhere": elsewhere, completionName: main})
}

// elsewhere is this program where there is no --local.
func elsewhere() {
	errNoLocal = errors.New("--local needs another machine")
	main()
}

type sandboxed struct{ *testing.M }

func (s sandboxed) Run() int {
	inside, exit, err := sandbox.Enter(sandbox.Options{})
	if err == nil && inside {
		err = errors.Join(flag.Set("test.parallel", "1"), os.Remove("/run/netlab"))
		exit = s.M.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return exit
}

func TestStories(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         t.TempDir(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SAMPLES", filepath.Join(root, "config/samples"))
			env.Setenv("DEMO", filepath.Join(root, "hack/demo/demo.sh"))
			closeServer, err := serveLabs(env.WorkDir)
			if err != nil {
				return err
			}
			env.Defer(closeServer)
			return leavesNothing(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "each-sample": eachSample, "packets": packets},
	})
}

// leavesNothing compares the machine before and after a story.
func leavesNothing(env *testscript.Env) error {
	before, err := machine()
	env.Defer(func() {
		after, err := machine()
		if err != nil || !slices.Equal(before, after) {
			env.T().Log(fmt.Sprintf("the story changed the machine (%v)\ngone:\n%s\nnew:\n%s", err, without(before, after), without(after, before)))
			env.T().FailNow()
		}
	})
	return err
}

func without(lines, others []string) string {
	rest := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
	return strings.Join(rest, "\n")
}

// machine is everything a lab may leave behind: files, namespaces, mounts, interfaces.
// /run/mount is where mount(8) and umount(8) keep their notes.
func machine() ([]string, error) {
	out, err := exec.Command("sh", "-c", `
		find /run -path /run/mount -prune -o -print | sort
		ip netns list | sort
		cut -d ' ' -f 4- /proc/self/mountinfo
		ip -o link show | cut -d ' ' -f 1-3
		ip -o address show`).Output()
	return strings.Split(string(out), "\n"), err
}

// exits runs a program and wants this very exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT…")
	}
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
