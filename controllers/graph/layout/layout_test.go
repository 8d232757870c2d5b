// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/graphtest"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

func draw(t *testing.T, spec *v1alpha1.NetLabSpec) *layout.Picture {
	t.Helper()
	return layout.New(graphtest.Of(t, spec).Grouped(), layout.Positions{})
}

// named is a box and what it is.
type named struct {
	layout.Box
	what string
}

// boxes are all texts, with the frames of labels instead of their lines, and the marks.
func boxes(p *layout.Picture) (list []named) {
	add := func(texts []layout.Text, where string) {
		for _, text := range texts {
			list = append(list, named{text.Box, fmt.Sprintf("%q of %s", text.String, where)})
		}
	}
	mark := func(badges []layout.Badge, where string) {
		for _, b := range badges {
			list = append(list, named{layout.Box{X: b.X - layout.Radius, Y: b.Y - layout.Radius, Width: 2 * layout.Radius, Height: 2 * layout.Radius}, "mark of " + where})
		}
	}
	add(p.Title, "title")
	add(p.Legend, "legend")
	add(p.Failures, "failures")
	mark(p.FailureBadges, "failures")
	for i, c := range p.Cards {
		add(c.Texts, p.Graph.Nodes[i].Name)
		mark(c.Badges, p.Graph.Nodes[i].Name)
	}
	for i, w := range p.Wires {
		if len(w.Label.Texts) > 0 {
			list = append(list, named{w.Label.Box, "label of " + p.Graph.Links[i].Names[0]})
		}
	}
	return list
}

// overlaps are the faults of a picture: what covers something else, or leaves its place.
func overlaps(p *layout.Picture) (faults []string) {
	all := boxes(p)
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.Overlaps(b.Box) {
				faults = append(faults, fmt.Sprintf("%s %v overlaps %s %v", a.what, a.Box, b.what, b.Box))
			}
		}
		if a.X < 0 || a.Y < 0 || a.X+a.Width > p.Width || a.Y+a.Height > p.Height {
			faults = append(faults, fmt.Sprintf("%s %v is outside of the picture", a.what, a.Box))
		}
	}
	for i, c := range p.Cards {
		faults = append(faults, cardFaults(p, i, c)...)
	}
	for i := range p.Wires {
		faults = append(faults, wireFaults(p, i, all)...)
	}
	return faults
}

func cardFaults(p *layout.Picture, i int, c layout.Card) (faults []string) {
	name := p.Graph.Nodes[i].Name
	for _, text := range c.Texts {
		if text.X < c.X || text.Y < c.Y || text.X+text.Width > c.X+c.Width || text.Y+text.Height > c.Y+c.Height {
			faults = append(faults, fmt.Sprintf("%q leaves the card of %s", text.String, name))
		}
	}
	for j, other := range p.Cards[i+1:] {
		if c.Overlaps(other.Box) {
			faults = append(faults, fmt.Sprintf("the cards of %s and %s overlap", name, p.Graph.Nodes[i+1+j].Name))
		}
	}
	return faults
}

