// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// What can be seen can be taken back, and the command for it can be written; and the other way round.
func TestEveryAttributeIsSeenAndTakenBack(t *testing.T) {
	var seen []state.LinkAttribute
	for _, all := range []initialValues{initialLink, initialBridge, initialPort} {
		for _, b := range all {
			if b.value != nil {
				seen = append(seen, b.attribute)
			}
		}
	}
	for _, b := range slices.Concat(flagBits, bridgeBits, vlanBits) {
		seen = append(seen, b.attribute)
	}
	slices.Sort(seen)
	if written := state.LinkAttributes(); !slices.Equal(seen, written) {
		t.Errorf("the kernel's tables have\n%q\nand those of commands\n%q", seen, written)
	}
	for _, attribute := range seen {
		if header, data := resetRequest(attribute); header.Change == 0 && data == nil {
			t.Errorf("nothing is written for %s", attribute)
		}
	}
}

// To reset what is not overridden, not there, or of a link that is no port is to write nothing. The kernel also
// announces, a while later, that new ports forward: until that is over the silence has to be waited for.
func TestResettingWhatIsNotOverriddenWritesNothing(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	var ops []state.Op
	for _, attribute := range state.LinkAttributes() {
		for _, id := range []state.LinkID{link(sw, "br0"), link(sw, "p1"), link(ns1, "eth0"), link(ns1, "gone")} {
			ops = append(ops, state.ResetAttribute{AttributeID: state.AttributeID{Namespace: id.Namespace, AttributeKey: state.AttributeKey{Link: id.Name, Attribute: attribute}}})
		}
	}
	var heard string
	for range 20 {
		stop := listen(t, sw, ns1)
		if _, err := k.Apply(t.Context(), ops); err != nil {
			t.Error(err)
		}
		if heard = stop(); heard == "" {
			return
		}
	}
	t.Errorf("the kernel announced:\n%s", heard)
}
