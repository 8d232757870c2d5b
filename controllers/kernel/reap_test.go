// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

func TestDeletedNamespacesEnd(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	converge(t, k, state.State{})
	held, err := k.Reap(t.Context())
	if err != nil || len(held) > 0 {
		t.Errorf("held %v, %v", held, err)
	}
}

// TestAHeldNamespaceIsNamed: a process inside keeps a namespace alive. The lab is gone all the
// same, and its name is free.
func TestAHeldNamespaceIsNamed(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	sh(t, "ip netns exec "+ns1+" sleep 60 >/dev/null 2>&1 & echo $! >/run/holder; sleep 0.2")
	converge(t, k, state.State{})
	held, err := k.Reap(t.Context())
	if err != nil || !slices.Equal(held, []string{ns1}) {
		t.Errorf("held %v, %v", held, err)
	}
	if again, err := k.Reap(t.Context()); len(again) > 0 || err != nil {
		t.Errorf("held %v, %v", again, err)
	}
	converge(t, k, tutorialLab())
	sh(t, "kill $(cat /run/holder)")
}

func TestRecords(t *testing.T) {
	k := newKernel(t, Options{})
	if _, err := k.LoadRecord(tutorial); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	for _, content := range []string{"one", "two"} {
		if err := k.SaveRecord(tutorial, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := k.LoadRecord(tutorial); err != nil || string(got) != content {
			t.Errorf("got %q, %v", got, err)
		}
	}
	write(t, recordDir+"/strange", "")
	write(t, recordDir+"/no-lab.json", "")
	if got, err := k.Records(); err != nil || len(got) != 1 || got[0].String() != tutorial.String() {
		t.Errorf("got %v, %v", got, err)
	}
	sh(t, "rm "+recordDir+"/strange "+recordDir+"/no-lab.json")
	for range 2 {
		if err := k.DeleteRecord(tutorial); err != nil {
			t.Error(err)
		}
	}
	if left := sh(t, "ls -A "+recordDir); left != "" {
		t.Errorf("left %s", left)
	}
	for _, id := range []state.Identity{{Namespace: "..", Name: "x"}, {Namespace: "a/b", Name: "c"}, {Namespace: "a", Name: "b/../../c"}, {}} {
		if err := k.SaveRecord(id, nil); err == nil {
			t.Errorf("%v was accepted", id)
		}
	}
}

func TestOneWriterPerLab(t *testing.T) {
	k := newKernel(t, Options{})
	unlock, err := k.Lock(tutorial)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Lock(tutorial)
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("got %v", err)
	}
	other := tutorial
	other.Name = "other"
	unlockOther, err := k.Lock(other)
	if err != nil {
		t.Error(err)
	}
	unlockOther()
	unlock()
	unlock()
	if left := sh(t, "ls -A "+lockDir); left != "" {
		t.Errorf("left %s", left)
	}
	again, err := k.Lock(tutorial)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if _, err := k.Lock(tutorial); !errors.Is(err, ErrBusy) {
		t.Errorf("an old unlock undid a new lock: %v", err)
	}
	again()
}

// TestLocksThatAreRemovedExclude: many take and remove the same lock file at once.
func TestLocksThatAreRemovedExclude(t *testing.T) {
	k := newKernel(t, Options{})
	var holders, wins atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				unlock, err := k.Lock(tutorial)
				if errors.Is(err, ErrBusy) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				wins.Add(1)
				if holders.Add(1) > 1 {
					t.Error("two hold it")
				}
				runtime.Gosched()
				holders.Add(-1)
				unlock()
			}
		})
	}
	all.Wait()
	if wins.Load() == 0 {
		t.Error("nobody got it")
	}
}

func TestAMissingFeatureIsNamed(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	err := k.withSession(func(s *session) error {
		h, err := s.enter(ns1)
		if err != nil {
			return err
		}
		return h.missingSetting(state.SettingKey{Setting: state.TCPECN}, unix.ENOENT)
	})
	if !errors.Is(err, ErrFeatureMissing) || !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "the setting net.ipv4.tcp_ecn") {
		t.Errorf("got %v", err)
	}
}

func TestAnErrorIsTheCommandAndTheKernelsAnswer(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	ops := []state.Op{up(ns1, "l1"), route(ns1, "0.0.0.0/0", 5, hop("l1", "10.0.0.1")), up(ns1, "lo")}
	applied, err := k.Apply(t.Context(), ops)
	var failed *OpError
	if applied != 1 || !errors.As(err, &failed) || failed.Op != ops[1] {
		t.Errorf("applied %d, %v", applied, err)
	}
	if want := "ip -n default.routed-pair.ns1 route replace default via 10.0.0.1 dev l1 proto 78 metric 5: network is unreachable"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestHooksSeeEveryOperation(t *testing.T) {
	var before, after []string
	k := newKernel(t, Options{
		BeforeOp: func(op state.Op) { before = append(before, op.String()) },
		AfterOp:  func(op state.Op) { after = append(after, op.String()) },
	})
	plan := state.Diff(state.State{}, tutorialLab())
	if _, err := k.Apply(t.Context(), append(plan, up(ns1, "nothing"))); err == nil {
		t.Error("no error")
	}
	if len(before) != len(plan)+1 || len(after) != len(plan) {
		t.Errorf("%d before, %d after, %d operations", len(before), len(after), len(plan))
	}
}

// TestOperationsMayBeRepeated: what a crash leaves half done is done again from the start.
func TestOperationsMayBeRepeated(t *testing.T) {
	k := newKernel(t, Options{})
	want := everythingLab()
	build := state.Diff(state.State{}, want)
	remove := state.Diff(want, state.State{})
	for range 2 {
		if _, err := k.Apply(t.Context(), build); err != nil {
			t.Fatal(err)
		}
	}
	mustHold(t, k, want)
	for range 2 {
		if _, err := k.Apply(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
	}
	mustHold(t, k, state.State{})
}

// TestLinksAreDeletedAtOnce: all of a run are tried, and the first failure is the one reported.
func TestLinksAreDeletedAtOnce(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, everythingLab())
	ops := []state.Op{
		state.DeleteLink{LinkID: link(ns1, "l1")},
		state.DeleteLink{LinkID: link(router, "l1")}, // gone with its peer, or about to
		state.DeleteLink{LinkID: link("default.routed-pair.nobody", "l1")},
		state.DeleteLink{LinkID: link(ns1, "lo")},
		state.DeleteLink{LinkID: link(ns2, "l2")},
		up(ns2, "tiny"),
	}
	applied, err := k.Apply(t.Context(), ops)
	if applied != 3 || err == nil || err.Error() != "ip -n default.routed-pair.ns1 link delete lo: operation not supported" {
		t.Errorf("applied %d, %v", applied, err)
	}
	found := observe(t, k, state.State{}).State
	for _, id := range []state.LinkID{link(ns1, "l1"), link(router, "l1"), link(ns2, "l2"), link(router, "l2")} {
		if _, there := found[id.Namespace].Links[id.Name]; there {
			t.Errorf("%v is still there", id)
		}
	}
	if _, there := found[ns1].Links["extra"]; !there {
		t.Error("extra is gone")
	}
}
