// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// ASCII draws a picture with the characters of a terminal: the columns and the order of the picture, in as few lines as
// it takes.
func ASCII(p *layout.Picture) string {
	s := &screen{p: p, rows: newRows(p)}
	s.columns = columnsOf(p)
	s.gaps = gapsOf(p, s.columns)
	s.measure()
	s.canvas = newCanvas(s.rows.count(), s.width)
	s.wires()
	for i := range p.Cards {
		s.card(i)
	}
	s.labels()
	return heading(p.Graph) + s.canvas.String() + footer(p.Graph)
}

func heading(g *graph.Graph) string {
	line := g.Verdict
	if line == "" {
		line = g.Counts()
	}
	return g.Name + "\n" + line + "\n\n"
}

func footer(g *graph.Graph) string {
	var b strings.Builder
	for _, n := range g.Networks {
		if n.Name != "" {
			fmt.Fprintf(&b, "\n%s", n)
		}
	}
	for i, f := range g.Failures {
		fmt.Fprintf(&b, "\n✗%d %s: %s: %s", i+1, f.Probe, f.Reason, f.Message)
		if f.Fix != "" {
			fmt.Fprintf(&b, "; %s", f.Fix)
		}
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// screen translates pixels into places of characters.
type screen struct {
	p       *layout.Picture
	rows    rows
	columns []textColumn
	gaps    []gap
	width   int
	canvas  *canvas
}

// frameWidth is the border of a card and the space inside of it, at both sides.
const frameWidth = 4

// measure places the columns one after the other.
func (s *screen) measure() {
	x := 0
	for i := range s.columns {
		s.columns[i].left = x
		x += s.columns[i].width
		s.gaps[i].left = x
		x += s.gaps[i].width()
	}
	s.width = x
}

// inCharacters is the number of characters in a width of pixels, rounded up.
func inCharacters(pixels int) int {
	one := layout.CharacterWidth * layout.TextSize
	return (pixels*100 + one - 1) / one
}

func (s *screen) wires() {
	for i := range s.p.Wires {
		down := s.p.Graph.Links[i].Down
		for k, c := range s.p.Wires[i].Curves {
			s.curve(curveID{i, k}, c, down)
		}
	}
}

func (s *screen) curve(id curveID, c layout.Curve, dashed bool) {
	at := columnAt(s.columns, c.Start.X)
	from, to := s.rows.of(c.From.Y), s.rows.of(c.To.Y)
	start := s.columns[at].left
	if c.Start.X != s.columns[at].x { // a card's right side
		start += s.columns[at].width - 1
	}
	bend := s.gaps[at].bendAt(id)
	if c.Loop > 0 {
		s.canvas.horizontal(from, start, bend, dashed)
		s.canvas.vertical(bend, from, to, dashed)
		s.canvas.horizontal(to, start, bend, dashed)
		return
	}
	stop := s.columns[at+1].left
	s.canvas.horizontal(from, start, bend, dashed)
	s.canvas.vertical(bend, from, to, dashed)
	s.canvas.horizontal(to, bend, stop, dashed)
}

var glyphs = [...]string{graph.Host: "□", graph.Router: "◎", graph.Switch: "▤", graph.Group: "▣"}

func (s *screen) card(i int) {
	c, node := s.p.Cards[i], s.p.Graph.Nodes[i]
	column := s.columns[columnAt(s.columns, c.X)]
	top, bottom := s.rows.of(c.Y), s.rows.of(c.Y+c.Height)
	s.canvas.box(top, bottom, column.left, column.left+column.width-1)
	for k, t := range c.Texts {
		row := s.rows.of(t.Y + t.Height/2)
		switch {
		case k == 0:
			s.canvas.text(row, column.left+2, glyphs[node.Kind]+" "+t.String+marks(node.Failures))
		case t.End:
			s.canvas.text(row, column.left+column.width-2-len([]rune(t.String)), t.String)
		default:
			s.canvas.text(row, column.left+2+inCharacters(t.X-c.X-layout.CardPadding), t.String)
		}
	}
	for _, port := range c.Ports {
		if port.Right {
			s.canvas.put(s.rows.of(port.Y), column.left+column.width-1, '├')
		} else {
			s.canvas.put(s.rows.of(port.Y), column.left, '┤')
		}
	}
}

func marks(failures []int) string {
	text := ""
	for _, number := range failures {
		text += fmt.Sprintf(" ✗%d", number)
	}
	return text
}

// labels stand on the lines of their links, in front of where links bend.
func (s *screen) labels() {
	for _, w := range s.p.Wires {
		for _, t := range w.Label.Texts {
			gap := s.gaps[columnAt(s.columns, w.Label.X)]
			s.canvas.text(s.rows.of(t.Y+t.Height/2), gap.left+1, t.String)
		}
	}
}
