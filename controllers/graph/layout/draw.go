// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"github.com/netlab-dev/netlab/controllers/graph"
)

// placed is a connected part and where its top is.
type placed struct {
	*placement
	top int
}

// column is the place of a column of the picture. All parts share them.
type column struct {
	x, width int
	// label is the room for labels to its right, loops that for links within the column, and channel that in which
	// other links bend.
	label, loops, channel int
	// straight says that all links to the right are straight, so that labels can be in the middle.
	straight bool
}

// sheet draws the parts.
type sheet struct {
	net     *net
	parts   []placed
	columns []column
	before  Positions
	picture *Picture
	top     int
}

func (s *sheet) draw() {
	s.top = s.drawTitle()
	s.picture.Top = s.top
	s.measureColumns()
	for _, p := range s.parts {
		s.drawPart(p)
	}
	s.frame()
}

// measureColumns makes columns as wide as their widest card and the labels beside it.
func (s *sheet) measureColumns() {
	for _, p := range s.parts {
		for level := range p.columns {
			if level == len(s.columns) {
				s.columns = append(s.columns, column{straight: true})
			}
			s.columns[level].channel = max(s.columns[level].channel, keptChannel)
			s.widen(&s.columns[level], p, level)
		}
	}
	kept := len(s.before.Cards) > 0
	if !kept {
		s.spaceOut()
	}
	x := margin + max(0, minWidth-margin-s.drawingWidth())/2
	for i := range s.columns {
		c := &s.columns[i]
		if kept && i == 0 {
			x = c.x
		}
		c.x = max(x, c.x)
		x = c.x + c.width + c.label + c.loops + c.channel
		if kept && i+1 < len(s.columns) && s.columns[i+1].x > 0 {
			x += keptChannel - c.channel
		}
	}
}

// spaceOut widens the gaps while the picture is not too wide, so that there is room for labels to come.
func (s *sheet) spaceOut() {
	const most = 44
	gaps := len(s.columns) - 1
	for i := range gaps {
		s.columns[i].channel += max(0, min(most, (maxWidth-2*margin-s.drawingWidth())/(gaps-i)))
	}
}

// keptChannel is the least room in which links bend between columns that were there before.
const keptChannel = 2*Stub + 22

// drawingWidth is the width from the first column to the end of the last.
func (s *sheet) drawingWidth() (width int) {
	for i, c := range s.columns {
		width += c.width + c.label + c.loops
		if i+1 < len(s.columns) {
			width += c.channel
		}
	}
	return width
}

func (s *sheet) widen(c *column, p placed, level int) {
	for _, v := range p.columns[level] {
		c.width = max(c.width, s.keptWidth(v, p.cards[v].width))
	}
	c.label = max(c.label, s.labelRoom(p.gaps[level]), s.labelRoom(p.within[level]))
	if len(p.within[level]) > 0 {
		c.loops, c.straight = max(c.loops, Stub+s.longestLoop(p, level)), false
	}
	if len(p.gaps[level]) == 0 {
		return
	}
	c.channel = max(c.channel, channel+s.steepness(p, level))
	for _, g := range p.gaps[level] {
		c.straight = c.straight && p.y(g.from, g.link) == p.y(g.to, g.link)
	}
}

// labelRoom is the room that labels take, each where it was or in front of where links bend.
func (s *sheet) labelRoom(segments []segment) (room int) {
	for _, g := range segments {
		if g.from >= s.net.size {
			continue
		}
		l := s.net.graph.Links[g.link]
		if width := labelWidth(l.Labels); width > 0 {
			room = max(room, max(s.before.Links[l.Names[0]].Label, labelLead)+width)
		}
	}
	return room
}

// steepness gives links that climb far more room to bend.
func (s *sheet) steepness(p placed, level int) (room int) {
	for _, g := range p.gaps[level] {
		room = max(room, abs(p.y(g.from, g.link)-p.y(g.to, g.link))/8)
	}
	return min(room, channel)
}

func (s *sheet) longestLoop(p placed, level int) (room int) {
	for _, g := range p.within[level] {
		room = max(room, p.loop(level, g))
	}
	return room
}

// loop is how far a link within a column bulges: farther than the links that it goes round.
func (p placed) loop(level int, g segment) int {
	top, bottom := p.extentOf(g)
	bulge := 24 + min((bottom-top)/12, 20)
	for _, other := range p.within[level] {
		if a, b := p.extentOf(other); top < a && b < bottom {
			bulge = max(bulge, p.loop(level, other)+14)
		}
	}
	return bulge
}

