// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// apartVariable names the test that a process runs in a sandbox of its own, and which of its parts: "2/4 TestName".
const apartVariable = "NETLAB_TEST_APART"

// apartAtATime is how many of these tests run at the same time: what they wait for takes no CPU.
const apartAtATime = 5

// apart makes a long test run in processes, and sandboxes, of their own while other tests do. In each of these mine
// reports which of the things that the test has numbered are its part; elsewhere it is nil:
//
//	mine := apart(t, 4)
//	if mine == nil {
//		return
//	}
//
// Most of the time such tests wait for the kernel, which removes the namespaces of several sandboxes at once. An emulated
// machine has no CPU to spare for that: there the variable is "no", and each runs in its turn.
func apart(t *testing.T, parts int) (mine func(i int) bool) {
	t.Helper()
	if os.Getenv(apartVariable) == "no" {
		return func(int) bool { return true }
	}
	var part, of int
	var name string
	if n, _ := fmt.Sscanf(os.Getenv(apartVariable), "%d/%d %s", &part, &of, &name); n == 3 && name == t.Name() {
		return func(i int) bool { return i%of == part }
	}
	t.Parallel()
	var running sync.WaitGroup
	for part := range parts {
		running.Go(func() {
			out, err := runApart(t, fmt.Sprintf("%d/%d %s", part, parts, t.Name()))
			t.Logf("%s", out)
			if err != nil {
				t.Errorf("part %d of %d: %v", part, parts, err)
			}
		})
	}
	running.Wait()
	return nil
}

func runApart(t *testing.T, part string) (out []byte, err error) {
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.count=1", "-test.timeout=0", "-test.run="+onlyThis(t))
	command.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, sandbox.Variable+"=")
	}), apartVariable+"="+part)
	return command.CombinedOutput()
}

// onlyThis is the pattern of this test, and of those of its subtests that were asked for.
func onlyThis(t *testing.T) string {
	_, subtests, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	return strings.TrimSuffix("^"+t.Name()+"$/"+subtests, "/")
}

// inParallel calls do with 0, 1 … n-1, some at a time.
func inParallel(n, atATime int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range atATime {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}
