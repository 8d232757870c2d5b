// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/hack/test/strace"
)

// quietFor is how long nothing may be written: several periodic compares.
const quietFor = 60 * time.Second

// Once a lab is ready, comparing it again and again writes nothing: not to the kernel, as the
// agent's own count and strace agree, and not to the API server, except for Leases.
func TestAQuietLabWritesNothing(t *testing.T) {
	c := newCluster(t)
	kubectl(t, "apply", "-f", sample("routed-pair"))
	waitFor(t, "routed-pair", "Ready")
	time.Sleep(6 * time.Second) // collected status writes go out within 5 s

	opsBefore, comparesBefore := metric(t, "netlab_operations_total"), metric(t, "netlab_converge_seconds_count")
	writesBefore := apiWrites(t)
	trace := traceFor(t, c.agent.cmd.Process.Pid, quietFor)

	if compares := metric(t, "netlab_converge_seconds_count") - comparesBefore; compares < 3 {
		t.Errorf("only %v compares in %s: this story shows nothing", compares, quietFor)
	}
	if ops := metric(t, "netlab_operations_total") - opsBefore; opsBefore == 0 || ops != 0 {
		t.Errorf("the agent counts %v kernel operations after %v before", ops, opsBefore)
	}
	if writes := strace.KernelWrites(trace); len(writes) > 0 {
		t.Errorf("strace saw %d kernel writes, the first: %s", len(writes), writes[0])
	}
	for resource, n := range apiWrites(t) {
		if delta := n - writesBefore[resource]; delta != 0 {
			t.Errorf("%d writes of %s to the API server", delta, resource)
		}
	}
	t.Logf("%d system calls seen in %s", bytes.Count(trace, []byte("\n")), quietFor)
}

// traceFor is what strace sees of a process: netlink messages, mounts, and files opened to be
// written.
func traceFor(t *testing.T, pid int, d time.Duration) []byte {
	t.Helper()
	file := t.TempDir() + "/trace"
	command := exec.Command("strace", "-f", "-y", "-qq", "-s", "64", "-o", file, "-p", strconv.Itoa(pid),
		"-e", strace.Calls)
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(d)
	command.Process.Signal(os.Interrupt) //nolint:errcheck // waiting says whether it worked
	command.Wait()                       //nolint:errcheck // strace ends with the signal's code
	trace, err := os.ReadFile(file)
	if err != nil || !strace.SawNetlink(trace) {
		t.Fatalf("strace did not see the agent look at the kernel: %v, %s", err, said.Bytes())
	}
	return trace
}

// A test of the test: a trace of a real change must show, by netlink and by a setting whose directory
// is open, as the agent writes them.
func TestStraceShowsAKernelWrite(t *testing.T) {
	for _, write := range []string{"ip link set lo up", "cd /proc/sys/net/ipv4/conf/lo && echo 0 >rp_filter"} {
		file := t.TempDir() + "/trace"
		run(t, "strace", "-f", "-y", "-o", file, "-e", strace.Calls, "sh", "-c", write)
		trace, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(strace.KernelWrites(trace)) == 0 {
			t.Errorf("%s: no write found in:\n%s", write, trace)
		}
	}
}

var requestLine = regexp.MustCompile(`^apiserver_request_total\{(.*)\} (\S+)`)

// apiWrites counts the API server's write requests by resource, Leases aside.
func apiWrites(t *testing.T) map[string]int {
	t.Helper()
	writes := map[string]int{}
	for line := range strings.Lines(kubectl(t, "get", "--raw", "/metrics")) {
		m := requestLine.FindStringSubmatch(line)
		if m == nil || !isWrite(m[1]) || strings.Contains(m[1], `resource="leases"`) {
			continue
		}
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		writes[fmt.Sprintf("%s %s", label(m[1], "resource"), label(m[1], "verb"))] += int(n)
	}
	if len(writes) == 0 {
		t.Fatal("the API server counts no writes at all: this shows nothing")
	}
	return writes
}

func isWrite(labels string) bool {
	switch label(labels, "verb") {
	case "POST", "PUT", "PATCH", "DELETE", "DELETECOLLECTION", "APPLY":
		return true
	}
	return false
}

func label(labels, name string) string {
	_, rest, _ := strings.Cut(labels, name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
