// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"github.com/netlab-dev/netlab/controllers/graph"
)

// New lays a graph out.
func New(g *graph.Graph, before Positions) *Picture {
	_ = before
	n := newNet(g)
	class := n.classes()
	s := &sheet{net: n, picture: &Picture{Graph: g, Cards: make([]Card, n.size), Wires: make([]Wire, len(g.Links))}}
	top, bends := 0, n.size
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
		s.parts = append(s.parts, placed{p, top})
		s.picture.Crossings += d.crossings()
		top += p.height() + 2*cardGap
	}
	s.draw()
	return s.picture
}
