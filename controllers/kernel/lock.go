// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// ErrBusy is what Lock fails with while somebody else has the lock; the error around it
// names the process.
var ErrBusy = errors.New("another process holds the lock")

// lockInterval is how often AgentLock tries.
const lockInterval = 200 * time.Millisecond

// Lock makes the caller the only writer of a lab until it calls unlock, or ends.
func (k *Kernel) Lock(id state.Identity) (unlock func(), err error) {
	path, err := labPath(lockDir, id, ".lock")
	if err != nil {
		return nil, err
	}
	unlock, err = lock(path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", id, err)
	}
	return unlock, nil
}

// AgentLock makes the caller the only agent of this machine. It waits until the one before
// has ended: a rolling update may start the new pod while the old one still runs.
func (k *Kernel) AgentLock(ctx context.Context) (unlock func(), err error) {
	for {
		unlock, err = lock(agentLockFile)
		if !errors.Is(err, ErrBusy) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(lockInterval):
		}
	}
}

// lock takes a lock file that is removed with the lock. Between opening and locking it the
// previous holder may have removed it, and somebody else made and locked a new one of that
// name: only a file that is still there counts.
func lock(path string) (unlock func(), err error) {
	for {
		file, err := openLockFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // somebody's Cleanup took the directory for unused
		}
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			err = busy(file, err)
			file.Close() //nolint:errcheck // nothing was written
			return nil, err
		}
		if !stillThere(file, path) {
			file.Close() //nolint:errcheck // nothing was written
			continue
		}
		return holdLock(file, path)
	}
}

func openLockFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return openPlain(path, os.O_RDWR|os.O_CREATE)
}

// busy names the process that has the lock, if the file says so already.
func busy(file *os.File, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	content, readErr := io.ReadAll(io.LimitReader(file, 32))
	if pid := strings.TrimSpace(string(content)); readErr == nil && pid != "" {
		return fmt.Errorf("%w (pid %s)", ErrBusy, pid)
	}
	return ErrBusy
}

func stillThere(file *os.File, path string) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(ours, there)
}

func holdLock(file *os.File, path string) (unlock func(), err error) {
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	unlock = sync.OnceFunc(func() {
		os.Remove(path) //nolint:errcheck // a file that stays is locked by the next one all the same
		file.Close()    //nolint:errcheck // its content means nothing without the lock
	})
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}
