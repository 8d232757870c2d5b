// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"bytes"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// FuzzDiff lets a fuzzer make the choices that TestLawsHoldForRandomPairs takes from seeds.
func FuzzDiff(f *testing.F) {
	for kind := range byte(10) {
		// Two bytes a choice: the first says which kind of pair it is.
		f.Add(bytes.Repeat([]byte{kind*26 + 5, 77, 200, 3, 130, 9}, 40))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := checkLaws(statetest.FromBytes(data)); err != nil {
			t.Error(err)
		}
	})
}

// FuzzParseLabel: what is read back is what was written, and nothing else is taken for a label.
func FuzzParseLabel(f *testing.F) {
	for _, mark := range []string{"netlab.dev/agent/6f1c/ns1", "netlab.dev/local/default.lab/ns1", "netlab.dev/agent//ns1", "eth0", ""} {
		f.Add(mark)
	}
	f.Fuzz(func(t *testing.T, mark string) {
		if owner, node, ok := state.ParseLabel(mark); ok && owner.Label(node) != mark {
			t.Errorf("ParseLabel(%q) = %q, %q, which is the label %q", mark, owner, node, owner.Label(node))
		}
	})
}
