// SPDX-License-Identifier: Apache-2.0

package state

import "slices"

// StaleExceptions lists, sorted, the network namespaces that may keep for single destinations what operations have
// made wrong. Routers tell senders of two things, and never that it is over:
//
//	a smaller link on the way    Every namespace may have cached a path MTU when an interface gets a larger MTU
//	                             than it had. It sends small packets, and refuses large ones, for ten minutes.
//	a better next hop on the     A namespace that accepts redirects may have cached one when another node's
//	link                         routes, addresses or links change. It sends there for five minutes.
//
// Before is what the kernel held before the operations.
func StaleExceptions(before State, ops []Op) []string {
	grows := slices.ContainsFunc(ops, func(op Op) bool { return growsMTU(op, before) })
	if !grows && !slices.ContainsFunc(ops, redirects) {
		return nil
	}
	gone := map[string]bool{}
	for _, op := range ops {
		switch op := op.(type) {
		case CreateNamespace:
			gone[op.Name] = true
		case DeleteNamespace:
			gone[op.Name] = true
		default: // no namespace comes or goes
		}
	}
	var stale []string
	for name, n := range before {
		if !gone[name] && (grows || n.acceptsRedirects()) {
			stale = append(stale, name)
		}
	}
	slices.Sort(stale)
	return stale
}

// redirects reports whether the next hop of a redirect may no longer be the right one after an operation.
func redirects(op Op) bool {
	switch op := op.(type) {
	case ReplaceRoute, DeleteRoute, AddAddress, DeleteAddress, MoveAddress, DeleteLink, DeleteNamespace, SetMAC, SetMaster, ReleaseLink:
		return true
	case SetAdmin:
		return !op.Up
	case SetSysctl:
		return op.Setting == IPv4Forwarding || op.Setting == IPv6Forwarding
	default:
		return false
	}
}

// acceptsRedirects reports whether some interface may.
func (n *Namespace) acceptsRedirects() bool {
	if n.Settings[AllAcceptRedirects] == On || n.Settings[AllAcceptRedirects6] == On {
		return true
	}
	for _, link := range n.Links {
		if link.Settings[AcceptRedirects] == On || link.Settings[AcceptRedirects6] == On {
			return true
		}
	}
	return false
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
