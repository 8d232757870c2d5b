// SPDX-License-Identifier: Apache-2.0

package lab

import "slices"

// segment is a broadcast domain: what is plugged into one link, or into switches connected with
// each other, per VLAN where they filter.
type segment struct {
	// ends are what has or could have addresses there, in stored order.
	ends []*end
	// subnet is what ends without an address take theirs from; subnetField says where that is said.
	subnet      *subnet
	subnetField string
}

// portAtVLAN is a place where frames can be: at an end that takes them, or inside a switch, per
// VLAN. VLAN 0 of a switch that does not filter is what travels untagged.
type portAtVLAN struct {
	node *node
	end  *end
	vlan uint16
}

// ingress is where frames with a tag go that come in at this end of a link; 0 means untagged. ok is
// false where they are dropped.
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

// attachment is the portAtVLAN of an end that has addresses.
func (e *end) attachment() portAtVLAN {
	if e.node.sw != nil {
		return portAtVLAN{node: e.node, vlan: e.vlan}
	}
	return portAtVLAN{end: e}
}

// disjointSet says which of them are connected: each points to another one of its tree, a root to itself.
type disjointSet map[portAtVLAN]portAtVLAN

func (f disjointSet) find(e portAtVLAN) portAtVLAN {
	parent, ok := f[e]
	if !ok || parent == e {
		return e
	}
	root := f.find(parent)
	f[e] = root
	return root
}

func (f disjointSet) union(a, b portAtVLAN) { f[f.find(a)] = f.find(b) }

// connect joins what links connect, tag by tag.
func (n *network) connect(links func(*link) bool) disjointSet {
	tags := append([]uint16{0}, n.vlans()...)
	f := disjointSet{}
	for _, l := range n.links {
		if !links(l) {
			continue
		}
		for _, tag := range tags {
			a, okA := l.ends[0].ingress(tag)
			b, okB := l.ends[1].ingress(tag)
			if okA && okB {
				f.union(a, b)
			}
		}
	}
	return f
}

// addSegments finds the segments, and among their ends those that links which are up connect.
func (n *network) addSegments() {
	all := n.connect(func(*link) bool { return true })
	live := n.connect(func(l *link) bool { return l.up })
	n.segmentOf = map[portAtVLAN]*segment{}
	for _, x := range n.nodes {
		for _, e := range x.ends {
			e.segment, e.live = n.segmentAt(all.find(e.attachment())), live.find(e.attachment())
		}
	}
	for _, e := range n.allEnds() {
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

// setSubnets finds each segment's subnet: what its links say, its subinterfaces, its switches.
// Two answers are refused.
func (n *network) setSubnets(f disjointSet) {
	for _, l := range n.links {
		if l.subnet != nil {
			for _, e := range l.ends {
				if at, ok := e.ingress(0); ok {
					n.setSubnet(f, at, l.subnet, l.field+".subnet")
				}
			}
		}
		for _, e := range l.ends {
			for _, sub := range e.subinterfaces {
				n.setSubnet(f, sub.attachment(), sub.subnet, sub.field+".subnet")
			}
		}
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			n.setSwitchSubnets(f, x)
		}
	}
}

func (n *network) setSwitchSubnets(f disjointSet, x *node) {
	n.setSubnet(f, portAtVLAN{node: x}, n.subnetByName[x.sw.Subnet], x.field+".subnet")
	for i, v := range x.sw.VLANs {
		n.setSubnet(f, portAtVLAN{node: x, vlan: uint16(v.ID)}, n.subnetByName[v.Subnet], fieldAt(x.field+".vlans", i)+".subnet")
	}
}

func (n *network) setSubnet(f disjointSet, at portAtVLAN, s *subnet, field string) {
	if s == nil {
		return
	}
	switch there := n.segmentAt(f.find(at)); {
	case there.subnet == nil:
		there.subnet, there.subnetField = s, field
	case there.subnet != s:
		n.refuseAbsent(AnyAbsent, field, "write one of them only", "the segment's subnet is %s already, by %s", there.subnet.name, there.subnetField)
	}
}

// segments are those on which somebody can have an address, in stored order.
func (n *network) segments() []*segment {
	var list []*segment
	seen := map[*segment]bool{}
	for _, e := range n.allEnds() {
		if !seen[e.segment] {
			seen[e.segment] = true
			list = append(list, e.segment)
		}
	}
	return list
}

// neighbours are the other nodes' ends on the segment.
func (e *end) neighbours() []*end {
	return slices.DeleteFunc(slices.Clone(e.segment.ends), func(o *end) bool { return o.node == e.node })
}

// liveNeighbours are those that links which are up lead to.
func (e *end) liveNeighbours() []*end {
	return slices.DeleteFunc(e.neighbours(), func(o *end) bool { return !o.up() || !e.up() || o.live != e.live })
}
