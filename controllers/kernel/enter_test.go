// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/state"
)

func TestEnterRunsInTheNamespace(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	var there string
	err := k.Enter(router, func() (err error) {
		there, err = os.Readlink("/proc/thread-self/ns/net")
		return err
	})
	if want := strings.TrimSpace(sh(t, "ip netns exec "+router+" readlink /proc/self/ns/net")); err != nil || there != want {
		t.Errorf("ran in %s (%v), want %s", there, err, want)
	}
}

func TestEnterSaysWhyNot(t *testing.T) {
	k := newKernel(t, Options{})
	if err := k.Enter(ns1, nil); err == nil || err.Error() != "open /run/netlab/netns/"+ns1+": no such file or directory" {
		t.Errorf("got %v", err)
	}
	write(t, NamespaceDir+"/"+ns1, "")
	if err := k.Enter(ns1, nil); !errors.Is(err, netns.ErrNotMounted) {
		t.Errorf("got %v", err)
	}
}

// TestNoThreadIsLeftBehind looks at every thread of the process after all kinds of sessions.
func TestNoThreadIsLeftBehind(t *testing.T) {
	k := newKernel(t, Options{})
	failing := errors.New("failing")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				_ = k.Enter(router, func() error { runtime.Gosched(); return failing })
				_, _ = k.Observe(t.Context(), tutorial, state.State{})
				_ = k.Enter("default.routed-pair.nobody", nil)
			}
		})
	}
	converge(t, k, tutorialLab())
	all.Wait()
	_, _ = k.Apply(t.Context(), []state.Op{up(router, "l1"), up(router, "nothing")})
	_ = k.Enter(router, func() error { runtime.Goexit(); return nil })
	waitUntil(t, "every thread is at home", func() bool { return len(strayThreads(t)) == 0 })
}

// strayThreads lists threads whose network or mount namespace is not the process' own.
func strayThreads(t *testing.T) []string {
	t.Helper()
	var strays []string
	for _, kind := range []string{"net", "mnt"} {
		home, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		threads, _ := filepath.Glob("/proc/self/task/*/ns/" + kind)
		for _, path := range threads {
			// A thread that ended meanwhile is nowhere.
			if at, err := os.Readlink(path); err == nil && at != home {
				strays = append(strays, path)
			}
		}
	}
	return strays
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestEnteringFromInsidePanics(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	err := k.Enter(router, func() (err error) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		return k.Enter(ns1, func() error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNoFileIsLeftOpen(t *testing.T) {
	k := newKernel(t, Options{})
	files := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	round := func() {
		converge(t, k, tutorialLab())
		_, _ = k.Apply(t.Context(), []state.Op{up(router, "nothing")})
		_, _ = k.Labs(t.Context())
		converge(t, k, state.State{})
		_, _ = k.Reap(t.Context())
	}
	round()
	before := files()
	for range 5 {
		round()
	}
	if after := files(); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}
