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
func Diff(have, want State) []Op { return DiffIn(have, want, have.Differing(want)) }

// Differing lists, sorted, the namespaces of which the States hold different rows.
func (s State) Differing(o State) []string { return slices.Sorted(s.differing(o)) }

// DifferingIn is Differing for some namespaces.
func (s State) DifferingIn(o State, namespaces []string) []string {
	var differing []string
	for _, name := range namespaces {
		if n := s[name]; !n.Equal(o[name]) {
			differing = append(differing, name)
		}
	}
	slices.Sort(differing)
	return slices.Compact(differing)
}

// DiffIn is Diff for States of which only the given namespaces may differ. Its cost grows with these, and not with the
// States.
func DiffIn(have, want State, namespaces []string) []Op {
	d := newDiffer(have, want, namespaces)
	if len(d.spaces()) == 0 {
		return nil
	}
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
	(*differ).setNeighbours,
	(*differ).setRoutes,
	(*differ).addMovedAddresses,
	(*differ).setNeighbours,
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
	d.deleteNeighbours()
	d.settleAddresses()
	d.deleteRoutes()
	d.deleteLinks()
	d.deleteNamespaces()
}

// differ plays each operation on its machine the moment it is decided.
type differ struct {
	machine
	// sorted is how many of the namespaces that changed are in order of name.
	sorted int
	// making says that namespaces that go do not matter, complete that nothing is left to take away.
	making, complete bool
	// leaving are the rows that are to go, by address; nil until needed.
	leaving map[netip.Addr][]AddressID
	// owners are where addresses should be; nil until needed.
	owners map[netip.Addr][]AddressID
	// entries are the neighbour entries that were there; nil until needed.
	entries map[netip.Addr][]NeighbourID
	ops     []Op
}

// newDiffer finds those of the namespaces that differ.
func newDiffer(have, want State, namespaces []string) *differ {
	d := &differ{machine: newMachine(have, len(namespaces))}
	if d.want = want; want == nil {
		d.want = State{}
	}
	for _, name := range namespaces {
		if p := d.of(name); !p.now.equal(p.want) {
			d.mark(p)
		}
	}
	d.addUnplugged()
	return d
}

// addUnplugged adds the namespaces of ends that are as wanted, of pairs that are not.
func (d *differ) addUnplugged() {
	d.each(func(p *played) {
		for name, link := range p.want.Links {
			if d.knows(link.Peer.Namespace) && !d.of(link.Peer.Namespace).differs && !d.plugged(LinkID{p.name, name}, link.Peer) {
				d.mark(d.of(link.Peer.Namespace))
			}
		}
	})
}

// knows reports whether a namespace is the lab's, now or then.
func (d *differ) knows(name string) bool {
	_, has := d.have[name]
	_, wants := d.want[name]
	return has || wants
}

func (d *differ) do(op Op) {
	op.apply(d.machine)
	d.ops = append(d.ops, op)
	d.followNeighbours(op)
}

// each calls phase with every namespace that differs, in order. What an operation takes along
// elsewhere makes another namespace one of them.
func (d *differ) each(phase func(p *played)) {
	for i := 0; i < len(d.spaces()); i++ {
		p, before := d.spaces()[i], len(*d.changed)
		if !p.differs || d.making && !p.want.exists() {
			continue
		}
		if phase(p); len(*d.changed) > before {
			i, _ = slices.BinarySearchFunc(d.spaces(), p.name, (*played).compareName)
		}
	}
}

// spaces are the namespaces that differ or did, in order of name.
func (d *differ) spaces() []*played {
	if all := *d.changed; d.sorted < len(all) {
		slices.SortFunc(all, func(a, b *played) int { return a.compareName(b.name) })
		d.sorted = len(all)
	}
	return *d.changed
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
