// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"iter"
	"slices"
)

// segment is a broadcast domain: the ends of a link, or those of connected switches, per VLAN where they
// filter.
type segment struct {
	// ends are those that can have addresses, in stored order.
	ends []*end
	// subnet is the one that addresses are derived from; subnetField is where the spec names it.
	subnet      *subnet
	subnetField string
}

// portAtVLAN is a vertex of a broadcast domain: an end, or a VLAN of a switch (node). VLAN 0 stands for
// untagged frames at a switch that does not filter.
type portAtVLAN struct {
	node *node
	end  *end
	vlan uint16
}

// ingress is where frames with a tag (0: untagged) arrive that leave the link at this end. ok is false
// where they are dropped.
func (e *end) ingress(tag uint16) (at portAtVLAN, ok bool) {
	switch {
	case e.port != nil && e.port.filters:
		vlan, ok := e.port.vlan(tag)
		return portAtVLAN{node: e.node, vlan: vlan}, ok
	case e.port != nil:
		return portAtVLAN{node: e.node, vlan: tag}, true
	case tag == 0:
		return portAtVLAN{end: e}, true
	}
	for _, sub := range e.subinterfaces {
		if sub.vlan == tag {
			return portAtVLAN{end: sub}, true
		}
	}
	return portAtVLAN{}, false
}

// attachment is the vertex of an end that can have addresses.
func (e *end) attachment() portAtVLAN {
	if e.node.sw != nil {
		return portAtVLAN{node: e.node, vlan: e.vlan}
	}
	return portAtVLAN{end: e}
}

// disjointSet holds the connected components: each vertex maps to its parent, a root to itself or to
// nothing.
type disjointSet map[portAtVLAN]portAtVLAN

func (d disjointSet) find(at portAtVLAN) portAtVLAN {
	parent, ok := d[at]
	if !ok || parent == at {
		return at
	}
	root := d.find(parent)
	d[at] = root
	return root
}

func (d disjointSet) union(a, b portAtVLAN) { d[d.find(a)] = d.find(b) }

// connect unites what the chosen links connect, tag by tag.
func (n *network) connect(links func(*link) bool) disjointSet {
	tags := append([]uint16{0}, n.vlans...)
	d := make(disjointSet, 2*len(n.links))
	for _, l := range n.links {
		if !links(l) {
			continue
		}
		for _, tag := range tags {
			a, okA := l.ends[0].ingress(tag)
			b, okB := l.ends[1].ingress(tag)
			if okA && okB {
				d.union(a, b)
			}
		}
	}
	return d
}

// addSegments finds the segments, and which of their ends are connected by links that are up.
func (n *network) addSegments() {
	n.ends, n.vlans = n.allEnds(), n.allVLANs()
	all := n.connect(func(*link) bool { return true })
	live := all
	if slices.ContainsFunc(n.links, func(l *link) bool { return !l.up }) {
		live = n.connect(func(l *link) bool { return l.up })
	}
	n.segmentOf = map[portAtVLAN]*segment{}
	for _, x := range n.nodes {
		for _, e := range x.ends {
			e.segment, e.live = n.segmentAt(all.find(e.attachment())), live.find(e.attachment())
		}
	}
	for _, e := range n.ends {
		if len(e.segment.ends) == 0 {
			n.segments = append(n.segments, e.segment)
		}
		e.segment.ends = append(e.segment.ends, e)
	}
	n.setSubnets(all)
}

func (n *network) segmentAt(root portAtVLAN) *segment {
	s, ok := n.segmentOf[root]
	if !ok {
		s = &segment{}
		n.segmentOf[root] = s
	}
	return s
}

// setSubnets finds each segment's subnet, at its links, subinterfaces and switches. Two different ones are
// refused.
func (n *network) setSubnets(d disjointSet) {
	for _, l := range n.links {
		if l.subnet != nil {
			for _, e := range l.ends {
				if at, ok := e.ingress(0); ok {
					n.setSubnet(d, at, l.subnet, l.field+".subnet")
				}
			}
		}
		for _, e := range l.ends {
			for _, sub := range e.subinterfaces {
				n.setSubnet(d, sub.attachment(), sub.subnet, sub.field+".subnet")
			}
		}
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			n.setSwitchSubnets(d, x)
		}
	}
}

func (n *network) setSwitchSubnets(d disjointSet, x *node) {
	n.setSubnet(d, portAtVLAN{node: x}, n.subnetByName[x.sw.Subnet], x.field+".subnet")
	for i, v := range x.sw.VLANs {
		n.setSubnet(d, portAtVLAN{node: x, vlan: uint16(v.ID)}, n.subnetByName[v.Subnet], fieldAt(x.field, "vlans", i)+".subnet")
	}
}

func (n *network) setSubnet(d disjointSet, at portAtVLAN, s *subnet, field string) {
	if s == nil {
		return
	}
	switch there := n.segmentAt(d.find(at)); {
	case there.subnet == nil:
		there.subnet, there.subnetField = s, field
	case there.subnet != s:
		n.refuseAbsent(AnyAbsent, field, "remove one of them", "the segment already has subnet %s from %s", there.subnet.name, there.subnetField)
	}
}

// neighbours are the other nodes' ends on the segment.
func (e *end) neighbours() iter.Seq[*end] {
	return func(yield func(*end) bool) {
		for _, o := range e.segment.ends {
			if o.node != e.node && !yield(o) {
				return
			}
		}
	}
}

// isLive reports whether links that are up connect the end with a neighbour.
func (e *end) isLive(neighbour *end) bool {
	return neighbour.up() && e.up() && neighbour.live == e.live
}
