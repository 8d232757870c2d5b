// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
	"slices"
)

// Affected lists, sorted, the network namespaces in which operations change something: those that they write to, those
// from which they take something along, and those at the other end of a cable, whose carrier changes. Before is what
// the kernel held before the operations.
func Affected(before State, ops []Op) []string {
	m := newMachine(before, len(ops))
	names := map[string]bool{}
	for _, op := range ops {
		if o, ok := op.(SetAdmin); ok {
			link, _ := m.link(o.LinkID)
			names[link.Peer.Namespace] = true
		}
		for _, name := range op.Namespaces() {
			names[name] = true
		}
		op.apply(m)
	}
	for _, p := range *m.changed {
		names[p.name] = true
	}
	delete(names, "") // no veth
	return slices.Sorted(maps.Keys(names))
}
