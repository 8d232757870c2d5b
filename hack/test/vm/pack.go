// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/hack/test/vm/job"
)

// kernelDir has vmlinuz and modules/.
func kernelDir(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "hack/test/vm/kernel.sh")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("get a kernel: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// pack writes the machine's files into one that the kernel unpacks, and returns its name.
func pack(ctx context.Context, o options, kernel, work string) (name string, err error) {
	a := newArchive()
	if err := a.addInit(ctx, work); err != nil {
		return "", err
	}
	if err := a.addPrograms(); err != nil {
		return "", err
	}
	for _, file := range o.files {
		if err := a.addSource(file); err != nil {
			return "", err
		}
	}
	if err := a.addJob(o, kernel); err != nil {
		return "", err
	}
	a.close()
	name = filepath.Join(work, "initramfs")
	return name, os.WriteFile(name, a.Bytes(), 0o600)
}

func (a *archive) addInit(ctx context.Context, work string) error {
	program := filepath.Join(work, "init")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./hack/test/vm/init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build init: %w", err)
	}
	return a.addFile("/init", program)
}

// addSource puts a file or tree of the repository to its place below job.Source.
func (a *archive) addSource(name string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("-file %s: it is not a path inside the repository", name)
	}
	return filepath.WalkDir(name, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return a.addFile(path.Join(job.Source, filepath.ToSlash(file)), file)
	})
}

func (a *archive) addJob(o options, kernel string) error {
	tree, err := findModules(filepath.Join(kernel, "modules"))
	if err != nil {
		return err
	}
	wanted := slices.DeleteFunc(slices.Concat(modules, o.with), func(name string) bool { return slices.Contains(o.without, name) })
	files, err := a.addModules(tree, wanted)
	if err != nil {
		return err
	}
	dir := path.Join(job.Source, o.dir)
	a.addDirectory(dir)
	env := map[string]string{"PATH": job.Source + "/bin:/usr/bin", "HOME": "/tmp", "TMPDIR": "/tmp"}
	for _, entry := range o.env {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	data, err := json.Marshal(job.Job{Modules: files, Command: o.command, Dir: dir, Env: env})
	a.add(job.File, data, 0o644)
	return err
}
