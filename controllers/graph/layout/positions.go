// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"fmt"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// Positions is where things are in an earlier picture of a lab. The zero value is no earlier picture.
type Positions struct {
	// Top is where the drawing begins, below the title.
	Top int
	// Cards are by node, Links by the name of their first cable.
	Cards map[string]CardPosition
	Links map[string]LinkPosition
}

// CardPosition is where a card was. Left and Right are its ports from top to bottom.
type CardPosition struct {
	Box
	Left, Right []string
}

// LinkPosition has the heights of a link's bends, from left to right, and how far its label was from the card.
type LinkPosition struct {
	Bends []int
	Label int
}

// PortName names one end of a link in a CardPosition.
func PortName(g *graph.Graph, link, end int) string {
	return fmt.Sprintf("%s/%d", g.Links[link].Names[0], end)
}

// shows reports whether the earlier picture has a node of a graph.
func (b *Positions) shows(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if _, known := b.Cards[n.Name]; known {
			return true
		}
	}
	return false
}

// Positions returns where things are, to keep them there in the next picture.
func (p *Picture) Positions() Positions {
	positions := Positions{Top: p.Top, Cards: map[string]CardPosition{}, Links: map[string]LinkPosition{}}
	for i, c := range p.Cards {
		at := CardPosition{Box: c.Box}
		for _, port := range c.Ports {
			name := PortName(p.Graph, port.Link, port.End)
			if port.Right {
				at.Right = append(at.Right, name)
			} else {
				at.Left = append(at.Left, name)
			}
		}
		positions.Cards[p.Graph.Nodes[i].Name] = at
	}
	for i, w := range p.Wires {
		at := LinkPosition{Label: w.LabelDistance}
		for k, c := range w.Curves {
			if k > 0 {
				at.Bends = append(at.Bends, c.Start.Y)
			}
		}
		positions.Links[p.Graph.Links[i].Names[0]] = at
	}
	return positions
}