// wireFaults are texts and cards that a wire runs through, but for its own label.
func wireFaults(p *layout.Picture, wire int, all []named) (faults []string) {
	own := "label of " + p.Graph.Links[wire].Names[0]
	for _, point := range points(p.Wires[wire]) {
		for _, box := range all {
			if box.what != own && box.Contains(point) {
				faults = append(faults, fmt.Sprintf("link %s runs through %s", p.Graph.Links[wire].Names[0], box.what))
			}
		}
		for i, c := range p.Cards {
			if c.Contains(point) {
				faults = append(faults, fmt.Sprintf("link %s runs through the card of %s", p.Graph.Links[wire].Names[0], p.Graph.Nodes[i].Name))
			}
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults)
}

// points follow a wire in small steps.
func points(w layout.Wire) (list []layout.Point) {
	line := func(a, b layout.Point) {
		steps := max(abs(a.X-b.X), abs(a.Y-b.Y)) + 1
		for k := range steps + 1 {
			list = append(list, layout.Point{X: a.X + (b.X-a.X)*k/steps, Y: a.Y + (b.Y-a.Y)*k/steps})
		}
	}
	for _, c := range w.Curves {
		line(c.Start, c.From)
		last := c.From
		for _, next := range bent(c) {
			line(last, next)
			last = next
		}
		line(last, c.To)
		line(c.To, c.Stop)
	}
	return list
}

// bent follows the bend of a curve, a cubic Bézier.
func bent(c layout.Curve) (list []layout.Point) {
	first, second := layout.Point{X: (c.From.X + c.To.X) / 2, Y: c.From.Y}, layout.Point{X: (c.From.X + c.To.X) / 2, Y: c.To.Y}
	if c.Loop > 0 {
		first, second = layout.Point{X: c.From.X + c.Loop*4/3, Y: c.From.Y}, layout.Point{X: c.From.X + c.Loop*4/3, Y: c.To.Y}
	}
	const steps = 40
	at := func(a, b, c, d, k int) int {
		r := steps - k
		return (a*r*r*r + 3*b*r*r*k + 3*c*r*k*k + d*k*k*k) / (steps * steps * steps)
	}
	for k := range steps {
		list = append(list, layout.Point{X: at(c.From.X, first.X, second.X, c.To.X, k), Y: at(c.From.Y, first.Y, second.Y, c.To.Y, k)})
	}
	return list
}

func abs(x int) int { return max(x, -x) }

func TestNothingOverlaps(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		for _, fault := range overlaps(draw(t, spec)) {
			t.Error(fault)
		}
	})
}

// A lab of 132 nodes, in which a few of all roots are tried.
func TestNothingOverlapsInALargeLab(t *testing.T) {
	for _, fault := range overlaps(draw(t, labtest.Grid{Routers: 24, Hosts: 96, Switches: 12}.Spec())) {
		t.Error(fault)
	}
}

// A picture that is shown 1,600 px wide has no text smaller than 10 px.
func TestTextIsLargeEnough(t *testing.T) {
	const shown, smallest = 1600, 10
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		p := draw(t, spec)
		if p.Width > shown && layout.TextSize*shown < smallest*p.Width {
			t.Errorf("the picture is %d px wide: text of %d px is too small", p.Width, layout.TextSize)
		}
	})
}

// Both ends of each wire are at the right cards, on their borders.
func TestLinksEndAtTheirNodes(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		p := draw(t, spec)
		ports := map[string]layout.Point{}
		for i, c := range p.Cards {
			for _, port := range c.Ports {
				if p.Graph.Links[port.Link].Ends[port.End].Node != i || port.Y < c.Y || port.Y > c.Y+c.Height || port.X != c.X && port.X != c.X+c.Width {
					t.Errorf("%s has a port that is not its own: %+v", p.Graph.Nodes[i].Name, port)
				}
				ports[layout.PortName(p.Graph, port.Link, port.End)] = port.Point
			}
		}
		for i, w := range p.Wires {
			ends := []layout.Point{w.Curves[0].Start, w.Curves[len(w.Curves)-1].Stop}
			want := []layout.Point{ports[layout.PortName(p.Graph, i, 0)], ports[layout.PortName(p.Graph, i, 1)]}
			if !slices.Equal(ends, want) && (ends[0] != want[1] || ends[1] != want[0]) {
				t.Errorf("link %s goes from %v to %v, its ports are at %v", p.Graph.Links[i].Names[0], ends[0], ends[1], want)
			}
		}
	})
}

// ofGraph compares what a graph shows.
var ofGraph = cmpopts.IgnoreUnexported(graph.Graph{})

func TestEqualLabsHaveEqualPictures(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		if diff := cmp.Diff(draw(t, spec), draw(t, spec), ofGraph); diff != "" {
			t.Errorf("the same lab is drawn differently:\n%s", diff)
		}
	})
}

func TestAPictureStaysAsItIs(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		g := graphtest.Of(t, spec).Grouped()
		first := layout.New(g, layout.Positions{})
		second := layout.New(g, first.Positions())
		first.Crossings = second.Crossings
		if diff := cmp.Diff(first, second, ofGraph); diff != "" {
			t.Errorf("the same lab moves when it is drawn again:\n%s", diff)
		}
	})
}

