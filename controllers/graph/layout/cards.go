// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// port is one end of a link while its card is arranged.
type port struct {
	link, end int
	right     bool
	// offset is the distance of its middle from the top of the card.
	offset int
	lines  []string
}

// card is a node while it is arranged.
type card struct {
	ports         []port // from top to bottom, those at the left first
	notes         []note
	noteWidth     int // of a column of notes
	top           int // of the ports
	width, height int
}

// note is a line of a card, with its place in the grid of a group's members.
type note struct {
	line        string
	network     int
	row, column int
}

func (n *net) notes(node int) (notes []note) {
	x := &n.graph.Nodes[node]
	if x.Network != graph.NoNetwork {
		network := n.graph.Networks[x.Network]
		if network.Name != "" {
			notes = append(notes, note{line: network.Name, network: x.Network})
		}
		for _, cidr := range network.CIDRs {
			notes = append(notes, note{line: cidr, network: x.Network})
		}
	}
	for _, line := range x.Notes {
		notes = append(notes, note{line: line, network: graph.NoNetwork})
	}
	for i := range notes {
		notes[i].row = i
	}
	return append(notes, members(x.Members)...)
}

// members are in columns of about equal height.
func members(list []graph.Member) (notes []note) {
	const rows, most = 12, 4
	columns := min((len(list)+rows-1)/rows, most)
	for i, m := range list {
		perColumn := (len(list) + columns - 1) / columns
		line := strings.Join(append([]string{m.Name}, m.Addresses...), " ")
		notes = append(notes, note{line, graph.NoNetwork, i % perColumn, i / perColumn})
	}
	return notes
}

// title is what a card is headed with.
func (n *net) title(node int) string {
	x := &n.graph.Nodes[node]
	if x.Kind != graph.Group {
		return x.Name
	}
	return x.Members[0].Name + " … " + x.Members[len(x.Members)-1].Name
}

// newCard measures a card with the ports that it has on each side, in their order.
func (n *net) newCard(node int, left, right []port) card {
	c := card{notes: n.notes(node)}
	c.top = headHeight
	columns := 0
	for _, line := range c.notes {
		c.noteWidth = max(c.noteWidth, textWidth(line.line, TextSize)+2*CardPadding)
		c.top, columns = max(c.top, headHeight+(line.row+1)*lineHeight+portSpace), max(columns, line.column+1)
	}
	leftWidth, leftHeight := n.stack(left, c.top)
	rightWidth, rightHeight := n.stack(right, c.top)
	c.ports = append(append(c.ports, left...), right...)
	c.height = c.top + max(leftHeight, rightHeight) + portSpace/2
	if n.graph.Nodes[node].Kind == graph.Group {
		c.height = c.top + portSpace/2
		for i := range c.ports {
			c.ports[i].offset = (headHeight + c.height) / 2
		}
	}
	ports := leftWidth + rightWidth + 2*CardPadding
	if leftWidth > 0 && rightWidth > 0 {
		ports += 2 * CardPadding
	}
	c.width = max(headWidth(n, node), ports, columns*c.noteWidth, 90)
	return c
}

// headWidth has room for the name and for the marks of failures.
func headWidth(n *net, node int) int {
	badges := len(n.graph.Nodes[node].Failures)
	return iconWidth + textWidth(n.title(node), NameSize) + CardPadding + badges*(2*Radius+2)
}

// stack places ports below each other.
func (n *net) stack(ports []port, top int) (width, height int) {
	for i := range ports {
		p := &ports[i]
		end := n.graph.Links[p.link].Ends[p.end]
		p.lines = end.Lines
		if end.Port != "" {
			p.lines = append([]string{end.Port}, end.Lines...)
		}
		lines := max(len(p.lines), len(n.graph.Links[p.link].Labels), 1)
		p.offset = top + height + (lines*lineHeight+portSpace)/2
		width, height = max(width, widest(p.lines, TextSize)), height+lines*lineHeight+portSpace
	}
	return width, height
}

// estimate measures a card whose ports are divided between both sides.
func (n *net) estimate(node int) (height, width int) {
	var sides [2][]port
	for i, l := range n.graph.Links {
		for end := range l.Ends {
			if l.Ends[end].Node == node {
				side := (len(sides[0]) + len(sides[1])) % 2
				sides[side] = append(sides[side], port{link: i, end: end})
			}
		}
	}
	c := n.newCard(node, sides[0], sides[1])
	return c.height, c.width
}
