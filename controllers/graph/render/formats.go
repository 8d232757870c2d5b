// SPDX-License-Identifier: Apache-2.0

package render

import (
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

// Formats are the formats of a picture, the default first.
var Formats = []string{"svg", "html", "mermaid", "dot", "d2", "ascii"}

// Draw writes a picture in one of Formats. before is where things were in an earlier picture. What does the
// layout itself, such as Mermaid, ignores them.
func Draw(format string, g *graph.Graph, before layout.Positions) string {
	switch format {
	case "mermaid":
		return Mermaid(g)
	case "dot":
		return DOT(g)
	case "d2":
		return D2(g)
	}
	p := Layout(g, before)
	switch format {
	case "ascii":
		return ASCII(p)
	case "html":
		return HTML(p)
	}
	return SVG(p)
}

// Layout lays a graph out, in groups if it is large. A failure moves no node: without an earlier picture, nodes are where
// they are in the plan.
func Layout(g *graph.Graph, before layout.Positions) *layout.Picture {
	if plan := g.Plan(); plan != g && len(before.Cards) == 0 {
		before = layout.New(plan.Grouped(), layout.Positions{}).Positions()
	}
	return layout.New(g.Grouped(), before)
}
