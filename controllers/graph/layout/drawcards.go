// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"fmt"

	"github.com/netlab-dev/netlab/controllers/graph"
)

func (s *sheet) drawCard(p placed, level, node int) {
	c, col := p.cards[node], s.columns[level]
	out := Card{Box: Box{col.x, s.top + p.top + p.tops[node], s.cardWidth(p, col, node), c.height}, Head: headHeight}
	out.Texts = append(out.Texts, Text{
		Box:    Box{out.X + iconWidth, out.Y + (headHeight-18)/2, textWidth(s.net.title(node), NameSize), 18},
		String: s.net.title(node), Size: NameSize, Style: Strong, Network: graph.NoNetwork,
	})
	for _, note := range c.notes {
		out.Texts = append(out.Texts, Text{
			Box:    Box{out.X + CardPadding + note.column*c.noteWidth, out.Y + headHeight + 2 + note.row*lineHeight, textWidth(note.line, TextSize), lineHeight},
			String: note.line, Size: TextSize, Style: s.noteStyle(node), Network: note.network,
		})
	}
	for _, port := range c.ports {
		s.drawPort(&out, port)
	}
	for i, number := range s.net.graph.Nodes[node].Failures {
		out.Badges = append(out.Badges, Badge{Point{out.X + out.Width - Radius - 6 - i*(2*Radius+2), out.Y + headHeight/2}, number, false})
	}
	s.picture.Cards[node] = out
}

func (s *sheet) noteStyle(node int) Style {
	if s.net.graph.Nodes[node].Kind == graph.Group {
		return Plain
	}
	return Faint
}

func (s *sheet) drawPort(out *Card, p port) {
	x := out.X
	if p.right {
		x += out.Width
	}
	y := out.Y + p.offset
	out.Ports = append(out.Ports, Port{Point: Point{x, y}, Link: p.link, End: p.end, Right: p.right})
	named := s.net.graph.Links[p.link].Ends[p.end].Port != ""
	for i, line := range p.lines {
		width := textWidth(line, TextSize)
		text := Text{Box: Box{out.X + CardPadding, y - len(p.lines)*lineHeight/2 + i*lineHeight, width, lineHeight}, String: line, Size: TextSize, Network: graph.NoNetwork}
		if i == 0 && named {
			text.Style = Faint
		}
		if p.right {
			text.X, text.End = out.X+out.Width-CardPadding-width, true
		}
		out.Texts = append(out.Texts, text)
	}
}

// drawTitle returns where the drawing begins.
func (s *sheet) drawTitle() int {
	g := s.net.graph
	y := margin - 8
	s.picture.Title = append(s.picture.Title, Text{Box: Box{margin, y, textWidth(g.Name, TitleSize), 24}, String: g.Name, Size: TitleSize, Style: Strong, Network: graph.NoNetwork})
	style := map[graph.Health]Style{graph.Planned: Faint, graph.Good: Success, graph.Bad: Danger, graph.Drifted: Warning}[g.Health]
	y += 26
	for _, line := range wrap(cmp.Or(g.Verdict, g.Counts()), maxTitle, NameSize) {
		s.picture.Title = append(s.picture.Title, Text{Box: Box{margin, y, textWidth(line, NameSize), 18}, String: line, Size: NameSize, Style: style, Network: graph.NoNetwork})
		y += 18
	}
	return y + 18
}

// maxTitle is the widest line above the drawing.
const maxTitle = 900

// frame measures the drawing and puts legend and failures below it.
func (s *sheet) frame() {
	right, bottom := 0, s.top
	for _, c := range s.picture.Cards {
		right, bottom = max(right, c.X+c.Width), max(bottom, c.Y+c.Height)
	}
	for _, w := range s.picture.Wires {
		for _, c := range w.Curves {
			right, bottom = max(right, c.From.X+c.Loop), max(bottom, c.From.Y, c.To.Y)
		}
	}
	for _, t := range s.picture.Title {
		right = max(right, t.X+t.Width)
	}
	right = max(right, minWidth)
	bottom = s.drawLegend(right, bottom+22)
	bottom = s.drawFailures(right, bottom)
	s.picture.Width, s.picture.Height = right+margin, bottom+margin-8
}

// minWidth is the smallest width of the drawing, for the texts around it.
const minWidth = 560

// drawLegend lists the networks in lines.
func (s *sheet) drawLegend(right, y int) int {
	const swatch, space = 14, 22
	x := margin
	for i, network := range s.net.graph.Networks {
		line := network.String()
		width := swatch + 6 + textWidth(line, TextSize)
		if x > margin && x+width > right {
			x, y = margin, y+lineHeight+5
		}
		s.picture.Swatches = append(s.picture.Swatches, Swatch{Box{x, y + 2, swatch, 11}, i})
		s.picture.Legend = append(s.picture.Legend, Text{Box: Box{x + swatch + 6, y, width - swatch - 6, lineHeight}, String: line, Size: TextSize, Style: Faint, Network: graph.NoNetwork})
		x += width + space
	}
	if len(s.net.graph.Networks) == 0 {
		return y - 22
	}
	return y + lineHeight
}

// drawFailures has the cause and the fix of each failing probe.
func (s *sheet) drawFailures(right, y int) int {
	const indent = 2*Radius + 8
	for i, f := range s.net.graph.Failures {
		y += 12
		first, style := true, Danger
		if f.Passed {
			style = Success
		}
		for _, part := range []struct {
			text  string
			style Style
		}{{fmt.Sprintf("%s: %s", f.Probe, f.Reason), style}, {f.Message, Plain}, {f.Fix, Faint}} {
			for _, line := range wrap(part.text, right-margin-indent, TextSize) {
				s.picture.Failures = append(s.picture.Failures, Text{
					Box: Box{margin + indent, y, textWidth(line, TextSize), lineHeight}, String: line, Size: TextSize, Style: part.style, Network: graph.NoNetwork,
				})
				if first {
					s.picture.FailureBadges = append(s.picture.FailureBadges, Badge{Point{margin + Radius, y + lineHeight/2}, i + 1, f.Passed})
				}
				first = false
				y += lineHeight + 1
			}
		}
	}
	return y
}
