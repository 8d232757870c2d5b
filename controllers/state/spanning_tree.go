// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"slices"
)

// Converging are, sorted, the links that are about to carry packets: those that settle, and ports that a spanning tree
// blocks and is about to open. A tree blocks a port only if the bridges at both ends of its cable are connected
// without it. While they are not, the port waits for what it last heard of the root to become too old.
//
// Without STP a port forwards as soon as its bridge has seen the carrier. One whose state has drifted stays as it is.
func (o Observation) Converging() []LinkID {
	var ports []LinkID
	for _, id := range o.Settling {
		if _, byHand := o.State[id.Namespace].AttributeDrift[AttributeKey{id.Name, PortState}]; !byHand {
			ports = append(ports, id)
		}
	}
	var parts disjointLinks
	if len(o.Blocked) > 0 {
		parts = o.connectedBridges()
	}
	for _, id := range o.Blocked {
		here, there := bridgeOf(id, o.link(id)), o.link(id).Peer
		if o.hasTree(id) && o.isUp(id) && o.isUp(there) && parts.find(here) != parts.find(bridgeOf(there, o.link(there))) {
			ports = append(ports, id)
		}
	}
	slices.SortFunc(ports, func(a, b LinkID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return ports
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
