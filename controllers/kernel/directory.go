// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
)

// prepare makes the directories and lets mounts in NamespaceDir reach other mount
// namespaces, as ip netns does with its own.
func prepare(symlinks bool) error {
	dirs := []string{NamespaceDir, recordDir, lockDir}
	if symlinks {
		dirs = append(dirs, SymlinkDir)
	}
	for _, dir := range dirs {
		switch err := os.MkdirAll(dir, 0o755); {
		case isReadOnly(err):
			return nil
		case err != nil:
			return fmt.Errorf("prepare: %w", err)
		}
	}
	return netns.ShareDir(NamespaceDir)
}

// isReadOnly recognises a file system on which labs can be looked at, and nothing else. What has to write
// there fails by itself.
func isReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }

// Cleanup removes what New prepared, once no lab of any owner is left. Directories in
// which something is left stay; so does SymlinkDir, which is not only ours.
// An agent that runs needs them even without labs. The caller must not hold a Lock.
func (k *Kernel) Cleanup() error {
	if err := cleanup(); !isReadOnly(err) {
		return err
	}
	return nil
}

func cleanup() error {
	if _, err := os.Lstat(agentLockFile); err == nil {
		return nil
	}
	for _, dir := range []string{lockDir, recordDir} {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return ignoreNotEmpty(err)
		}
	}
	entries, err := os.ReadDir(NamespaceDir)
	if err != nil || len(entries) > 0 {
		return ignoreMissing(err)
	}
	if err := netns.UnshareDir(NamespaceDir); err != nil {
		return err
	}
	for _, dir := range []string{NamespaceDir, BaseDir} {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return ignoreNotEmpty(err)
		}
	}
	return nil
}

// ignoreNotEmpty drops the errors that say a directory is in use: somebody else's lab.
func ignoreNotEmpty(err error) error {
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EBUSY) {
		return nil
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
