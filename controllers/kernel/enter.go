// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownNamespace is the calling thread's network namespace. /proc/self would be the one of the
// process' first thread.
const ownNamespace = "/proc/thread-self/ns/net"

// namespaceID tells network namespaces apart.
type namespaceID struct {
	device, inode uint64
}

// currentNamespace is the one of the calling thread.
func currentNamespace() (namespaceID, error) {
	var st unix.Stat_t
	if err := unix.Stat(ownNamespace, &st); err != nil {
		return namespaceID{}, fmt.Errorf("stat %s: %w", ownNamespace, err)
	}
	return namespaceID{st.Dev, st.Ino}, nil
}

// thread is an OS thread that belongs to one goroutine and may be in any network namespace.
type thread struct {
	// home is the thread's own namespace, at the one it is in, or nowhere if no open file is it.
	home, at int
}

const nowhere = -1

// enter moves the thread into the namespace of an open nsfs file.
func (t *thread) enter(fd int) error {
	if t.at == fd && fd != nowhere {
		return nil
	}
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("setns: %w", err)
	}
	t.at = fd
	return nil
}

// unshare moves the thread into a new namespace and opens it.
func (t *thread) unshare() (fd int, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return -1, fmt.Errorf("unshare: %w", err)
	}
	t.at = nowhere
	fd, err = openRetry(ownNamespace, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", ownNamespace, err)
	}
	t.at = fd
	return fd, nil
}

// forget must be called before fd is closed: the number may come back for another file.
func (t *thread) forget(fd int) {
	if t.at == fd {
		t.at = nowhere
	}
}

// onThread runs fn on a locked thread and waits for it. Nobody else runs on a thread whose
// namespace could not be restored: its goroutine ends locked, and the thread with it.
//
// fn must not call onThread again, directly or through a method of Kernel: the inner call
// would take the outer one's namespace for the process' own. That panics.
func (k *Kernel) onThread(fn func(*thread) error) error {
	k.mustBeHome()
	result := errors.New("the function on a locked thread did not return")
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if onFirstThread() {
			// Held here until it is over, it is not the one that fn gets.
			result = k.onThread(fn)
			runtime.UnlockOSThread()
			return
		}
		restored, err := awayAndBack(fn)
		if restored {
			runtime.UnlockOSThread()
		}
		result = err
	}()
	<-done
	return result
}

func awayAndBack(fn func(*thread) error) (restored bool, err error) {
	home, err := openRetry(ownNamespace, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return true, fmt.Errorf("open %s: %w", ownNamespace, err)
	}
	defer unix.Close(home)
	t := &thread{home: home, at: home}
	err = fn(t)
	if restoreErr := t.enter(t.home); restoreErr != nil {
		return false, errors.Join(err, fmt.Errorf("return to the own network namespace: %w", restoreErr))
	}
	return true, err
}

// onFirstThread reports whether this is the thread whose end would be the process' end. The
// runtime parks it instead, in whatever namespace it is, and /proc/self shows that one.
func onFirstThread() bool { return unix.Gettid() == unix.Getpid() }

func (k *Kernel) mustBeHome() {
	at, err := currentNamespace()
	if err != nil {
		panic(fmt.Sprintf("kernel: the thread's network namespace is unknown: %v", err))
	}
	if at != k.home {
		panic("kernel: a namespace is entered from inside another one")
	}
}

// inside runs fn on a locked thread in a lab's network namespace. Sockets that fn opens stay
// in the namespace; fn must not start goroutines that rely on it.
func (k *Kernel) inside(namespace string, fn func() error) error {
	return k.onThread(func(t *thread) error {
		fd, err := openNamespace(namespace)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := t.enter(fd); err != nil {
			return fmt.Errorf("enter %s: %w", namespace, err)
		}
		return fn()
	})
}

// Enter runs fn in a lab's network namespace, on a thread of its own. fn sees everything
// else, mounts included, as the process does.
func (k *Kernel) Enter(namespace string, fn func() error) error {
	return k.inside(namespace, fn)
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
