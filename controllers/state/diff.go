// SPDX-License-Identifier: Apache-2.0

package state

import "slices"

// Diff returns the operations that make have into want, in the order they must be applied:
// what must go, then namespaces, settings, links, addresses, routes. It is empty exactly when
// nothing differs. Rows of want win; rows of have that want lacks are deleted, so have must
// hold only what is the lab's (see kernel.Observe).
func Diff(have, want State) []Op {
	if have.Equal(want) {
		return nil
	}
	d := newDiffer(have, want)
	for _, phase := range phases {
		phase(d)
	}
	return d.ops
}

// phases are the steps of Diff in their order. Each stands in the file of what it changes, with the reason for
// its place.
var phases = []func(*differ){
	(*differ).deleteRoutes,
	(*differ).deleteLinks,
	(*differ).deleteNamespaces,
	(*differ).deleteExposedAddresses,
	(*differ).cutLinks,
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
	(*differ).setAddresses,
	(*differ).addPrefixRoutes,
	(*differ).addRoutes,
}

// differ plays each operation on its machine the moment it is decided.
type differ struct {
	machine
	want State
	// spaces are the namespaces of have and want in order of name.
	spaces []*played
	ops    []Op
}

// newDiffer finds the namespaces that Diff has to look at.
func newDiffer(have, want State) *differ {
	names := namesOf(have, want)
	d := &differ{machine: newMachine(have, len(names)), want: want, spaces: make([]*played, len(names))}
	for i, name := range names {
		p, n := d.of(name), want[name]
		p.want, d.spaces[i] = &n, p
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
		if p.differs {
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
