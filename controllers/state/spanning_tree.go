// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"slices"
)

// DesignatedPort is what a port holds of the one that its segment hears configuration messages from (IEEE 802.1D-1998,
// 8.5.5): the root, the cost of the path to it, and the designated port. It is the port itself, or another one of which
// the port has heard.
type DesignatedPort struct {
	// Root and Bridge are identifiers of bridges: two octets of priority and the MAC address.
	Root, Bridge [8]byte
	Cost, Port   uint16
}

// Converging are, sorted, the links that are about to carry packets: those that settle, those of segments on which
// ports hold different things of the spanning tree, ports that a tree blocks and is about to open, and ports of bridges
// whose root is gone.
//
// Without STP a port forwards as soon as its bridge has seen the carrier. One whose state has drifted stays as it is.
func (o Observation) Converging() []LinkID {
	var ports []LinkID
	for _, id := range o.Settling {
		if _, byHand := o.State[id.Namespace].AttributeDrift[AttributeKey{id.Name, PortState}]; !byHand {
			ports = append(ports, id)
		}
	}
	ports = slices.Concat(ports, o.disagreeing(), o.opening(), o.withoutRoot())
	slices.SortFunc(ports, func(a, b LinkID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(ports)
}

// opening are the ports that a tree blocks and is about to open. It blocks a port only if the bridges at both ends of
// its cable are connected without it. While they are not, the port waits for what it last heard of the root to become
// too old.
func (o Observation) opening() []LinkID {
	if len(o.Blocked) == 0 {
		return nil
	}
	var ports []LinkID
	parts := o.connectedBridges()
	for _, id := range o.Blocked {
		here, there := bridgeOf(id, o.link(id)), o.link(id).Peer
		if o.hasTree(id) && o.isUp(id) && o.isUp(there) && parts.find(here) != parts.find(bridgeOf(there, o.link(there))) {
			ports = append(ports, id)
		}
	}
	return ports
}

// disagreeing are the ports on segments whose ports hold different things. A message is then on its way, and may move
// the tree: a bridge sends at most one a second (hold time), so ports of a ring may all forward before the bridge that
// has to block one of them has heard of the root.
func (o Observation) disagreeing() []LinkID {
	if len(o.Designated) == 0 {
		return nil
	}
	segments := o.segments()
	holds, differ := map[LinkID]DesignatedPort{}, map[LinkID]bool{}
	for id, port := range o.Designated {
		if segment := segments.find(id); o.isUp(id) {
			first, known := holds[segment]
			holds[segment] = port
			differ[segment] = differ[segment] || known && first != port
		}
	}
	var ports []LinkID
	for id := range o.Designated {
		if o.isUp(id) && differ[segments.find(id)] {
			ports = append(ports, id)
		}
	}
	return ports
}

// withoutRoot are the ports of bridges that take one for the root to which no cable leads any more. They hear of it from each
// other until what they have heard is too old.
//
// A root that is not the lab's is none of these: the bridge that is nearest to it has no port of the lab on which
// another one is nearer.
func (o Observation) withoutRoot() []LinkID {
	if len(o.Designated) == 0 {
		return nil
	}
	bridges, parts := o.bridgesByMAC(), o.cabledBridges()
	known, hears, ports := map[LinkID]bool{}, map[LinkID]bool{}, map[LinkID][]LinkID{}
	for id, port := range o.Designated {
		if !o.isUp(id) {
			continue
		}
		bridge := bridgeOf(id, o.link(id))
		part := parts.find(bridge)
		root, there := bridges[[6]byte(port.Root[2:])]
		nearer, ours := bridges[[6]byte(port.Bridge[2:])]
		known[part] = known[part] || !ours || there && parts.find(root) == part
		hears[bridge] = hears[bridge] || nearer != bridge
		ports[part] = append(ports[part], id)
	}
	for bridge, hearing := range hears {
		known[parts.find(bridge)] = known[parts.find(bridge)] || !hearing
	}
	var gone []LinkID
	for part, of := range ports {
		if !known[part] {
			gone = append(gone, of...)
		}
	}
	return gone
}

// bridgesByMAC are the bridges by the MAC address in their identifiers.
func (o Observation) bridgesByMAC() map[[6]byte]LinkID {
	bridges := map[[6]byte]LinkID{}
	for namespace, n := range o.State {
		for name := range n.Bridges {
			if mac := n.Links[name].MAC; mac != (MAC{}) {
				bridges[mac] = LinkID{namespace, name}
			}
		}
	}
	return bridges
}

// cabledBridges joins the bridges that cables connect, if both are up, whatever is lost on the way.
func (o Observation) cabledBridges() disjointLinks {
	parts := disjointLinks{}
	sends := func(id LinkID) bool {
		bridge := bridgeOf(id, o.link(id))
		return bridge.Name != "" && o.isUp(id) && o.link(bridge).Up
	}
	for namespace, n := range o.State {
		for name, link := range n.Links {
			if id := (LinkID{namespace, name}); sends(id) && sends(link.Peer) {
				parts.join(bridgeOf(id, link), bridgeOf(link.Peer, o.link(link.Peer)))
			}
		}
	}
	return parts
}

// segments joins the ports that hear each other's configuration messages: the ends of a cable, and the ports of a
// bridge without STP, which forwards them; one with VLANs may not. A cable of which an end loses every packet joins
// nothing.
func (o Observation) segments() disjointLinks {
	segments := disjointLinks{}
	for namespace, n := range o.State {
		for name, link := range n.Links {
			id := LinkID{namespace, name}
			if !o.isUp(id) {
				continue
			}
			if bridge := n.Bridges[link.Master]; link.Master != "" && !bridge.STP && !bridge.VLANFiltering {
				segments.join(id, bridgeOf(id, link))
			}
			isCable := link.Peer != LinkID{}
			if isCable && n.Qdiscs[name].Loss != all && o.State[link.Peer.Namespace].Qdiscs[link.Peer.Name].Loss != all {
				segments.join(id, link.Peer)
			}
		}
	}
	return segments
}

// connectedBridges joins the bridges that forwarding ports connect. A cable on which both ends lose every packet
// connects nothing: its bridges do not hear of each other either.
func (o Observation) connectedBridges() disjointLinks {
	parts, open := disjointLinks{}, map[LinkID]bool{}
	for _, held := range [][]LinkID{o.Settling, o.Blocked} {
		for _, id := range held {
			open[id] = false
		}
	}
	for namespace, n := range o.State {
		for name, link := range n.Links {
			id := LinkID{namespace, name}
			if _, held := open[id]; !held {
				open[id] = link.Master != "" && o.isUp(id) && n.Qdiscs[name].Loss != all
			}
		}
	}
	for id, forwards := range open {
		if peer := o.link(id).Peer; forwards && open[peer] {
			parts.join(bridgeOf(id, o.link(id)), bridgeOf(peer, o.link(peer)))
		}
	}
	return parts
}

func (o Observation) link(id LinkID) Link { return o.State[id.Namespace].Links[id.Name] }

// isUp reports whether an interface is up and has a carrier.
func (o Observation) isUp(id LinkID) bool { return o.link(id).Up && o.Carrier[id] }

// hasTree reports whether the bridge of a port runs STP.
func (o Observation) hasTree(port LinkID) bool {
	return o.State[port.Namespace].Bridges[o.link(port).Master].STP
}

func bridgeOf(port LinkID, link Link) LinkID { return LinkID{port.Namespace, link.Master} }

// disjointLinks are sets of links, each with one that stands for the set.
type disjointLinks map[LinkID]LinkID

func (d disjointLinks) find(id LinkID) LinkID {
	for {
		next, ok := d[id]
		if !ok {
			return id
		}
		id = next
	}
}

func (d disjointLinks) join(a, b LinkID) {
	if a, b = d.find(a), d.find(b); a != b {
		d[a] = b
	}
}
