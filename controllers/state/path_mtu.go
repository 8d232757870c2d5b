// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
	"slices"
)

// StalePathMTUs lists, sorted, the network namespaces that may have cached a path MTU which operations have made
// larger: every one that was there before, if any operation gives an interface a larger MTU than it had. A router
// reports a smaller link on the way and never a larger one, so a sender goes on sending small packets, and refusing
// large ones, until the entry expires: ten minutes.
//
// Before is what the kernel held before the operations.
func StalePathMTUs(before State, ops []Op) []string {
	if !slices.ContainsFunc(ops, func(op Op) bool { return growsMTU(op, before) }) {
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

// growsMTU treats a link that is deleted and added as one that is changed.
func growsMTU(op Op, before State) bool {
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
