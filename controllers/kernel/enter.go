// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
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
	home, at netns.NsHandle
}

// nowhere is the handle of no open namespace.
var nowhere = netns.None()

// enter moves the thread into the namespace of an open nsfs file.
func (t *thread) enter(ns netns.NsHandle) error {
	if t.at == ns && ns.IsOpen() {
		return nil
	}
	if err := unix.Setns(int(ns), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("setns: %w", err)
	}
	t.at = ns
	return nil
}

// unshare moves the thread into a new namespace and opens it.
func (t *thread) unshare() (netns.NsHandle, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nowhere, fmt.Errorf("unshare: %w", err)
	}
	t.at = nowhere
	ns, err := openOwnNamespace()
	if err != nil {
		return nowhere, err
	}
	t.at = ns
	return ns, nil
}

// openOwnNamespace opens the one the calling thread is in.
func openOwnNamespace() (netns.NsHandle, error) {
	for {
		ns, err := netns.GetFromPath(ownNamespace)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nowhere, fmt.Errorf("open %s: %w", ownNamespace, err)
		}
		return ns, nil
	}
}

// forget must be called before ns is closed: the number may come back for another file.
func (t *thread) forget(ns netns.NsHandle) {
	if t.at == ns {
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
	home, err := openOwnNamespace()
	if err != nil {
		return true, err
	}
	defer home.Close()
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
		ns, err := openNamespace(namespace)
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := t.enter(ns); err != nil {
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