// untouched are the nodes that are in both graphs with the same texts, ports and neighbours.
func untouched(a, b *graph.Graph) (names []string) {
	for i, n := range a.Nodes {
		at := slices.IndexFunc(b.Nodes, func(o graph.Node) bool { return o.Name == n.Name })
		if at >= 0 && describe(a, i) == describe(b, at) {
			names = append(names, n.Name)
		}
	}
	return names
}

func describe(g *graph.Graph, node int) string {
	n := g.Nodes[node]
	parts := []string{fmt.Sprint(n.Name, n.Kind, n.Notes, n.Members)}
	if n.Network != graph.NoNetwork {
		parts = append(parts, g.Networks[n.Network].String())
	}
	for _, l := range g.Links {
		for k, end := range l.Ends {
			if end.Node == node {
				parts = append(parts, fmt.Sprint(l.Names, k, end.Port, end.Lines, l.Labels, g.Nodes[l.Ends[1-k].Node].Name))
			}
		}
	}
	return strings.Join(parts, "\n")
}

// An edit moves neither the cards nor the ports of nodes that it does not touch. Where a text does not fit between two
// columns, all to the right of it moves to the right, which is rare.
func TestAnEditMovesNothingElse(t *testing.T) {
	const edits = 6
	var pushes atomic.Int32
	t.Cleanup(func() {
		if all := edits * int(graphtest.Count(t)); int(pushes.Load()) > all/15 {
			t.Errorf("%d of %d edits pushed columns to the right, want at most one in fifteen", pushes.Load(), all)
		}
	})
	for seed := range graphtest.Count(t) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			generator := graphtest.Random(seed)
			spec := generator.Spec()
			before := draw(t, spec)
			for range edits {
				edited, what := generator.Edit(spec)
				after := layout.New(graphtest.Of(t, edited).Grouped(), before.Positions())
				for _, fault := range overlaps(after) {
					t.Errorf("after %s: %s", what, fault)
				}
				was, is, pushed := before.Positions(), after.Positions(), false
				for _, name := range untouched(before.Graph, after.Graph) {
					a, b := was.Cards[name], is.Cards[name]
					shift := b.X - a.X
					pushed = pushed || shift > 0
					if shift > 0 {
						b.X = a.X
					}
					if diff := cmp.Diff(a, b); diff != "" {
						t.Errorf("%s moves %s:\n%s", what, name, diff)
					}
				}
				if pushed {
					pushes.Add(1)
				}
				spec, before = edited, after
			}
		})
	}
}

// What the layout counts is not less than what is drawn: curves that must not cross do not cross.
func TestCrossingsAreCounted(t *testing.T) {
	graphtest.Each(t, func(t *testing.T, spec *v1alpha1.NetLabSpec) {
		p := draw(t, spec)
		var found []string
		for i, a := range p.Wires {
			for j, b := range p.Wires[:i] {
				for range meetings(a, b) {
					found = append(found, p.Graph.Links[i].Names[0]+" "+p.Graph.Links[j].Names[0])
				}
			}
		}
		if len(found) > p.Crossings {
			t.Errorf("%d crossings are drawn, the layout says %d: %v", len(found), p.Crossings, found)
		}
	})
}

// meetings counts the pairs of curves of two wires that cross.
func meetings(a, b layout.Wire) (count int) {
	for _, c := range a.Curves {
		for _, o := range b.Curves {
			if cross(line(c), line(o)) {
				count++
			}
		}
	}
	return count
}

// line is a curve as a polygon.
func line(c layout.Curve) []layout.Point {
	return append(append([]layout.Point{c.Start, c.From}, bent(c)...), c.To, c.Stop)
}

// cross reports whether two polygons cross, not only touch.
func cross(a, b []layout.Point) bool {
	side := func(p, q, r layout.Point) int { return (q.X-p.X)*(r.Y-p.Y) - (q.Y-p.Y)*(r.X-p.X) }
	for i := range len(a) - 1 {
		for j := range len(b) - 1 {
			p, q, r, s := a[i], a[i+1], b[j], b[j+1]
			if max(r.X, s.X) < min(p.X, q.X) || max(p.X, q.X) < min(r.X, s.X) {
				continue
			}
			if side(p, q, r)*side(p, q, s) < 0 && side(r, s, p)*side(r, s, q) < 0 {
				return true
			}
		}
	}
	return false
}
