// SPDX-License-Identifier: Apache-2.0

package render

import (
	"cmp"
	"slices"

	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// rows maps heights in pixels to lines. What is nearer than half a line shares a line; empty lines are left out.
type rows []int

// nearby is less than the distance of two things in a card that need a line each.
const nearby = 11

func newRows(p *layout.Picture) rows {
	var heights []int
	for _, c := range p.Cards {
		heights = append(heights, c.Y, c.Y+c.Height)
		for _, t := range c.Texts {
			heights = append(heights, t.Y+t.Height/2)
		}
	}
	for _, w := range p.Wires {
		for _, c := range w.Curves {
			heights = append(heights, c.From.Y, c.To.Y)
		}
		for _, t := range w.Label.Texts {
			heights = append(heights, t.Y+t.Height/2)
		}
	}
	slices.Sort(heights)
	var starts rows
	for _, y := range heights {
		if len(starts) == 0 || y-starts[len(starts)-1] >= nearby {
			starts = append(starts, y)
		}
	}
	return starts
}

func (r rows) of(y int) int {
	at, found := slices.BinarySearch(r, y)
	if !found {
		at--
	}
	return max(at, 0)
}

func (r rows) count() int { return len(r) }

// textColumn is a column of cards.
type textColumn struct {
	x           int // in pixels
	left, width int // in characters
}

func columnsOf(p *layout.Picture) (list []textColumn) {
	width := map[int]int{}
	for i, c := range p.Cards {
		failures := len(marks(p.Graph.Nodes[i].Failures))
		width[c.X] = max(width[c.X], inCharacters(c.Width-2*layout.CardPadding)+frameWidth, len(p.Graph.Nodes[i].Name)+failures+frameWidth+2)
	}
	for x, w := range width {
		list = append(list, textColumn{x: x, width: w})
	}
	slices.SortFunc(list, func(a, b textColumn) int { return cmp.Compare(a.x, b.x) })
	return list
}

// columnAt is the column at whose left side, or to the right of it, something is.
func columnAt(columns []textColumn, x int) int {
	at := 0
	for i, c := range columns {
		if c.x <= x {
			at = i
		}
	}
	return at
}

// curveID names a curve of a picture.
type curveID struct{ wire, curve int }

// gap is the room to the right of a column: labels, then a place to bend for each curve.
type gap struct {
	left, label int
	// bends are the curves that bend, from left to right.
	bends []curveID
	// used says that any curve passes the gap.
	used bool
}

func (g gap) width() int {
	if !g.used {
		return 0
	}
	return max(g.label+2+2*len(g.bends)+1, 5)
}

// bendAt is where a curve bends. A straight one bends nowhere.
func (g gap) bendAt(id curveID) int {
	return g.left + g.label + 2 + 2*max(slices.Index(g.bends, id), 0)
}

func gapsOf(p *layout.Picture, columns []textColumn) []gap {
	gaps := make([]gap, len(columns))
	byGap := make([][]curveID, len(columns))
	for i, w := range p.Wires {
		for k, c := range w.Curves {
			at := columnAt(columns, c.Start.X)
			gaps[at].used = true
			if c.From.Y != c.To.Y {
				byGap[at] = append(byGap[at], curveID{i, k})
			}
		}
		if labels := p.Graph.Links[i].Labels; len(labels) > 0 {
			at := columnAt(columns, w.Label.X)
			gaps[at].label = max(gaps[at].label, longest(labels)+1)
		}
	}
	for i := range gaps {
		gaps[i].bends = inOrderOfBends(p, byGap[i])
	}
	return gaps
}

// inOrderOfBends keeps curves from crossing where they need not: first links within the column, the shorter ones first,
// then links that go up, the upper ones first, then links that go down, the lower ones first.
func inOrderOfBends(p *layout.Picture, list []curveID) []curveID {
	key := func(id curveID) (kind, place int) {
		c := p.Wires[id.wire].Curves[id.curve]
		switch {
		case c.Loop > 0:
			return 0, max(c.From.Y, c.To.Y) - min(c.From.Y, c.To.Y)
		case c.To.Y < c.From.Y:
			return 1, c.From.Y
		}
		return 2, -c.From.Y
	}
	slices.SortStableFunc(list, func(a, b curveID) int {
		kindA, placeA := key(a)
		kindB, placeB := key(b)
		return cmp.Or(cmp.Compare(kindA, kindB), cmp.Compare(placeA, placeB))
	})
	return list
}

func longest(labels []graph.Label) (length int) {
	for _, label := range labels {
		length = max(length, len([]rune(label.Text)))
	}
	return length
}
