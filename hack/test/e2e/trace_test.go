// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/hack/test/strace"
)

// An agent that starts where labs are looks at them, and writes nothing: strace sees everything
// it does. It waits for the agents' lock before it does anything, and here strace has the time
// to get ready: the story takes that lock from the agent it kills.
func TestAnAgentThatStartsOnlyLooks(t *testing.T) {
	s := begin(t)
	ns, node := tenant(t, "traced"), nodes(t)[0]
	labs := make([]string, neighbours)
	for i := range labs {
		labs[i] = fmt.Sprintf("lab-%d", i)
		createReady(t, routedPair(t, ns, labs[i]))
	}
	old := agentOn(t, node)
	release := takeLock(t, node)
	kill(t, old)
	release.line(t) // it has the lock

	var pid string
	eventually(t, patience, "the next agent waits for the lock", func() (err error) {
		pid, err = findPID(t, old)
		return err
	})
	traced := follow(t, node, pid)
	release.stdin.Close() //nolint:errcheck // what follows shows whether it let go
	comparedAll(t, nextAgent(t, old), len(labs))
	trace := traced.end(t)

	writes := strace.KernelWrites(trace)
	s.counted("%d labs, %d system calls seen from the first on, %d of them kernel writes", len(labs), strings.Count(string(trace), "\n"), len(writes))
	if !strace.SawNetlink(trace) {
		t.Error("strace has not seen the agent look at the kernel: this shows nothing")
	}
	if len(writes) > 0 {
		t.Errorf("the agent writes:\n%s", strings.Join(writes, "\n"))
	}
}

// takeLock waits in line for the lock that only one agent of a node can have. It says so when it
// has it, and has it until its standard input is closed.
func takeLock(t *testing.T, node string) *companion {
	t.Helper()
	return start(t, node, "flock", "/run/netlab/agent.lock", "sh", "-c", "echo taken; exec cat >/dev/null")
}

// tracer is strace at work.
type tracer struct {
	program *companion
	node    string
	pid     string
	file    string
}

// follow attaches strace to a process of a node and returns when it has.
func follow(t *testing.T, node, pid string) *tracer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace") // /tmp is the same in every node
	tracer := &tracer{node: node, pid: pid, file: file}
	tracer.program = start(t, node, "strace", "-f", "-y", "-qq", "-s", "64", "-e", strace.Calls, "-o", file, "-p", pid)
	eventually(t, soon, "strace follows the agent", func() error {
		if others := on(t, node, "sh", "-c", "grep -l '^TracerPid:.0$' /proc/$0/task/*/status; true", pid); others != "" {
			return fmt.Errorf("not these threads: %s", others)
		}
		return nil
	})
	return tracer
}

// end returns what was seen. strace writes everything down when it is interrupted.
func (r *tracer) end(t *testing.T) []byte {
	t.Helper()
	on(t, r.node, "sh", "-c", "kill -INT $(awk '/^TracerPid:/ {print $2}' /proc/$0/status)", r.pid)
	io.Copy(io.Discard, r.program.stdout) //nolint:errcheck // until strace has ended
	trace, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
