// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// own is the calling thread's network namespace. /proc/self would be that of the process's
// first thread.
const own = "/proc/thread-self/ns/net"

// ID tells network namespaces apart.
type ID struct {
	device, inode uint64
}

// Current identifies the network namespace of the calling thread.
func Current() (ID, error) { return Identify(own) }

// Identify identifies the namespace mounted on a file.
func Identify(path string) (ID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return ID{}, fmt.Errorf("stat %s: %w", path, err)
	}
	return ID{st.Dev, st.Ino}, nil
}

// Handle is an open nsfs file.
type Handle = netns.NsHandle

// None is the handle of no open namespace.
var None = netns.None()

// Thread is an OS thread that belongs to one goroutine and may be in any network namespace.
type Thread struct {
	// home is the thread's own namespace. at is the one it is in; None if no open file is it.
	home, at Handle
}

// Enter moves the thread into an open namespace.
func (t *Thread) Enter(ns Handle) error {
	if t.at == ns && ns.IsOpen() {
		return nil
	}
	if err := unix.Setns(int(ns), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("setns: %w", err)
	}
	t.at = ns
	return nil
}

// EnterHome moves the thread into the process's own namespace.
func (t *Thread) EnterHome() error { return t.Enter(t.home) }

// IsIn reports whether Enter last moved the thread into ns.
func (t *Thread) IsIn(ns Handle) bool { return t.at == ns }

// Unshare moves the thread into a new namespace and opens it.
func (t *Thread) Unshare() (Handle, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return None, fmt.Errorf("unshare: %w", err)
	}
	t.at = None
	ns, err := openOwn()
	if err != nil {
		return None, err
	}
	t.at = ns
	return ns, nil
}

// Forget must be called before ns is closed: the kernel may use its number for another file.
func (t *Thread) Forget(ns Handle) {
	if t.at == ns {
		t.at = None
	}
}

// openOwn opens the namespace of the calling thread.
func openOwn() (Handle, error) {
	for {
		ns, err := netns.GetFromPath(own)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return None, fmt.Errorf("open %s: %w", own, err)
		}
		return ns, nil
	}
}

// Home is the process's own network namespace.
type Home struct{ id ID }

// FindHome takes the calling thread's namespace for the process's own.
func FindHome() (Home, error) {
	id, err := Current()
	return Home{id}, err
}

// Do runs fn on a locked thread and waits for it. No other goroutine runs on a thread whose
// namespace could not be restored: its goroutine ends locked, and the thread with it.
//
// fn must not call Do again, directly or indirectly: the inner call would take the outer one's
// namespace for the process's own. That panics.
func (h Home) Do(fn func(*Thread) error) error {
	h.MustBeCurrent()
	result := errors.New("the function on a locked thread ended its goroutine")
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if onFirstThread() {
			// Held here until it is over, it is not the one that fn gets.
			result = h.Do(fn)
			runtime.UnlockOSThread()
			return
		}
		restored, err := runAndReturn(fn)
		if restored {
			runtime.UnlockOSThread()
		}
		result = err
	}()
	<-done
	return result
}

// runAndReturn reports whether the thread is back in the namespace it came from.
func runAndReturn(fn func(*Thread) error) (restored bool, err error) {
	home, err := openOwn()
	if err != nil {
		return true, err
	}
	defer home.Close()
	t := &Thread{home: home, at: home}
	err = fn(t)
	if restoreErr := t.EnterHome(); restoreErr != nil {
		return false, errors.Join(err, fmt.Errorf("return to the process's network namespace: %w", restoreErr))
	}
	return true, err
}

// onFirstThread reports whether this is the thread whose end would be the process's end. The
// runtime parks it instead, in whatever namespace it is, and /proc/self shows that one.
func onFirstThread() bool { return unix.Gettid() == unix.Getpid() }

// MustBeCurrent panics on a thread that is in another namespace.
func (h Home) MustBeCurrent() {
	at, err := Current()
	if err != nil {
		panic(fmt.Sprintf("netns: the thread's network namespace is unknown: %v", err))
	}
	if at != h.id {
		panic("netns: nested entry into a network namespace")
	}
}
