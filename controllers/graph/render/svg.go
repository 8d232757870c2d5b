// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"html"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// SVG draws a picture. It needs nothing outside itself, and follows the reader's choice of light or dark.
func SVG(p *layout.Picture) string {
	d := drawer{p: p, positions: p.Positions()}
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="netlab-title netlab-desc" %s>`+"\n", p.Width, p.Height, p.Width, p.Height, topPosition(p.Top))
	d.printf(`<title id="netlab-title">%s</title>`+"\n", html.EscapeString("Lab "+p.Graph.Name))
	d.printf(`<desc id="netlab-desc">%s</desc>`+"\n", html.EscapeString(Description(p.Graph)))
	d.printf("<style>\n%s</style>\n", style())
	d.printf(`<rect class="canvas" width="%d" height="%d"/>`+"\n", p.Width, p.Height)
	d.texts(p.Title)
	for i := range p.Wires {
		d.wire(i)
	}
	for i := range p.Cards {
		d.card(i)
	}
	for i := range p.Wires {
		d.label(&p.Wires[i])
	}
	for _, s := range p.Swatches {
		d.printf(`<rect class="f%d" x="%d" y="%d" width="%d" height="%d" rx="3"/>`+"\n", colour(s.Network), s.X, s.Y, s.Width, s.Height)
	}
	d.texts(p.Legend)
	d.badges(p.FailureBadges)
	d.texts(p.Failures)
	d.printf("</svg>\n")
	return d.String()
}

// drawer writes the elements of a picture.
type drawer struct {
	strings.Builder
	p         *layout.Picture
	positions layout.Positions
}

func (d *drawer) printf(format string, args ...any) { fmt.Fprintf(d, format, args...) }

// colours is the number of colours for networks.
const colours = 8

func colour(network int) int { return network % colours }

// strokeOf is the class with the colour of a link.
func strokeOf(l *graph.Link) string {
	switch {
	case l.Down:
		return "cut"
	case l.Network == graph.NoNetwork:
		return "s-"
	}
	return fmt.Sprintf("s%d", colour(l.Network))
}

func (d *drawer) wire(i int) {
	link := &d.p.Graph.Links[i]
	path := pathOf(d.p.Wires[i].Curves)
	d.printf(`<g class="link %s" %s><title>%s</title>`, link.Health, linkPosition(link.Names, d.positions.Links[link.Names[0]]), html.EscapeString(linkTitle(d.p.Graph, link)))
	if len(link.Failures) > 0 {
		d.printf(`<path class="%s" d="%s"/>`, walkClass(d.p.Graph, link), d.walk(i, path))
	}
	class := "wire " + strokeOf(link)
	if link.Trunk {
		d.printf(`<path class="%s trunk" d="%s"/><path class="core" d="%s"/>`, class, path, path)
	} else if len(link.Names) > 1 {
		d.printf(`<path class="%s bundle" d="%s"/>`, class, path)
	} else {
		d.printf(`<path class="%s" d="%s"/>`, class, path)
	}
	d.printf("</g>\n")
}

// walk is the path along a link, or up to where all packets end on it.
func (d *drawer) walk(i int, path string) string {
	link := &d.p.Graph.Links[i]
	if len(link.Stops) == 0 || len(link.Stops) < len(link.Failures) {
		return path
	}
	end := link.Stops[0].End
	for _, s := range link.Stops {
		if s.End != end {
			return path
		}
	}
	for _, port := range d.p.Cards[link.Ends[end].Node].Ports {
		if port.Link == i && port.End == end && port.Right {
			return fmt.Sprintf("M%d %dH%d", port.X, port.Y, d.p.Wires[i].Label.X)
		}
		if port.Link == i && port.End == end {
			return fmt.Sprintf("M%d %dh%d", port.X, port.Y, -layout.Stub)
		}
	}
	return path
}

// walkClass colours the way of packets: those that do not arrive decide.
func walkClass(g *graph.Graph, link *graph.Link) string {
	for _, number := range link.Failures {
		if !g.Failures[number-1].Passed {
			return "walk"
		}
	}
	return "walk passed"
}

// pathOf is one path for the curves of a wire. A bend between two curves is passed straight.
func pathOf(curves []layout.Curve) string {
	var b strings.Builder
	for i, c := range curves {
		if i == 0 {
			fmt.Fprintf(&b, "M%d %d", c.Start.X, c.Start.Y)
		}
		if c.Loop > 0 {
			x := c.From.X + c.Loop*4/3
			fmt.Fprintf(&b, "H%dC%d %d %d %d %d %dH%d", c.From.X, x, c.From.Y, x, c.To.Y, c.To.X, c.To.Y, c.Stop.X)
			continue
		}
		if c.From.Y == c.To.Y {
			fmt.Fprintf(&b, "H%d", c.Stop.X)
			continue
		}
		middle := (c.From.X + c.To.X) / 2
		fmt.Fprintf(&b, "H%dC%d %d %d %d %d %dH%d", c.From.X, middle, c.From.Y, middle, c.To.Y, c.To.X, c.To.Y, c.Stop.X)
	}
	return b.String()
}

func (d *drawer) card(i int) {
	node, c := &d.p.Graph.Nodes[i], &d.p.Cards[i]
	d.printf(`<g class="node %s %s" %s><title>%s</title>`, kindClass(node.Kind), node.Health, cardPosition(node.Name, d.positions.Cards[node.Name]), html.EscapeString(nodeTitle(node)))
	d.printf(`<rect class="card" x="%d" y="%d" width="%d" height="%d" rx="8"/>`, c.X, c.Y, c.Width, c.Height)
	d.printf(`<path class="head" d="M%d %dv%da8 8 0 0 1 8 -8h%da8 8 0 0 1 8 8v%dz"/>`, c.X, c.Y+c.Head-2, 10-c.Head, c.Width-16, c.Head-10)
	d.printf(`<rect class="frame" x="%d" y="%d" width="%d" height="%d" rx="8"/>`, c.X, c.Y, c.Width, c.Height)
	d.printf(`<path class="icon" transform="translate(%d %d)" d="%s"/>`, c.X+9, c.Y+(c.Head-18)/2, icons[node.Kind])
	for _, p := range c.Ports {
		link := &d.p.Graph.Links[p.Link]
		class := "f-"
		if link.Network != graph.NoNetwork {
			class = fmt.Sprintf("f%d", colour(link.Network))
		}
		if link.Down {
			class = "fcut"
		}
		d.printf(`<circle class="port %s" cx="%d" cy="%d" r="4"/>`, class, p.X, p.Y)
	}
	d.printf("\n")
	d.texts(c.Texts)
	d.badges(c.Badges)
	d.printf("</g>\n")
}

func (d *drawer) label(w *layout.Wire) {
	if len(w.Label.Texts) == 0 {
		return
	}
	l := w.Label
	d.printf(`<rect class="label" x="%d" y="%d" width="%d" height="%d" rx="5"/>`+"\n", l.X, l.Y, l.Width, l.Height)
	d.texts(l.Texts)
}

func (d *drawer) badges(list []layout.Badge) {
	for _, b := range list {
		class := "badge"
		if b.Passed {
			class = "badge passed"
		}
		d.printf(`<g class="%s"><circle cx="%d" cy="%d" r="%d"/><text x="%d" y="%d" text-anchor="middle" font-size="%d">%d</text></g>`+"\n",
			class, b.X, b.Y, layout.Radius, b.X, b.Y+4, layout.TextSize, b.Number)
	}
}

func (d *drawer) texts(list []layout.Text) {
	for _, t := range list {
		x, anchor := t.X, ""
		switch {
		case t.End:
			x, anchor = t.X+t.Width, ` text-anchor="end"`
		case t.Middle:
			x, anchor = t.X+t.Width/2, ` text-anchor="middle"`
		}
		class := t.Style.String()
		if t.Network != graph.NoNetwork {
			class = fmt.Sprintf("t%d", colour(t.Network))
		}
		baseline := t.Y + (t.Height+t.Size*7/10)/2
		d.printf(`<text class="%s" x="%d" y="%d" font-size="%d"%s>%s</text>`+"\n", class, x, baseline, t.Size, anchor, html.EscapeString(t.String))
	}
}

func kindClass(k graph.Kind) string { return "k-" + k.String() }

// icons are drawn in 18 × 18 pixels.
var icons = [...]string{
	graph.Host:   "M2 3h14v9h-14zM9 12v3M5.5 15.500h7",
	graph.Router: "M9 1.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0 -15M5 7.500h5.500M8.5 5.500l2.2 2l-2.2 2M13 11h-5.500M9.5 9l-2.2 2l2.2 2",
	graph.Switch: "M1.5 4h15v10h-15zM4.5 7.500h7M10 5.800l2 1.700l-2 1.700M13.5 10.800h-7M8 9.100l-2 1.700l2 1.7",
	graph.Group:  "M4.5 1.5h12v8M1.5 4.500h12v8h-12zM7.5 12.500v3M4.5 15.800h6",
}
