// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// filesystems are mounted in this order. The kernel itself has mounted what / is.
var filesystems = []struct{ kind, target string }{
	{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"devpts", "/dev/pts"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"},
}

// links are the symlinks that programs expect in /dev.
var links = map[string]string{
	"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
}

func mountAll() error {
	for _, f := range filesystems {
		if err := os.MkdirAll(f.target, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(f.kind, f.target, f.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", f.kind, f.target, err)
		}
	}
	for name, target := range links {
		if err := os.Symlink(target, name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return os.Chmod("/tmp", 0o777|os.ModeSticky)
}
