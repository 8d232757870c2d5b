// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"github.com/netlab-dev/netlab/controllers/graph"
)

// New lays a graph out. What is in an earlier picture stays where it is there.
func New(g *graph.Graph, before Positions) *Picture {
	n := newNet(g)
	if before.shows(g) {
		p, columns := n.keep(&before)
		return n.draw(&sheet{before: before, parts: []placed{{p, 0}}, columns: columns})
	}
	const attempts = 4
	for attempt := 1; ; attempt++ {
		p := n.draw(&sheet{parts: n.arranged()})
		excess := p.Width - maxWidth
		if excess <= 0 || attempt == attempts {
			return p
		}
		n.limit -= excess + channel
	}
}

func (n *net) draw(s *sheet) *Picture {
	s.net, s.picture = n, &Picture{Graph: n.graph, Cards: make([]Card, n.size), Wires: make([]Wire, len(n.graph.Links))}
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
