// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The lab that is created, the one it is edited into, and none at all.
const (
	crashCreate = `
neighbors: Static
namespaces: [{name: ns1}, {name: ns2}]
routers: [{name: router}]
subnets:
- {name: left, cidrs: [192.0.2.0/24]}
- {name: right, cidrs: [198.51.100.0/24]}
links:
- {name: l1, subnet: left, endpoints: [{name: ns1}, {name: router}]}
- {name: l2, subnet: right, endpoints: [{name: router}, {name: ns2}]}
`
	crashEdit = `
neighbors: Static
namespaces: [{name: ns1}, {name: ns3}]
routers: [{name: router}]
subnets:
- {name: left, cidrs: [192.0.2.0/24, "fd00:1::/64"]}
- {name: right, cidrs: [198.51.100.0/24]}
links:
- {name: l1, subnet: left, mtu: 1400, endpoints: [{name: ns1, addresses: [192.0.2.77/24]}, {name: router}]}
- {name: l3, subnet: right, endpoints: [{name: router}, {name: ns3}]}
`
	crashDelete = ``
)

var crashLab = state.Identity{Namespace: "default", Name: "crash", Owner: state.AgentOwner("crash-uid")}

var transitions = []struct{ name, from, to string }{
	{"create", crashDelete, crashCreate},
	{"edit", crashCreate, crashEdit},
	{"delete", crashEdit, crashDelete},
}

// Variables that make a test process the victim of TestKilledAtEveryOperation.
const (
	victimWant  = "NETLAB_VICTIM_WANT"
	victimDies  = "NETLAB_VICTIM_DIES_AT"
	victimWhen  = "NETLAB_VICTIM_DIES_WHEN"
	diesBefore  = "before"
	diesAfter   = "after"
	neverKilled = -1
)

// A process that creates, edits or deletes a lab is killed before and after every single
// operation. The next one brings the machine to where an undisturbed one would have brought it,
// and a deletion leaves nothing.
func TestKilledAtEveryOperation(t *testing.T) {
	mine := kernel.Apart(t, 4)
	if mine == nil {
		return
	}
	total := 0
	for _, transition := range transitions {
		t.Run(transition.name, func(t *testing.T) {
			ops := countOps(t, transition.from, transition.to)
			kills := 0
			for at := range ops {
				for _, when := range []string{diesBefore, diesAfter} {
					if mine(at) {
						killedAt(t, transition.from, transition.to, at, when)
						kills++
					}
				}
			}
			t.Logf("%s: killed %d times at %d operations", transition.name, kills, ops)
			total += kills
		})
	}
	t.Logf("killed %d times in all", total)
}

func killedAt(t *testing.T, from, to string, at int, when string) {
	t.Helper()
	converged(t, from)
	if err := victim(t, to, at, when); !killed(err) {
		t.Fatalf("%s operation %d: the process was to be killed, and ended with %v", when, at, err)
	}
	recovers(t, to, fmt.Sprintf("%s operation %d", when, at))
}

// recovers runs the next process, which must bring the machine to the spec and then remove the
// lab without a trace.
func recovers(t *testing.T, to, killedAt string) {
	t.Helper()
	if err := victim(t, to, neverKilled, ""); err != nil {
		t.Fatalf("killed %s: the next run: %v", killedAt, err)
	}
	if left := converged(t, to); len(left) > 0 {
		t.Fatalf("killed %s: after the next run there was still to do: %v", killedAt, left)
	}
	converged(t, crashDelete)
	if found := remains(t); len(found) > 0 {
		t.Fatalf("killed %s: left behind after deletion: %v", killedAt, found)
	}
}

// writingCalls are the system calls by which a lab comes to be and goes. A process killed on
// entering one has done all before it, and not it. Of those there are many of, every few are
// tried; NETLAB_KILL_STRIDE=1 tries all.
var writingCalls = []struct {
	name   string
	stride int
}{
	{"unshare", 1}, {"linkat", 1}, {"mount", 1}, {"symlinkat", 1}, {"umount2", 1}, {"unlink", 1}, {"unlinkat", 1},
	{"sendto", 5}, // netlink messages, reads among them
	{"write", 7},  // marks and settings
}

