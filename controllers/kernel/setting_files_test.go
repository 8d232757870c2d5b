// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// A directory of settings that is kept open is no reason for a namespace to go on.
func TestKeptSettingsDoNotKeepADeletedNamespace(t *testing.T) {
	k, other := newKernel(t, Options{}), newKernel(t, Options{})
	converge(t, k, tutorialLab())
	observe(t, other, tutorialLab())
	if other.kept.count == 0 {
		t.Fatal("nothing is kept")
	}
	perform(t, k, state.DeleteNamespace{Name: ns1})
	if held, err := k.Reap(t.Context()); err != nil || len(held) > 0 {
		t.Errorf("Reap: %v, %v", held, err)
	}
	observe(t, other, tutorialLab())
	for who, k := range map[string]*Kernel{"who deleted it": k, "who saw it gone": other} {
		if kept, there := k.kept.open[ns1]; there {
			t.Errorf("of a namespace that is gone %s keeps %v", who, kept.dirs)
		}
	}
}

// Settings are those of the namespace that has the name now.
func TestANamespaceMadeAnewHasItsOwnSettings(t *testing.T) {
	const ttl = "net.ipv4.ip_default_ttl"
	k, other := newKernel(t, Options{}), newKernel(t, Options{})
	converge(t, k, tutorialLab())
	observe(t, other, tutorialLab())
	perform(t, k, state.DeleteNamespace{Name: ns1})
	perform(t, k, create(ns1))
	perform(t, k, set(ns1, ttl, "65"))
	before := other.kept.open[ns1].owner
	if value := observe(t, other, tutorialLab()).State[ns1].Settings[state.IPDefaultTTL]; value != state.ValueOf(65) {
		t.Errorf("%s is %s, want 65", ttl, value)
	}
	if after := other.kept.open[ns1].owner; after == before {
		t.Error("directories of the old one are kept")
	}
	perform(t, other, set(ns1, ttl, "66"))
	if value := observe(t, k, tutorialLab()).State[ns1].Settings[state.IPDefaultTTL]; value != state.ValueOf(66) {
		t.Errorf("%s is %s, want 66", ttl, value)
	}
}

// Whatever room is left for files, most of it stays for others; what is not kept is opened each time.
func TestFewFilesAreEnough(t *testing.T) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	k := newKernel(t, Options{})
	if most := k.kept.most; most > maxSettingsDirs || uint64(most) > files.Cur/4 {
		t.Errorf("up to %d directories are kept, where %d files may be open", most, files.Cur)
	}
	k.kept.most = 5
	converge(t, k, tutorialLab())
	if plan := state.Diff(observe(t, k, tutorialLab()).State, tutorialLab()); len(plan) > 0 {
		t.Errorf("left: %s", texts(plan))
	}
	if k.kept.count != 5 {
		t.Errorf("%d are kept, want 5", k.kept.count)
	}
}
