// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// TestMain runs every test of this package as root of a machine of its own.
func TestMain(m *testing.M) { sandbox.TestMain(m) }

func home(t *testing.T) Home {
	t.Helper()
	h, err := FindHome()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// elsewhere moves the thread into a new namespace.
func elsewhere(thread *Thread) error {
	ns, err := thread.Unshare()
	if err == nil {
		thread.Forget(ns)
		err = ns.Close()
	}
	return err
}

func TestAThreadReturns(t *testing.T) {
	h, failing := home(t), errors.New("failing")
	for range 50 {
		err := h.Do(func(thread *Thread) error { return errors.Join(elsewhere(thread), failing) })
		if err == nil || !errors.Is(err, failing) {
			t.Fatalf("got %v", err)
		}
	}
	err := h.Do(func(thread *Thread) error { _ = elsewhere(thread); runtime.Goexit(); return nil })
	if err == nil {
		t.Error("a function that did not return succeeded")
	}
	noThreadIsLeftBehind(t)
}

// A thread left in another namespace must not run other goroutines.
func TestAThreadThatCannotReturnEnds(t *testing.T) {
	err := home(t).Do(func(thread *Thread) error {
		err := elsewhere(thread)
		thread.home = None
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "return to the process's network namespace") {
		t.Errorf("got %v", err)
	}
	noThreadIsLeftBehind(t)
}

func noThreadIsLeftBehind(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); len(strays(t)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in another namespace: %v", strays(t))
		}
	}
}

// strays lists threads whose network namespace is not the process's own.
func strays(t *testing.T) []string {
	t.Helper()
	at, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	threads, _ := filepath.Glob("/proc/self/task/*/ns/net")
	for _, path := range threads {
		// A thread that ended meanwhile has no namespace.
		if ns, err := os.Readlink(path); err == nil && ns != at {
			list = append(list, path)
		}
	}
	return list
}

func TestEnteringFromInsidePanics(t *testing.T) {
	h := home(t)
	err := h.Do(func(thread *Thread) error {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		if err := elsewhere(thread); err != nil {
			return err
		}
		return h.Do(func(*Thread) error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
}

func TestANamespaceIsFoundWhereItIsMounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ns")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNotMounted) {
		t.Errorf("a plain file: %v", err)
	}
	var made ID
	err := home(t).Do(func(thread *Thread) error {
		ns, err := thread.Unshare()
		if err != nil {
			return err
		}
		defer thread.Forget(ns)
		defer ns.Close()
		if made, err = Current(); err != nil {
			return err
		}
		return Mount(ns, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := Identify(path); err != nil || found != made {
		t.Errorf("mounted is %v, %v, want %v", found, err, made)
	}
	ns, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = ns.Close()
	if err := Unmount(path); err != nil {
		t.Error(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNotMounted) {
		t.Errorf("unmounted: %v", err)
	}
}
