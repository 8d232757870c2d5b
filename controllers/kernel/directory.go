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
	unlock, err := lockBase()
	switch {
	case isReadOnly(err):
		return nil
	case err != nil:
		return fmt.Errorf("prepare: %w", err)
	}
	defer unlock()
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

// lockBase makes BaseDir and locks it. Of two processes that prepare at the same time, both would find that NamespaceDir is
// not shared and mount it onto itself, the second on top of the first and in its peer group: every namespace would be
// mounted twice, and could not be removed. Cleanup may have removed the directory before it was locked: only one that is
// still there counts.
func lockBase() (unlock func(), err error) {
	for {
		if err := os.MkdirAll(BaseDir, 0o755); err != nil {
			return nil, err
		}
		dir, err := os.Open(BaseDir)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		unlock = func() { dir.Close() } //nolint:errcheck // nothing was written
		if err := flock(dir); err != nil {
			unlock()
			return nil, fmt.Errorf("lock %s: %w", BaseDir, err)
		}
		if isAt(dir, BaseDir) {
			return unlock, nil
		}
		unlock()
	}
}

// flock waits for a lock.
func flock(file *os.File) error {
	for {
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// isAt reports whether a path leads to an open file.
func isAt(file *os.File, path string) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

// isReadOnly recognises a file system on which labs can be looked at, and nothing else. What has to write
// there fails by itself.
func isReadOnly(err error) bool { return errors.Is(err, unix.EROFS) }

// Cleanup removes what New prepared, once no lab of any owner is left. Directories in
// which something is left stay; so does SymlinkDir, which is not only ours.
// An agent that runs needs them even without labs. The caller must not hold a Lock.
func (k *Kernel) Cleanup() error {
	if _, err := os.Stat(BaseDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := lockBase()
	if err == nil {
		err = cleanup()
		unlock()
	}
	if !isReadOnly(err) {
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
