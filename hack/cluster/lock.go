// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// errLocked says that a cluster is running in the directory.
var errLocked = errors.New("a cluster is running there")

// takeLock takes the lock of the directory. Closing the file releases it, unless a process has
// inherited the file: the supervisor does, as standard input of its three processes, and so holds
// the lock until the last of them has ended.
func (d directory) takeLock() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(d.lock()), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(d.lock(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", d, err), file.Close())
	}
	if same(file) {
		return file, nil
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return d.takeLock() // a cluster that was going down has removed it meanwhile
}

// same reports whether the file is still the one at its path.
func same(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(file.Name())
	return err == nil && os.SameFile(open, there)
}

// waitForLock takes the lock when the cluster that holds it has ended.
func (d directory) waitForLock(ctx context.Context) (*os.File, error) {
	var file *os.File
	err := poll(ctx, 20*time.Millisecond, func(context.Context) (err error) {
		file, err = d.takeLock()
		return err
	})
	return file, err
}
