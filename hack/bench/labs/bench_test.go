// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/state"
)

func TestCallsAreCountedByPhase(t *testing.T) {
	calls, err := countCalls(strings.NewReader(`10 openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = 3
10 newfstatat(AT_FDCWD, "/netlab-bench/build", 0xc0, 0) = -1 ENOENT (No such file or directory)
10 unshare(CLONE_NEWNET <unfinished ...>
11 futex(0xc0, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>
10 <... unshare resumed>)            = 0
10 write(3, "1", 1)                  = ? ERESTARTNOINTR (To be restarted)
10 write(3, "1", 1)                  = 1
10 newfstatat(AT_FDCWD, "/netlab-bench/end", 0xc0, 0) = -1 ENOENT (No such file or directory)
10 close(3)                          = 0
10 newfstatat(AT_FDCWD, "/netlab-bench/tear-down", 0xc0, 0) = -1 ENOENT (No such file or directory)
12 umount2("/run", MNT_DETACH)       = 0
`))
	if want := map[string]int{"build": 2, "tear-down": 1}; err != nil || !maps.Equal(calls, want) {
		t.Errorf("counted %v, %v; want %v", calls, err, want)
	}
}

// A cell is the median, the spread, and the ratio of the least to the floor's.
func TestCells(t *testing.T) {
	took := func(times ...int) (runs []result) {
		for _, ms := range times {
			runs = append(runs, result{Phases: map[string]cost{phaseBuild: {Wall: time.Duration(ms) * time.Millisecond}}})
		}
		return runs
	}
	if got, want := cell(phaseBuild, took(30, 20, 90), took(20, 20, 10)), "30 ms (20–90) 2.00×"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := cell(phaseEdit, took(30), took(20)); got != "–" {
		t.Errorf("what was not measured is %q", got)
	}
}

// Every contender does the same things to the same labs.
func TestWhatHappensToALab(t *testing.T) {
	spec, err := tutorials(3)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBench(spec, 2)
	if err != nil {
		t.Fatal(err)
	}
	if b.namespaces() != 18 {
		t.Errorf("%d namespaces", b.namespaces())
	}
	deleted := 0
	for _, op := range b.spoil() {
		if op == state.Op(b.parts[0].damage) || op == state.Op(b.parts[1].damage) {
			deleted++
		}
	}
	if deleted != 2 || len(b.repair()) == 0 || len(b.change()) == 0 {
		t.Errorf("damaged %d times; repair %v, edit %v", deleted, b.repair(), b.change())
	}
}

func TestCommandsAreTheTutorials(t *testing.T) {
	spec, err := tutorials(1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBench(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	commands := strings.Join(commandsOf(b.build()), "\n")
	for _, want := range []string{
		"ip netns add default.bench-0.a0",
		"ip link add va7 type veth peer name vb7",
		"netns default.bench-0.a0 name a0",
		"ip netns exec default.bench-0.r0 sysctl -qw net.ipv4.ip_forward=1",
		"ip -n default.bench-0.b0 route replace default via 10.1.0.254 dev b0 proto 78",
	} {
		if !strings.Contains(commands, want) {
			t.Errorf("no %q among\n%s", want, commands)
		}
	}
}
