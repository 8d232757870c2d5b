// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"github.com/netlab-dev/netlab/controllers/graph"
)

// New lays a graph out. What is in an earlier picture stays where it is there.
func New(g *graph.Graph, before Positions) *Picture {
	n := newNet(g)
	s := &sheet{net: n, before: before, picture: &Picture{Graph: g, Cards: make([]Card, n.size), Wires: make([]Wire, len(g.Links))}}
	if before.shows(g) {
		p, columns := n.keep(&before)
		s.parts, s.columns = []placed{{p, 0}}, columns
	} else {
		s.parts = n.arranged()
	}
	for _, p := range s.parts {
		s.picture.Crossings += p.crossings()
	}
	s.draw()
	return s.picture
}

// arranged places the connected parts below each other.
func (n *net) arranged() (parts []placed) {
	class, top, bends := n.classes(), 0, n.size
	for _, part := range n.components() {
		l := n.singles(part)
		if n.degree[part[0]] > 0 {
			l = n.choose(part, class)
		}
		d := n.newDrawing(part, l, bends)
		bends += d.bends
		d.arrange(24)
		d.transpose()
		p := d.place()
		parts = append(parts, placed{p, top})
		top += p.height() + 2*cardGap
	}
	return parts
}
