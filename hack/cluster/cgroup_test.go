// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Directories stand in for the kernel's: what it would put into new ones is there already.

func TestVersion1HasACgroupInEveryHierarchy(t *testing.T) {
	root := tree(t, map[string]string{
		"cpu,cpuacct/cgroup.procs": "",
		"cpuset/cgroup.procs":      "",
		"cpuset/cpuset.cpus":       "0-1\n",
		"cpuset/cpuset.mems":       "0\n",
		"elsewhere/file":           "",
	})
	if err := os.Symlink("cpu,cpuacct", filepath.Join(root, "cpu")); err != nil {
		t.Fatal(err)
	}
	if err := cgroups(root).create("cluster/node-1"); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{
		"cpu,cpuacct/cluster/node-1": true,
		"cpuset/cluster/node-1":      true,
		"elsewhere/cluster":          false,
	} {
		if _, err := os.Stat(filepath.Join(root, file)); (err == nil) != want {
			t.Errorf("%s exists: %t, want %t", file, err == nil, want)
		}
	}
	// Without these a version 1 cpuset takes no processes.
	wantFile(t, root, "cpuset/cluster/cpuset.cpus", "0-1\n")
	wantFile(t, root, "cpuset/cluster/node-1/cpuset.cpus", "0-1\n")
	wantFile(t, root, "cpuset/cluster/node-1/cpuset.mems", "0\n")
}

func TestVersion2DelegatesEveryControllerAllTheWay(t *testing.T) {
	const controllers = "cpuset cpu memory pids\n"
	root := tree(t, map[string]string{
		"cgroup.controllers":                controllers,
		"cluster/cgroup.controllers":        controllers,
		"cluster/node-1/cgroup.controllers": controllers,
		"cluster/node-1/cpuset.cpus":        "",
	})
	if err := cgroups(root).create("cluster/node-1"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "cluster", "cluster/node-1"} {
		wantFile(t, root, filepath.Join(dir, "cgroup.subtree_control"), "+cpuset +cpu +memory +pids")
	}
}

func TestRemovingACgroupRemovesWhatIsBelowItAndNothingElse(t *testing.T) {
	root := tree(t, map[string]string{"cpu/cgroup.procs": "", "memory/cgroup.procs": ""})
	for _, dir := range []string{"cpu/cluster/node-1/kubepods/pod-1", "memory/cluster/node-1", "cpu/other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // removal is tried again and again
	defer cancel()
	for range 2 { // the second time there is nothing to remove
		if err := cgroups(root).remove(ctx, "cluster"); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]bool{"cpu/cluster": false, "memory/cluster": false, "cpu/other": true} {
		if _, err := os.Stat(filepath.Join(root, file)); (err == nil) != want {
			t.Errorf("%s exists: %t, want %t", file, err == nil, want)
		}
	}
}

// tree makes a directory with files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for file, content := range files {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func wantFile(t *testing.T, root, file, want string) {
	t.Helper()
	if got := must(os.ReadFile(filepath.Join(root, file)))(t); string(got) != want {
		t.Errorf("%s holds %q, want %q", file, got, want)
	}
}
