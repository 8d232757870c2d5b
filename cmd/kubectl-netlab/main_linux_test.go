// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/netlab-dev/netlab/hack/test/story"
)

// The stories of testdata/script run this program on the real kernel, in a sandbox that they
// share one after the other: each must leave it as it was.
func TestMain(m *testing.M) {
	story.Main(m, map[string]func(){"kubectl-netlab": main, "kubectl-netlab-elsewhere": elsewhere, completionName: main})
}

// elsewhere is this program where there is no --local.
func elsewhere() {
	errNoLocal = errors.New("--local needs another machine")
	main()
}

func TestStories(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// A sandbox begins with this directory, which goes with the last lab.
	if err := os.Remove("/run/netlab"); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
			url, closeServer, err := serveLabs(env.WorkDir)
			if err != nil {
				return err
			}
			env.Setenv("SERVER", url)
			env.Defer(closeServer)
			return leavesNothing(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": story.Exits, "each-sample": eachSample, "each-reason": eachReason, "packets": packets},
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
