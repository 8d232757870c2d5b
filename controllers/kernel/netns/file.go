// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNotMounted is a file on which no namespace is mounted.
var ErrNotMounted = errors.New("no network namespace is mounted")

// Open opens the namespace mounted on a file. After a crash or reboot a plain file may be left
// there, which opens just as well: only its file system tells.
func Open(path string) (Handle, error) {
	fd, mounted, err := OpenFile(path)
	if err == nil && !mounted {
		unix.Close(fd) //nolint:errcheck // opened for reading
		err = ErrNotMounted
	}
	if err != nil {
		return None, fmt.Errorf("open %s: %w", path, err)
	}
	return Handle(fd), nil
}

// OpenFile opens a file, neither following a symlink nor waiting for a FIFO, and reports whether a
// namespace is mounted on it. The namespace may be of another kind: Thread.Enter fails with EINVAL then.
func OpenFile(path string) (fd int, mounted bool, err error) {
	fd, err = openRetry(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return -1, false, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		unix.Close(fd) //nolint:errcheck // opened for reading
		return -1, false, err
	}
	return fd, st.Type == unix.NSFS_MAGIC, nil
}

// openRetry opens a file although signals arrive.
func openRetry(path string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Open(path, flags, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// Mount mounts an open namespace on a file.
func Mount(ns Handle, path string) error {
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", int(ns)), path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", path, err)
	}
	return nil
}

// Unmount unmounts a namespace from a file. The namespace ends when no process, file or socket uses it.
func Unmount(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return nil
}
