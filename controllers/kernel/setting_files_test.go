// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// An open file of a setting does not keep its namespace.
func TestKeptSettingsDoNotKeepADeletedNamespace(t *testing.T) {
	k, other := newKernel(t, Options{}), newKernel(t, Options{})
	other.settings = newSettingCache()
	converge(t, k, tutorialLab())
	observe(t, other, tutorialLab())
	file := other.settings.kept[ns1].files[state.TCPECN]
	if file == 0 {
		t.Fatal("nothing is kept")
	}
	perform(t, k, state.DeleteNamespace{Name: ns1})
	if held, err := k.Reap(t.Context()); err != nil || len(held) > 0 {
		t.Errorf("Reap: %v, %v", held, err)
	}
	waitUntil(t, "a setting of a namespace that has ended cannot be read", func() bool {
		_, err := readNumber(int(file), "ipv4/tcp_ecn")
		return errors.Is(err, unix.ENOENT)
	})
	observe(t, other, tutorialLab())
	for name, k := range map[string]*Kernel{"the Kernel that deleted it": k, "the one that saw it gone": other} {
		if kept, there := k.settings.kept[ns1]; there {
			t.Errorf("of a namespace that is gone %s keeps %v", name, kept)
		}
	}
}

// Settings are those of the namespace that has the name now.
func TestANewNamespaceHasItsOwnSettings(t *testing.T) {
	const ttl = "net.ipv4.ip_default_ttl"
	k, other := newKernel(t, Options{}), newKernel(t, Options{})
	other.settings = newSettingCache()
	converge(t, k, tutorialLab())
	observe(t, other, tutorialLab())
	perform(t, k, state.DeleteNamespace{Name: ns1})
	perform(t, k, create(ns1))
	perform(t, k, set(ns1, ttl, "65"))
	before := other.settings.kept[ns1].cookie
	if value := observe(t, other, tutorialLab()).State[ns1].Settings[state.IPDefaultTTL]; value != state.ValueOf(65) {
		t.Errorf("%s is %s, want 65", ttl, value)
	}
	if after := other.settings.kept[ns1].cookie; after == before {
		t.Error("files of the old one are kept")
	}
	perform(t, other, set(ns1, ttl, "66"))
	if value := observe(t, k, tutorialLab()).State[ns1].Settings[state.IPDefaultTTL]; value != state.ValueOf(66) {
		t.Errorf("%s is %s, want 66", ttl, value)
	}
}

// However few files may be open, a fourth of them is for others; what is not kept is opened each time.
func TestFewFilesAreEnough(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	cache := newSettingCache()
	if most := uint64(cache.maxFiles + cache.maxDirs); most > limit.Cur*3/4 {
		t.Errorf("up to %d files are kept, where %d may be open", most, limit.Cur)
	}
	for name, test := range map[string]struct{ maxFiles, maxDirs, files, dirs int }{
		"for two namespaces":                  {2*filesPerNamespace + 1, 100, 2 * filesPerNamespace, 6},
		"for directories of two namespaces":   {filesPerNamespace - 1, 17, 0, 12},
		"for none":                            {0, 0, 0, 0},
		"for all":                             {100 * filesPerNamespace, 100, 3 * filesPerNamespace, 0},
		"for the files of one and no others'": {filesPerNamespace, 5, filesPerNamespace, 0},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, Options{})
			before := openSettings(t)
			k.settings = newSettingCache()
			k.settings.maxFiles, k.settings.maxDirs = test.maxFiles, test.maxDirs
			converge(t, k, tutorialLab())
			for range 2 {
				if plan := state.Diff(observe(t, k, tutorialLab()).State, tutorialLab()); len(plan) > 0 {
					t.Errorf("left: %s", texts(plan))
				}
			}
			if c := k.settings; c.files != test.files || c.dirs != test.dirs {
				t.Errorf("%d files and %d directories are kept, want %d and %d", c.files, c.dirs, test.files, test.dirs)
			}
			if open := openSettings(t) - before; open != test.files+test.dirs {
				t.Errorf("%d are open, want %d", open, test.files+test.dirs)
			}
			converge(t, k, state.State{})
			if c := k.settings; c.files != 0 || c.dirs != 0 || openSettings(t) != before {
				t.Errorf("without a lab %d files and %d directories are kept, %d open", c.files, c.dirs, openSettings(t)-before)
			}
		})
	}
}

// openSettings counts this process's open files and directories of settings.
func openSettings(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(target, settingsDir) {
			n++
		}
	}
	return n
}