func (p placed) extentOf(g segment) (top, bottom int) {
	a, b := p.y(g.from, g.link), p.y(g.to, g.link)
	return min(a, b), max(a, b)
}

// y is where a link meets a vertex, from the top of the part.
func (p *placement) y(vertex, link int) int { return p.tops[vertex] + p.anchors[anchor{vertex, link}] }

func (s *sheet) drawPart(p placed) {
	for level, vertices := range p.columns {
		for _, v := range vertices {
			if v < s.net.size {
				s.drawCard(p, level, v)
			}
		}
		for _, g := range p.gaps[level] {
			s.drawSegment(p, level, g)
		}
		for _, g := range p.within[level] {
			s.drawLoop(p, level, g)
		}
	}
}

func (s *sheet) drawSegment(p placed, level int, g segment) {
	c, next := s.columns[level], s.columns[level+1]
	from, to := s.top+p.top+p.y(g.from, g.link), s.top+p.top+p.y(g.to, g.link)
	start, stop := s.rightOf(p, c, g.from), next.x
	curve := Curve{
		Start: Point{start, from}, From: Point{c.x + c.width + c.label + c.loops + Stub, from}, To: Point{stop - Stub, to}, Stop: Point{stop, to},
	}
	if from == to { // it bends nowhere
		curve.From.X = start + Stub
	}
	if g.from >= s.net.size { // a bend goes on through its column
		curve.Start.X = c.x
	}
	wire := &s.picture.Wires[g.link]
	wire.Curves = append(wire.Curves, curve)
	if g.from < s.net.size {
		s.label(wire, g.link, c, Point{start, from})
	}
}

// rightOf is where links leave a vertex to the right.
func (s *sheet) rightOf(p placed, c column, vertex int) int {
	if vertex < s.net.size {
		return c.x + s.cardWidth(p, c, vertex)
	}
	return c.x + c.width
}

// cardWidth is that of the column, but a card that was there before does not get wider because another one does.
func (s *sheet) cardWidth(p placed, c column, node int) int {
	if was := s.keptWidth(node, 0); was >= p.cards[node].width {
		return was
	}
	return c.width
}

// keptWidth is the width that a card had, or another one if it is new.
func (s *sheet) keptWidth(vertex, width int) int {
	if vertex >= s.net.size {
		return width
	}
	return max(width, s.before.Cards[s.net.graph.Nodes[vertex].Name].Width)
}

func (s *sheet) drawLoop(p placed, level int, g segment) {
	c := s.columns[level]
	from, to := s.top+p.top+p.y(g.from, g.link), s.top+p.top+p.y(g.to, g.link)
	bend := c.x + c.width + c.label + Stub
	upper := Point{s.rightOf(p, c, g.from), from}
	wire := &s.picture.Wires[g.link]
	wire.Curves = append(wire.Curves, Curve{
		Start: upper, From: Point{bend, from}, To: Point{bend, to}, Stop: Point{s.rightOf(p, c, g.to), to}, Loop: p.loop(level, g),
	})
	if to < from {
		upper = Point{s.rightOf(p, c, g.to), to}
	}
	s.label(wire, g.link, c, upper)
}

// label puts a link's label beside the card at its left.
func (s *sheet) label(wire *Wire, link int, c column, at Point) {
	l := s.net.graph.Links[link]
	if len(l.Labels) == 0 {
		return
	}
	width, height := labelWidth(l.Labels), len(l.Labels)*lineHeight+2
	wire.LabelDistance = labelLead + (c.label-labelLead-width)/2
	if c.straight {
		wire.LabelDistance = (c.label + c.channel - width) / 2
	}
	if was := s.before.Links[l.Names[0]].Label; was > 0 {
		wire.LabelDistance = was
	}
	box := Box{at.X + wire.LabelDistance, at.Y - height/2, width, height}
	wire.Label.Box = box
	for i, label := range l.Labels {
		text := Text{
			Box:    Box{box.X, box.Y + 1 + i*lineHeight, width, lineHeight},
			String: label.Text, Size: TextSize, Style: labelStyles[label.Kind], Middle: true, Network: graph.NoNetwork,
		}
		if label.Kind == graph.NetworkLabel {
			text.Network = l.Network
		}
		wire.Label.Texts = append(wire.Label.Texts, text)
	}
}

var labelStyles = [...]Style{graph.NetworkLabel: Plain, graph.QualityLabel: Warning, graph.FaultLabel: Danger}
