// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
	"slices"
)

// Widened lists, sorted, the network namespaces that may believe in a path MTU which operations have made larger:
// every one that was there before, if any operation gives an interface a larger MTU than it had. A sender is told
// of a smaller link on the way and never of a larger one, so it goes on sending small packets, and refusing
// large ones, until it has forgotten: ten minutes.
//
// Before is what the kernel held before the operations.
func Widened(before State, ops []Op) []string {
	if !slices.ContainsFunc(ops, func(op Op) bool { return widens(op, before) }) {
		return nil
	}
	there := maps.Clone(before)
	for _, op := range ops {
		switch op := op.(type) {
		case CreateNamespace:
			delete(there, op.Name)
		case DeleteNamespace:
			delete(there, op.Name)
		default: // no namespace comes or goes
		}
	}
	return slices.Sorted(maps.Keys(there))
}

// widens takes a link that is made anew for one that is changed.
func widens(op Op, before State) bool {
	larger := func(id LinkID, mtu int) bool {
		link, there := before.Link(id)
		return there && link.MTU < mtu
	}
	switch op := op.(type) {
	case SetMTU:
		return larger(op.LinkID, op.MTU)
	case AddLink:
		return slices.ContainsFunc(op.Ends[:], func(end LinkEnd) bool { return larger(end.LinkID, end.MTU) })
	case AddVLANLink:
		return larger(op.LinkID, op.MTU)
	default:
		return false
	}
}
