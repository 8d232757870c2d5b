// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/netlab-dev/netlab/controllers/state"
)

// symlinkState is what lies at a namespace's name in SymlinkDir.
type symlinkState struct {
	ours bool
	// found says what it is when it is not ours; empty for nothing.
	found string
}

// inspectSymlink says what is at a name in SymlinkDir. Only a link with exactly our target is ours.
func inspectSymlink(name string) (symlinkState, error) {
	target, err := os.Readlink(SymlinkDir + "/" + name)
	switch {
	case err == nil && target == NamespaceDir+"/"+name:
		return symlinkState{ours: true}, nil
	case err == nil:
		return symlinkState{found: fmt.Sprintf("a symbolic link to %q", target)}, nil
	case errors.Is(err, fs.ErrNotExist):
		return symlinkState{}, nil
	}
	info, err := os.Lstat(SymlinkDir + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return symlinkState{}, nil
	}
	if err != nil {
		return symlinkState{}, err
	}
	if info.Mode().IsRegular() {
		return symlinkState{found: "a file"}, nil
	}
	return symlinkState{found: describeMode(info.Mode())}, nil
}

func addSymlink(op state.AddSymlink) error {
	return inSymlinkDir(op.Name, func(root *os.Root) error {
		err := root.Symlink(NamespaceDir+"/"+op.Name, op.Name)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		there, err := inspectSymlink(op.Name)
		if err == nil && !there.ours {
			err = fmt.Errorf("%s/%s is taken: %s", SymlinkDir, op.Name, there.found)
		}
		return err
	})
}

func deleteSymlink(op state.DeleteSymlink) error {
	return inSymlinkDir(op.Name, func(root *os.Root) error {
		there, err := inspectSymlink(op.Name)
		switch {
		case err != nil:
			return err
		case there.found != "":
			return fmt.Errorf("%s/%s was not created by NetLab: %s", SymlinkDir, op.Name, there.found)
		case !there.ours:
			return nil
		}
		return ignoreMissing(root.Remove(op.Name))
	})
}

// inSymlinkDir runs fn with the directory, from which no name leads out.
func inSymlinkDir(name string, fn func(*os.Root) error) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := os.MkdirAll(SymlinkDir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(SymlinkDir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fn(root)
}
