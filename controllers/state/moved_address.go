// SPDX-License-Identifier: Apache-2.0

package state

import "net/netip"

// MovedAddresses are the addresses that operations have brought to an interface, by the network namespaces
// that share its segment. Neighbours remember for half a minute and longer whose an address
// was (ARP, neighbour discovery), and nothing tells them when it moves to another Ethernet address:
// until they have forgotten, it does not answer them.
//
// After is what the kernel holds after the operations. Namespaces that these have made remember
// nothing. VLANs do not matter: to ask once more costs nothing.
func MovedAddresses(ops []Op, after State) map[string]map[netip.Addr]bool {
	made, moved := map[string]bool{}, map[LinkID]map[netip.Addr]bool{}
	for _, op := range ops {
		switch op := op.(type) {
		case CreateNamespace:
			made[op.Name] = true
		case AddAddress:
			addAddress(moved, LinkID{op.Namespace, op.Link}, op.Prefix.Addr())
		case SetMAC:
			for key := range after[op.Namespace].Addresses {
				if key.Link == op.Name {
					addAddress(moved, op.LinkID, key.Prefix.Addr())
				}
			}
		default: // brings no address to an interface
		}
	}
	if len(moved) == 0 || len(made) >= len(after) {
		return nil
	}
	newcomers := map[string]map[netip.Addr]bool{}
	cables := wires(after)
	for id, addresses := range moved {
		for namespace := range cables.around(id) {
			for a := range addresses {
				if namespace != id.Namespace && !made[namespace] {
					addAddress(newcomers, namespace, a)
				}
			}
		}
	}
	return newcomers
}

func addAddress[K comparable](to map[K]map[netip.Addr]bool, key K, a netip.Addr) {
	if to[key] == nil {
		to[key] = map[netip.Addr]bool{}
	}
	to[key][a] = true
}

// wiring is what each interface is directly connected with: the other end of its cable, its
// bridge and that one's ports, what it is a part of and its parts.
type wiring map[LinkID][]LinkID

func wires(s State) wiring {
	w := wiring{}
	connect := func(a, b LinkID) { w[a], w[b] = append(w[a], b), append(w[b], a) }
	for id, link := range s.Links() {
		if link.Master != "" {
			connect(id, LinkID{id.Namespace, link.Master})
		}
		if link.Parent != "" {
			connect(id, LinkID{id.Namespace, link.Parent})
		}
		if link.Peer != (LinkID{}) {
			w[id] = append(w[id], link.Peer)
		}
	}
	return w
}

// around are the network namespaces on an interface's segment.
func (w wiring) around(id LinkID) map[string]bool {
	namespaces, been := map[string]bool{}, map[LinkID]bool{id: true}
	for queue := []LinkID{id}; len(queue) > 0; queue = queue[1:] {
		namespaces[queue[0].Namespace] = true
		for _, next := range w[queue[0]] {
			if !been[next] {
				been[next] = true
				queue = append(queue, next)
			}
		}
	}
	return namespaces
}
