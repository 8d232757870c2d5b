// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// Neighbour is what an interface's neighbour table should say of an address, if it says anything.
type Neighbour struct {
	LinkID
	Address netip.Addr
	MAC     MAC
	// Was is the MAC that the address had before, if it is the interface's MAC that changes. A static entry changes with it.
	Was MAC
}

// StaleNeighbours are the entries that operations make wrong, by the index of the operation. Neighbours remember for
// half a minute and longer whose an address was (ARP, neighbour discovery), and nothing tells them when it moves
// to another MAC: until they have forgotten, it does not answer them. Right after an operation that gives a link an
// address or another MAC, or takes away one that another link has by now, the entries of the others on its
// segment are to be updated in place. Deleting them would drop the packets that wait in an entry without a MAC.
//
// Before is what the kernel held before the operations. Namespaces that these make remember nothing.
func StaleNeighbours(before State, ops []Op) map[int][]Neighbour {
	if len(before) == 0 || !slices.ContainsFunc(ops, movesAddress) {
		return nil
	}
	f := &follower{machine: newMachine(before, len(ops)), made: map[string]bool{}, holders: map[netip.Addr][]LinkID{}}
	stale := map[int][]Neighbour{}
	for i, op := range ops {
		if entries := f.follow(op); len(entries) > 0 {
			stale[i] = entries
		}
	}
	return stale
}

func movesAddress(op Op) bool {
	switch op.(type) {
	case AddAddress, MoveAddress, SetMAC:
		return true
	default:
		return false
	}
}

// follower plays operations and notes what they do to addresses.
type follower struct {
	machine
	made map[string]bool
	// holders are the links that have got an address.
	holders map[netip.Addr][]LinkID
	// segments is nil until needed, and when an operation has changed it.
	segments *segments
}

// follow returns the entries that an operation makes wrong.
func (f *follower) follow(op Op) []Neighbour {
	switch o := op.(type) {
	case CreateNamespace:
		f.made[o.Name] = true
	case AddAddress:
		return f.come(op, o.AddressID)
	case MoveAddress:
		return f.come(op, o.To)
	case SetMAC:
		was, _ := f.link(o.LinkID)
		op.apply(f.machine)
		return f.aroundAll(o.LinkID, was.MAC)
	case DeleteAddress:
		op.apply(f.machine)
		return f.left(o.Prefix.Addr())
	case DeleteLink:
		return f.leftBy(op, f.addressesOf(o.LinkID))
	case DeleteNamespace:
		return f.leftBy(op, f.addressesIn(o.Name))
	default: // changes nobody's address
	}
	op.apply(f.machine)
	if rewires(op) {
		f.segments = nil
	}
	return nil
}

// come is for an operation that gives a link an address.
func (f *follower) come(op Op, id AddressID) []Neighbour {
	op.apply(f.machine)
	a := id.Prefix.Addr()
	f.holders[a] = append(f.holders[a], id.link())
	return f.around(id.link(), a)
}

// rewires reports whether an operation may change who shares a segment.
func rewires(op Op) bool {
	switch op.(type) {
	case AddLink, AddBridge, AddVLANLink, SetMaster, ReleaseLink, SetBridge, SetPortVLAN, DeletePortVLAN, CreateNamespace:
		return true
	default:
		return false
	}
}

// addressesOf are those of both ends of a link.
func (f *follower) addressesOf(id LinkID) (all []netip.Addr) {
	link, _ := f.link(id)
	for _, end := range []LinkID{id, link.Peer} {
		for _, key := range f.at(end.Namespace).addressesOf(end.Name) {
			all = append(all, key.Prefix.Addr())
		}
	}
	return all
}

// addressesIn are those of a namespace.
func (f *follower) addressesIn(namespace string) (all []netip.Addr) {
	for _, key := range sortedKeys(f.at(namespace).Addresses, AddressKey.compare) {
		all = append(all, key.Prefix.Addr())
	}
	return all
}

// leftBy is for an operation that takes addresses along.
func (f *follower) leftBy(op Op, addresses []netip.Addr) (stale []Neighbour) {
	op.apply(f.machine)
	f.segments = nil
	for _, a := range addresses {
		stale = append(stale, f.left(a)...)
	}
	return stale
}

// left are the entries for an address that one of its holders has lost, and another has got.
func (f *follower) left(a netip.Addr) (stale []Neighbour) {
	for _, id := range f.holders[a] {
		if slices.ContainsFunc(f.at(id.Namespace).addressesOf(id.Name), func(key AddressKey) bool { return key.Prefix.Addr() == a }) {
			stale = append(stale, f.around(id, a)...)
		}
	}
	return stale
}

// aroundAll are the entries for all addresses of a link whose MAC was another.
func (f *follower) aroundAll(id LinkID, was MAC) (stale []Neighbour) {
	for _, key := range f.at(id.Namespace).addressesOf(id.Name) {
		stale = append(stale, f.around(id, key.Prefix.Addr())...)
	}
	for i := range stale {
		stale[i].Was = was
	}
	return stale
}

// around are the entries for an address of a link at the others on its segment.
func (f *follower) around(id LinkID, a netip.Addr) (stale []Neighbour) {
	link, there := f.link(id)
	if !there || id.Name == Loopback {
		return nil
	}
	if f.segments == nil {
		f.segments = segmentsOf(f.machine)
	}
	for _, other := range f.segments.around(id) {
		if !f.made[other.Namespace] && other.Namespace != id.Namespace {
			stale = append(stale, Neighbour{LinkID: other, Address: a, MAC: link.MAC})
		}
	}
	return stale
}
