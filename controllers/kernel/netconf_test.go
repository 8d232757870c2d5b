// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"maps"
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// insideTutorial runs fn in the tutorial's router.
func insideTutorial(t *testing.T, fn func(h *handle)) {
	t.Helper()
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	err := k.withSession(func(s *session) error {
		h, err := s.enter(router)
		if err == nil {
			fn(h)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The kernel's messages tell the same as its files, whatever the value.
func TestSettingsInMessagesAreThoseInFiles(t *testing.T) {
	insideTutorial(t, func(h *handle) {
		born, err := h.conn.netconf()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(born)) {
			for _, value := range []string{"1", "0"} {
				if err := h.writeSysctl(name, value); err != nil {
					t.Fatal(err)
				}
				told, err := h.conn.netconf()
				if err != nil || told[name] != value {
					t.Errorf("%s is %s, the message says %q, %v", name, value, told[name], err)
				}
			}
			if !slices.Contains(state.NamespaceSysctls, name) {
				t.Errorf("no State has %s", name)
			}
		}
		if len(born) != 6 {
			t.Errorf("the messages tell %v", born)
		}
	})
}
