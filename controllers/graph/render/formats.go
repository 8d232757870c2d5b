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
	grouped := g.Grouped()
	switch format {
	case "ascii":
		return ASCII(grouped)
	case "html":
		return HTML(layout.New(grouped, before))
	}
	return SVG(layout.New(grouped, before))
}
