// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// Diff returns the operations that make have into want, in the order they must be applied. It is empty
// exactly when nothing differs. Rows of want win; rows of have that want lacks are deleted, so have must
// hold only what is the lab's (see kernel.Observe).
//
// What carries packets is made before anything is taken away, and packets are led there in between. What is
// made only after something has gone, because the kernel cannot hold both, comes in a second round of the same
// steps; what went with something that was taken away in the last.
func Diff(have, want State) []Op {
	if have.Equal(want) {
		return nil
	}
	d := newDiffer(have, want)
	d.breakLoops()
	d.make()
	d.each((*played).compare)
	d.addUnplugged()
	if d.clearTheWay() {
		d.make()
	}
	d.takeAway()
	d.complete = true
	d.make()
	d.each(d.addRoutes)
	return d.ops
}

// steps are those of make in their order. Each stands in the file of what it changes, with the reason for
// its place.
var steps = []func(*differ){
	(*differ).createNamespaces,
	(*differ).setNamespaceSettings,
	(*differ).addLinks,
	(*differ).setBridgesUnfiltered,
	(*differ).setMasters,
	(*differ).setPortVLANs,
	(*differ).setBridgesGuarded,
	(*differ).resetAttributes,
	(*differ).setQdiscs,
	(*differ).setLinks,
	(*differ).setBridges,
	(*differ).setLinkSettings,
	(*differ).resetAddresses,
	(*differ).addAddresses,
	(*differ).addPrefixRoutes,
	(*differ).setRoutes,
	(*differ).addMovedAddresses,
	(*differ).setRoutes,
}

// make does what the kernel can hold at the same time as what is there. Only when it is complete, it does what
// takes something away.
func (d *differ) make() {
	d.making = true
	for _, step := range steps {
		step(d)
	}
	d.making = false
}

// takeAway deletes what want lacks. An address goes before the routes of its node: as long as neighbours
// may take the node for a gateway, it leads packets on.
func (d *differ) takeAway() {
	d.settleAddresses()
	d.deleteRoutes()
	d.deleteLinks()
	d.deleteNamespaces()
}

// differ plays each operation on its machine the moment it is decided.
type differ struct {
	machine
	want State
	// spaces are the namespaces of have and want in order of name.
	spaces []*played
	// making says that namespaces that go do not matter, complete that nothing is left to take away.
	making, complete bool
	// leaving are the rows that are to go, by address; nil until needed.
	leaving map[netip.Addr][]AddressID
	// owners are where addresses should be; nil until needed.
	owners map[netip.Addr][]AddressID
	ops    []Op
}

// newDiffer finds the namespaces that Diff has to look at.
func newDiffer(have, want State) *differ {
	names := namesOf(have, want)
	d := &differ{machine: newMachine(have, len(names)), want: want, spaces: make([]*played, len(names))}
	for i, name := range names {
		p, n := d.of(name), want[name]
		p.want, d.spaces[i] = &n, p
		p.fresh = !p.now.exists()
	}
	for name := range have.differing(want) {
		d.of(name).differs = true
	}
	d.addUnplugged()
	return d
}

// addUnplugged adds the namespaces of ends that are as wanted, of pairs that are not.
func (d *differ) addUnplugged() {
	for _, p := range d.spaces {
		if !p.differs {
			continue
		}
		for name, link := range p.want.Links {
			if peer := d.played[link.Peer.Namespace]; peer != nil && !peer.differs && !d.plugged(LinkID{p.name, name}, link.Peer) {
				peer.differs = true
			}
		}
	}
}

func (d *differ) do(op Op) {
	op.apply(d.machine)
	d.ops = append(d.ops, op)
}

// each calls phase with every namespace that differs, in order. What an operation takes along
// elsewhere makes another namespace one of them.
func (d *differ) each(phase func(p *played)) {
	for _, p := range d.spaces {
		if p.differs && (!d.making || p.want.exists()) {
			phase(p)
		}
	}
}

// wanted is a link as it should be, in whichever namespace it is.
func (d *differ) wanted(id LinkID) Link { return d.want[id.Namespace].Links[id.Name] }

// unwanted lists, sorted, the keys of have that want lacks.
func unwanted[K comparable, V any](have, want map[K]V, compare func(a, b K) int) []K {
	var keys []K
	for k := range have {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

// missing lists, sorted, the keys of want that have lacks or holds with another value.
func missing[K, V comparable](have, want map[K]V, compare func(a, b K) int) []K {
	return missingAmong(have, want, compare, func(K) bool { return true })
}

// missingAmong is missing for those keys that match.
func missingAmong[K, V comparable](have, want map[K]V, compare func(a, b K) int, match func(K) bool) []K {
	var keys []K
	for k, w := range want {
		if h, ok := have[k]; (!ok || h != w) && match(k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}
