// SPDX-License-Identifier: Apache-2.0

package kernel

import (
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
		told, err := h.conn.netconf()
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for i, value := range told {
			if value == state.Absent {
				continue
			}
			count++
			key := state.SettingKey{Setting: state.Setting(i)}
			for _, number := range []int{1, 0} {
				if err := h.writeSetting(key.Path(), number); err != nil {
					t.Fatal(err)
				}
				told, err := h.conn.netconf()
				if err != nil || told[i] != state.ValueOf(number) {
					t.Errorf("%s is %d, the message says %s, %v", key, number, told[i], err)
				}
			}
		}
		if count != 6 {
			t.Errorf("the messages tell %d settings", count)
		}
	})
}
