// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cgroups is the directory under which the machine's cgroup hierarchies are mounted.
type cgroups string

const machineCgroups cgroups = "/sys/fs/cgroup"

// unified reports whether this is cgroup v2: one hierarchy for all controllers.
func (c cgroups) unified() bool {
	_, err := os.Stat(filepath.Join(string(c), "cgroup.controllers"))
	return err == nil
}

// hierarchies are the roots: one with cgroup v2, else one for each controller or group of
// them. Symlinks, such as cpu to cpu,cpuacct, are second names and left out.
func (c cgroups) hierarchies() ([]string, error) {
	if c.unified() {
		return []string{string(c)}, nil
	}
	entries, err := os.ReadDir(string(c))
	if err != nil {
		return nil, fmt.Errorf("find the cgroup hierarchies: %w", err)
	}
	var roots []string
	for _, entry := range entries {
		root := filepath.Join(string(c), entry.Name())
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); entry.IsDir() && err == nil {
			roots = append(roots, root)
		}
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("find the cgroup hierarchies: there are none mounted under %s", c)
	}
	return roots, nil
}

// create makes the cgroup, with its parents, in every hierarchy, ready to have children with limits.
func (c cgroups) create(name string) error {
	roots, err := c.hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		parent := root
		for part := range strings.SplitSeq(name, "/") {
			if err := c.createIn(parent, part); err != nil {
				return fmt.Errorf("create cgroup %s: %w", filepath.Join(parent, part), err)
			}
			parent = filepath.Join(parent, part)
		}
		if err := c.delegate(parent); err != nil {
			return fmt.Errorf("prepare cgroup %s: %w", parent, err)
		}
	}
	return nil
}

func (c cgroups) createIn(parent, name string) error {
	if err := c.delegate(parent); err != nil {
		return err
	}
	path := filepath.Join(parent, name)
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return inheritCPUs(parent, path)
}

// delegate lets the children of a cgroup use every controller that it has. Version 1 needs nothing.
func (c cgroups) delegate(path string) error {
	if !c.unified() {
		return nil
	}
	controllers, err := os.ReadFile(filepath.Join(path, "cgroup.controllers"))
	if err != nil {
		return err
	}
	enable := ""
	for controller := range strings.FieldsSeq(string(controllers)) {
		enable += " +" + controller
	}
	err = os.WriteFile(filepath.Join(path, "cgroup.subtree_control"), []byte(strings.TrimSpace(enable)), 0o644)
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: processes are in it; move them into a child, as container entry points do", err)
	}
	return err
}

// inheritCPUs copies the CPUs and memory nodes: a new cpuset of version 1 has none, and then takes
// no processes.
func inheritCPUs(parent, child string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(parent, file))
		if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(value)) == "" {
			continue // no cpuset hierarchy, or version 2, where nothing means everything
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(child, file), value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// remove removes the cgroup and what is below it from every hierarchy. Whose processes have just
// been killed may be busy for a moment.
func (c cgroups) remove(ctx context.Context, name string) error {
	roots, err := c.hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		err := poll(ctx, 20*time.Millisecond, func(context.Context) error {
			return removeTree(filepath.Join(root, name))
		})
		if err != nil {
			return fmt.Errorf("remove cgroup %s of %s: %w", name, root, err)
		}
	}
	return nil
}

// removeTree removes directories only: the files of a cgroup cannot be removed, and go with it.
func removeTree(path string) error {
	var directories []string
	err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && entry.IsDir() {
			directories = append(directories, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, directory := range slices.Backward(directories) {
		if err := syscall.Rmdir(directory); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &fs.PathError{Op: "rmdir", Path: directory, Err: err}
		}
	}
	return nil
}
