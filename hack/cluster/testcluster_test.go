// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testCluster is a cluster in a directory of its own, and what the machine was like before.
type testCluster struct {
	*testing.T
	dir    directory
	before []string
	seen   map[int]bool // all processes it was seen to have
}

func newCluster(t *testing.T) *testCluster {
	t.Helper()
	dir := must(os.MkdirTemp("/var/tmp", "cluster-"))(t) //nolint:usetesting // t.TempDir is too long for sockets, and may be a tmpfs
	c := &testCluster{T: t, dir: directory(filepath.Join(dir, "c")), before: surroundings(t), seen: map[int]bool{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.dir.lastLines())
		}
		if err := c.dir.down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return c
}

// call runs this program.
func (c *testCluster) call(args ...string) (stdout, stderr string, err error) {
	program := exec.CommandContext(c.Context(), "/proc/self/exe", append([]string{"--dir", string(c.dir)}, args...)...)
	program.Args[0] = "netlab-cluster"
	var out, problem bytes.Buffer
	program.Stdout, program.Stderr = &out, &problem
	err = program.Run()
	return strings.TrimSpace(out.String()), problem.String(), err
}

func (c *testCluster) run(args ...string) string {
	c.Helper()
	stdout, stderr, err := c.call(args...)
	if err != nil {
		c.Fatalf("cluster %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	if args[0] != "down" {
		c.processes()
	}
	return stdout
}

func (c *testCluster) wantProblem(says string, args ...string) {
	c.Helper()
	if _, stderr, err := c.call(args...); err == nil || !strings.Contains(stderr, says) {
		c.Errorf("cluster %s: %v, and it does not say %q but %q", strings.Join(args, " "), err, says, stderr)
	}
}

func (c *testCluster) kubectl(args ...string) string {
	c.Helper()
	return c.run(append([]string{"run", "--", "kubectl"}, args...)...)
}

func (c *testCluster) apply(manifest string) {
	c.Helper()
	file := filepath.Join(c.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o644); err != nil {
		c.Fatal(err)
	}
	c.kubectl("apply", "-f", file)
}

// sandbox returns the supervisor's three processes: outer, init and itself.
func (c *testCluster) sandbox() []int {
	c.Helper()
	parents := parents(c.T)
	supervisor := must(c.dir.supervisor())(c.T)
	return []int{parents[parents[supervisor]], parents[supervisor], supervisor}
}

// processes returns all processes of the cluster, and remembers them.
func (c *testCluster) processes() []int {
	c.Helper()
	parents := parents(c.T)
	outer := c.sandbox()[0]
	mine := []int{outer}
	for i := 0; i < len(mine); i++ {
		for child, parent := range parents {
			if parent == mine[i] {
				mine = append(mine, child)
			}
		}
	}
	for _, pid := range mine {
		c.seen[pid] = true
	}
	return mine
}

func parents(t *testing.T) map[int]int {
	t.Helper()
	found := map[int]int{}
	for line := range strings.Lines(string(must(exec.Command("ps", "-e", "-o", "pid=,ppid=").Output())(t))) {
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err != nil {
			t.Fatal(err)
		}
		found[pid] = parent
	}
	return found
}

func (c *testCluster) wantAllEnded() {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	err := poll(ctx, 10*time.Millisecond, func(context.Context) error {
		for pid := range c.seen {
			// A process that has ended and is not reaped yet has no program.
			if program, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe"); err == nil {
				return fmt.Errorf("process %d (%s) is still there", pid, program)
			}
		}
		return nil
	})
	if err != nil {
		c.Error(err)
	}
}

func (c *testCluster) wantNothingLeft() {
	c.Helper()
	c.wantAllEnded()
	if _, err := os.Stat(string(c.dir)); !errors.Is(err, os.ErrNotExist) {
		c.Errorf("directory %s is still there (%v)", c.dir, err)
	}
	for _, root := range must(machineCgroups.hierarchies())(c.T) {
		if _, err := os.Stat(filepath.Join(root, c.dir.cgroup())); !errors.Is(err, os.ErrNotExist) {
			c.Errorf("cgroup %s of %s is still there (%v)", c.dir.cgroup(), root, err)
		}
	}
	after := surroundings(c.T)
	for _, line := range c.before {
		if !slices.Contains(after, line) {
			c.Errorf("the machine has no %s any more", line)
		}
	}
	for _, line := range after {
		if !slices.Contains(c.before, line) {
			c.Errorf("the machine has a new %s", line)
		}
	}
}

// surroundings is what a cluster could change on the machine.
func surroundings(t *testing.T) []string {
	t.Helper()
	var found []string
	commands := []string{
		"ip -brief link", "ip -brief address", "ip route", "cat /proc/self/mountinfo", "find /run -maxdepth 2",
		"sysctl net.ipv4.ip_forward " + strings.ReplaceAll(strings.Join(slices.Sorted(maps.Keys(kubeletSysctls)), " "), "/", "."),
		"find /etc/cni /opt /var/lib /var/log /usr/libexec -maxdepth 1 -not -name *.log",
	}
	for _, command := range commands {
		words := strings.Fields(command)
		output, _ := exec.Command(words[0], words[1:]...).Output() // some directories are not there
		for line := range strings.Lines(string(output)) {
			found = append(found, words[0]+": "+strings.TrimSpace(line))
		}
	}
	return found
}

func toolbox() string { return "bin/images/netlab-toolbox-" + runtime.GOARCH + ".tar" }

// pod says hello, mounts something for its node to see, and waits.
func pod(name, node string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  nodeName: %s
  terminationGracePeriodSeconds: 0
  containers:
  - name: toolbox
    image: netlab-toolbox:dev
    command:
    - busybox
    - sh
    - -ec
    - |
      echo hello
      busybox mkdir -p /shared/mounted
      busybox mount -t tmpfs mounted /shared/mounted
      busybox touch /shared/mounted/here
      busybox touch /ready
      while :; do busybox sleep 1; done
    readinessProbe:
      exec: {command: [busybox, test, -e, /ready]}
      periodSeconds: 1
    securityContext: {privileged: true}
    volumeMounts: [{name: shared, mountPath: /shared, mountPropagation: Bidirectional}]
  volumes:
  - name: shared
    hostPath: {path: /run/shared, type: DirectoryOrCreate}
`, name, node)
}