// An operation is several system calls; the process is also killed between these.
func TestKilledBetweenSystemCalls(t *testing.T) {
	mine := kernel.Apart(t, 4)
	if mine == nil {
		return
	}
	total := 0
	for i, transition := range transitions {
		t.Run(transition.name, func(t *testing.T) {
			kills := 0
			for j, call := range writingCalls {
				if mine(i*len(writingCalls) + j) {
					kills += killedAtCalls(t, transition.from, transition.to, call.name, strideOf(t, call.stride))
				}
			}
			t.Logf("%s: killed on entering %d system calls", transition.name, kills)
			total += kills
		})
	}
	if total == 0 {
		t.Error("nothing was killed: this shows nothing")
	}
	t.Logf("killed %d times in all", total)
}

func strideOf(t *testing.T, stride int) int {
	t.Helper()
	text, ok := os.LookupEnv("NETLAB_KILL_STRIDE")
	if !ok {
		return stride
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("NETLAB_KILL_STRIDE is %q, not a number from 1 on", text)
	}
	return n
}

// killedAtCalls kills the process at its first such call, then at one a stride later, and so
// on until there are fewer than that.
func killedAtCalls(t *testing.T, from, to, call string, stride int) (kills int) {
	t.Helper()
	for at := 1; ; at += stride {
		converged(t, from)
		err := victim(t, to, neverKilled, "", "strace", "-f", "-qq", "-o", "/dev/null",
			"-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, at))
		if err != nil && !killed(err) {
			t.Fatalf("%s call %d: the process was to be killed, and ended with %v", call, at, err)
		}
		recovers(t, to, fmt.Sprintf("at %s call %d", call, at))
		if err == nil {
			return kills
		}
		kills++
	}
}

// TestVictim is the process that is killed; on its own it does nothing.
func TestVictim(t *testing.T) {
	want, ok := os.LookupEnv(victimWant)
	if !ok {
		return
	}
	at, err := strconv.Atoi(os.Getenv(victimDies))
	if err != nil {
		t.Fatal(err)
	}
	op := 0
	die := func(when string) func(state.Op) {
		return func(state.Op) {
			if os.Getenv(victimWhen) == when && op == at {
				syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // nothing comes after it
				select {}
			}
			if when == diesAfter {
				op++
			}
		}
	}
	k, err := kernel.New(kernel.Options{Symlinks: true, BeforeOp: die(diesBefore), AfterOp: die(diesAfter)})
	if err != nil {
		t.Fatal(err)
	}
	convergeTo(t, k, want)
}

// victim runs TestVictim in a process of its own, under another program if one is named.
func victim(t *testing.T, want string, at int, when string, under ...string) error {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(under, self, "-test.run=^TestVictim$", "-test.count=1")
	command := exec.Command(line[0], line[1:]...)
	command.Env = append(os.Environ(), victimWant+"="+want, victimDies+"="+strconv.Itoa(at), victimWhen+"="+when)
	out, err := command.CombinedOutput()
	if err != nil && !killed(err) {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return err
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// converged brings the machine to a spec and returns what had to be done.
func converged(t *testing.T, spec string) []state.Op {
	t.Helper()
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return convergeTo(t, k, spec).Applied
}

func convergeTo(t *testing.T, k *kernel.Kernel, spec string) converge.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	out, err := converge.Converge(ctx, k, crashLab, wanted(t, spec))
	if err != nil || !out.Realized() {
		t.Fatalf("converge: %v, conflicts %v, left %v", err, out.Conflicts, out.Left)
	}
	if _, err := k.Reap(ctx); err != nil {
		t.Fatal(err)
	}
	return out
}

// wanted compiles a spec; the empty one wants nothing.
func wanted(t *testing.T, text string) state.State {
	t.Helper()
	if text == crashDelete {
		return state.State{}
	}
	var spec v1alpha1.NetLabSpec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	lab, err := lab.Compile(crashLab, &spec, lab.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return lab.Want
}

func countOps(t *testing.T, from, to string) int {
	t.Helper()
	converged(t, crashDelete)
	converged(t, from)
	defer converged(t, crashDelete)
	return len(converged(t, to))
}

// remains lists what is left of any lab: files, symlinks, mounted namespaces.
func remains(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, dir := range []string{kernel.NamespaceDir, kernel.SymlinkDir} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, e := range entries {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, " nsfs ") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	slices.Sort(found)
	return found
}
