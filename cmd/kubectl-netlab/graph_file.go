// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/graph/render"
)

// formatOf is the format that the name of a file stands for; empty if it stands for none.
func formatOf(path string) string {
	return map[string]string{
		".svg": "svg", ".html": "html", ".htm": "html", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".d2": "d2", ".txt": "ascii",
	}[filepath.Ext(path)]
}

// checkTarget refuses to write over a spec.
func checkTarget(target string, specs []string) error {
	if slices.ContainsFunc(specs, func(spec string) bool { return sameFile(target, spec) }) {
		return fmt.Errorf("-w %s: this is the file of -f; write to another file", target)
	}
	return nil
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil || !first.Mode().IsRegular() {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// positionsIn reads where the nodes of an earlier picture are. Without a file, or in a file of another format, they
// are nowhere.
func positionsIn(path string) (layout.Positions, error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return layout.Positions{}, nil
	}
	picture, err := os.ReadFile(path)
	if err != nil {
		return layout.Positions{}, fmt.Errorf("read the earlier picture: %w", err)
	}
	return render.Positions(picture), nil
}

// writePicture replaces a file as a whole, so that a reader, and a full disk, never leave half a picture. A device, a
// pipe and the target of a symbolic link are written to.
func writePicture(path, picture string) error {
	mode := fs.FileMode(0o644)
	switch info, err := os.Lstat(path); {
	case err == nil && !info.Mode().IsRegular():
		return os.WriteFile(path, []byte(picture), mode)
	case err == nil:
		mode = info.Mode().Perm()
	}
	unfinished, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = unfinished.WriteString(picture)
	err = errors.Join(err, unfinished.Chmod(mode), unfinished.Close())
	if err == nil {
		err = os.Rename(unfinished.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(unfinished.Name())))
	}
	return nil
}
