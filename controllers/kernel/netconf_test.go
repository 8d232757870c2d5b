// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"maps"
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// insideTutorial runs fn in the tutorial's router.
func insideTutorial(t *testing.T, fn func(d *door)) {
	t.Helper()
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	err := k.visit(func(v *visit) error {
		d, err := v.enter(router)
		if err == nil {
			fn(d)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The kernel's messages tell the same as its files, whatever the value.
func TestSettingsInMessagesAreThoseInFiles(t *testing.T) {
	insideTutorial(t, func(d *door) {
		born, err := d.conn.netconf()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(born)) {
			for _, value := range []string{"1", "0"} {
				if err := d.writeSysctl(name, value); err != nil {
					t.Fatal(err)
				}
				told, err := d.conn.netconf()
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
