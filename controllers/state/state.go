// SPDX-License-Identifier: Apache-2.0

package state

import "iter"

// State is what the kernel holds, or should hold, for one lab on one machine: its network namespaces
// by the names of their files, such as "default.routed-pair.ns1". The nil State is an empty machine. A
// namespace that is not there reads as the zero Namespace.
type State map[string]Namespace

// Link is the row of a link in whichever namespace it is.
func (s State) Link(id LinkID) (link Link, there bool) {
	link, there = s[id.Namespace].Links[id.Name]
	return link, there
}

// Links yields the links of all namespaces, in no order.
func (s State) Links() iter.Seq2[LinkID, Link] {
	return func(yield func(LinkID, Link) bool) {
		for namespace, n := range s {
			for name, link := range n.Links {
				if !yield(LinkID{namespace, name}, link) {
					return
				}
			}
		}
	}
}

// Addresses yields the addresses of all namespaces, in no order.
func (s State) Addresses() iter.Seq2[AddressID, Address] {
	return func(yield func(AddressID, Address) bool) {
		for namespace, n := range s {
			for key, address := range n.Addresses {
				if !yield(AddressID{namespace, key}, address) {
					return
				}
			}
		}
	}
}

// With returns what the kernel would hold after op. It shares with s the namespaces that op does not
// write to.
func (s State) With(op Op) State {
	m := newMachine(s, 2)
	op.apply(m)
	return m.state()
}
