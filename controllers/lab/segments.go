// SPDX-License-Identifier: Apache-2.0

package lab

import "slices"

// segment is a broadcast domain: what is plugged into one link, or into switches connected with
// each other, per VLAN where they filter.
type segment struct {
	// ends are what has or could have addresses there, in stored order.
	ends []*end
	// subnet is what ends without an address take theirs from; named says where that is said.
	subnet *subnet
	named  string
}

// element is a place where frames can be: at an end that takes them, or inside a switch, per
// VLAN. VLAN 0 of a switch that does not filter is what travels untagged.
type element struct {
	node *node
	end  *end
	vlan uint16
}

// element is where frames with a tag go that come in at this end of a link; 0 means untagged. ok is
// false where they are dropped.
func (e *end) element(tag uint16) (at element, ok bool) {
	switch {
	case e.port != nil && e.port.filters:
		vlan, ok := e.port.vlan(tag)
		return element{node: e.node, vlan: vlan}, ok
	case e.port != nil:
		return element{node: e.node, vlan: tag}, true
	case tag == 0:
		return element{end: e}, true
	}
	for _, sub := range e.subinterfaces {
		if sub.vlan == tag {
			return element{end: sub}, true
		}
	}
	return element{}, false
}

// home is the element of an end that has addresses.
func (e *end) home() element {
	if e.node.sw != nil {
		return element{node: e.node, vlan: e.vlan}
	}
	return element{end: e}
}

// forest says which elements are connected: each points to another one of its tree, a root to itself.
type forest map[element]element

func (f forest) root(e element) element {
	parent, ok := f[e]
	if !ok || parent == e {
		return e
	}
	root := f.root(parent)
	f[e] = root
	return root
}

func (f forest) join(a, b element) { f[f.root(a)] = f.root(b) }

// connect joins what links connect, tag by tag.
func (n *network) connect(links func(*link) bool) forest {
	tags := append([]uint16{0}, n.vlans()...)
	f := forest{}
	for _, l := range n.links {
		if !links(l) {
			continue
		}
		for _, tag := range tags {
			a, okA := l.ends[0].element(tag)
			b, okB := l.ends[1].element(tag)
			if okA && okB {
				f.join(a, b)
			}
		}
	}
	return f
}

// addSegments finds the segments, and among their ends those that links which are up connect.
func (n *network) addSegments() {
	all := n.connect(func(*link) bool { return true })
	live := n.connect(func(l *link) bool { return l.up })
	n.segmentOf = map[element]*segment{}
	for _, x := range n.nodes {
		for _, e := range x.ends {
			e.segment, e.live = n.segmentAt(all.root(e.home())), live.root(e.home())
		}
	}
	for _, e := range n.allEnds() {
		e.segment.ends = append(e.segment.ends, e)
	}
	n.nameSubnets(all)
}

func (n *network) segmentAt(root element) *segment {
	s, ok := n.segmentOf[root]
	if !ok {
		s = &segment{}
		n.segmentOf[root] = s
	}
	return s
}

// nameSubnets finds each segment's subnet: what its links say, its subinterfaces, its switches.
// Two answers are refused.
func (n *network) nameSubnets(f forest) {
	for _, l := range n.links {
		if l.subnet != nil {
			for _, e := range l.ends {
				if at, ok := e.element(0); ok {
					n.nameSubnet(f, at, l.subnet, l.field+".subnet")
				}
			}
		}
		for _, e := range l.ends {
			for _, sub := range e.subinterfaces {
				n.nameSubnet(f, sub.home(), sub.subnet, sub.field+".subnet")
			}
		}
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			n.nameSwitchSubnets(f, x)
		}
	}
}

func (n *network) nameSwitchSubnets(f forest, x *node) {
	n.nameSubnet(f, element{node: x}, n.subnetByName[x.sw.Subnet], x.field+".subnet")
	for i, v := range x.sw.VLANs {
		n.nameSubnet(f, element{node: x, vlan: uint16(v.ID)}, n.subnetByName[v.Subnet], fieldAt(x.field+".vlans", i)+".subnet")
	}
}

func (n *network) nameSubnet(f forest, at element, s *subnet, field string) {
	if s == nil {
		return
	}
	switch there := n.segmentAt(f.root(at)); {
	case there.subnet == nil:
		there.subnet, there.named = s, field
	case there.subnet != s:
		n.refuseAbsent(AnyAbsent, field, "write one of them only", "the segment's subnet is %s already, by %s", there.subnet.name, there.named)
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
