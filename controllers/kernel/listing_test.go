// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestListingsFollowTheDirectory(t *testing.T) {
	dir := t.TempDir()
	touch := func(names ...string) {
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := newListings()
	now := time.Now()
	l.now = func() time.Time { return now }
	age := func(by time.Duration) { now = now.Add(by) }
	set := func(ahead time.Duration) { // the clock that the directory's last change had
		then := time.Now().Add(ahead)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	lists := func(want ...string) {
		t.Helper()
		if got, err := l.withPrefix(dir, "default.lab."); err != nil || !slices.Equal(got, want) {
			t.Fatalf("lists %q, %v, want %q", got, err, want)
		}
	}
	lists()
	touch("default.lab.b", "default.lab.a", "default.labs.c", "default.la", "other.lab.a")
	lists("default.lab.a", "default.lab.b")
	if l.known[dir].settled {
		t.Error("a directory that has just changed is remembered: its next change may have the same time")
	}
	age(time.Minute)
	lists("default.lab.a", "default.lab.b")
	if !l.known[dir].settled {
		t.Error("a directory that has not changed for a minute is read again")
	}
	touch("default.lab.c")
	lists("default.lab.a", "default.lab.b", "default.lab.c")
	age(time.Hour)
	lists("default.lab.a", "default.lab.b", "default.lab.c")
	for _, ahead := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		set(ahead)
		lists("default.lab.a", "default.lab.b", "default.lab.c")
		if l.known[dir].settled {
			t.Errorf("a directory that has just changed is remembered, with a clock that differs by %s", ahead)
		}
		age(time.Minute)
		lists("default.lab.a", "default.lab.b", "default.lab.c")
		if !l.known[dir].settled {
			t.Errorf("a directory that has not changed for a minute is read again, with a clock that differs by %s", ahead)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	lists()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	age(time.Hour)
	lists()
}
