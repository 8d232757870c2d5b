// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// view answers what no route lookup does: what is between the nodes.
type view struct {
	state.Observation
	// lab is the wanted lab; nil if it is unknown.
	lab *lab.Lab
	// left are the operations of the plan that change a row.
	left      []state.Op
	links     map[string][]state.LinkID
	addresses map[state.LinkID][]netip.Prefix
	owners    map[netip.Addr]map[string]bool
	switching
}

// look indexes an observation, so that a walk through a large lab reads it once.
func look(see state.Observation, q Question) view {
	v := view{
		Observation: see,
		lab:         q.Lab,
		links:       map[string][]state.LinkID{},
		addresses:   map[state.LinkID][]netip.Prefix{},
		owners:      map[netip.Addr]map[string]bool{},
		switching:   newSwitching(see),
	}
	for namespace, n := range see.State {
		for _, key := range inOrder(n.Addresses) {
			link := state.LinkID{Namespace: namespace, Name: key.Link}
			v.addresses[link] = append(v.addresses[link], key.Prefix)
			if v.owners[key.Prefix.Addr()] == nil {
				v.owners[key.Prefix.Addr()] = map[string]bool{}
			}
			v.owners[key.Prefix.Addr()][namespace] = true
		}
		for _, name := range slices.Sorted(maps.Keys(n.Links)) {
			v.links[namespace] = append(v.links[namespace], state.LinkID{Namespace: namespace, Name: name})
		}
	}
	v.left = v.changing(state.Halves(q.Left))
	return v
}

// inOrder sorts addresses: the kernel's order for those of one interface, by value for IPv6.
func inOrder(rows map[state.AddressKey]state.Address) []state.AddressKey {
	return slices.SortedFunc(maps.Keys(rows), func(a, b state.AddressKey) int {
		return cmp.Or(cmp.Compare(rows[a].Order, rows[b].Order), a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Link, b.Link))
	})
}

func (v view) setting(namespace string, key state.SettingKey) setting {
	n := v.State[namespace]
	return setting{key, n.Setting(key)}
}

// link is an interface's row; the zero Link if there is none.
func (v view) link(id state.LinkID) state.Link { return v.State[id.Namespace].Links[id.Name] }

// has reports whether a node has an address on any interface.
func (v view) has(namespace string, address netip.Addr) bool { return v.owners[address][namespace] }

func (v view) linkHas(id state.LinkID, address netip.Addr) bool {
	return slices.ContainsFunc(v.addresses[id], func(p netip.Prefix) bool { return p.Addr() == address })
}

// onSubnet reports whether an address is in a subnet of an interface.
func (v view) onSubnet(id state.LinkID, address netip.Addr) bool {
	return slices.ContainsFunc(v.addresses[id], func(p netip.Prefix) bool { return p.Contains(address) })
}

// isCable reports whether an interface is one end of a veth pair of the lab whose other end exists.
func (v view) isCable(id state.LinkID) bool {
	link, ok := v.State[id.Namespace].Links[id.Name]
	_, plugged := v.State[link.Peer.Namespace].Links[link.Peer.Name]
	return ok && plugged
}

// leadsOn reports whether packets that leave through an interface can reach another node of the lab.
func (v view) leadsOn(id state.LinkID) bool {
	if link := v.link(id); link.Kind == state.VLANLink {
		id.Name = link.Parent
	}
	return v.isCable(id) || v.isBridge(id)
}

// ends lists, sorted, the interfaces from which a node itself sends: neither bridge ports nor interfaces that
// only carry VLAN interfaces.
func (v view) ends(namespace string) []state.LinkID {
	_, isSwitch := v.bridges[namespace]
	return slices.DeleteFunc(slices.Clone(v.links[namespace]), func(id state.LinkID) bool {
		return !v.leadsOn(id) || len(v.addresses[id]) == 0 && (isSwitch || len(v.onIt[id]) > 0)
	})
}

// carries reports whether a link transmits packets. A VLAN interface depends on its parent.
func (v view) carries(id state.LinkID) bool {
	carrier, known := v.Carrier[id]
	link := v.link(id)
	switch {
	case id.Name == state.Loopback || v.isBridge(id):
		return link.Up
	case link.Kind == state.VLANLink:
		return link.Up && v.carries(state.LinkID{Namespace: id.Namespace, Name: link.Parent})
	}
	return link.Up && v.link(link.Peer).Up && (carrier || !known)
}

// downEnd is the end of a link that is down.
func (v view) downEnd(id state.LinkID) state.LinkID {
	link := v.link(id)
	if parent := (state.LinkID{Namespace: id.Namespace, Name: link.Parent}); link.Kind == state.VLANLink && !v.carries(parent) {
		return v.downEnd(parent)
	}
	if link.Up && v.isCable(id) && !v.link(link.Peer).Up {
		return link.Peer
	}
	return id
}

// linkDownBefore finds the interface that is down between a node and an address: the node's own in the
// address's subnet, or the first on the shortest path, unless an equally short path is up.
func (v view) linkDownBefore(namespace string, address netip.Addr) (state.LinkID, bool) {
	for _, id := range v.links[namespace] {
		if !v.carries(id) && v.onSubnet(id, address) {
			return v.downEnd(id), true
		}
	}
	shortest, _ := v.path(namespace, address, isDown)
	if open, ok := v.path(namespace, address, nothing); ok && len(open) == len(shortest) {
		return state.LinkID{}, false
	}
	for _, neighbour := range shortest {
		if neighbour.obstacle.kind == isDown {
			return neighbour.obstacle.at, true
		}
	}
	return state.LinkID{}, false
}

// path is the shortest path from a node to one that has the address, segment by segment, with some obstacles
// ignored. Every segment is flooded once, however many nodes it has.
func (v view) path(namespace string, address netip.Addr, lifted obstacleKind) ([]neighbour, bool) {
	reached := map[string]neighbour{namespace: {}}
	f := newFlood(v, 0, lifted)
	for queue := []string{namespace}; len(queue) > 0; queue = queue[1:] {
		if v.has(queue[0], address) {
			return backtrack(reached, namespace, queue[0]), true
		}
		for _, out := range v.ends(queue[0]) {
			for _, neighbour := range f.from(out) {
				if _, seen := reached[neighbour.in.Namespace]; !seen {
					reached[neighbour.in.Namespace] = neighbour
					queue = append(queue, neighbour.in.Namespace)
				}
			}
		}
	}
	return nil, false
}

func backtrack(reached map[string]neighbour, from, to string) []neighbour {
	var path []neighbour
	for to != from {
		path = append(path, reached[to])
		to = reached[to].out.Namespace
	}
	slices.Reverse(path)
	return path
}
