// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// D2 writes a diagram for d2.
func D2(g *graph.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\ndirection: right\n", g.Name)
	shapes := [...]string{graph.Host: "rectangle", graph.Router: "oval", graph.Switch: "hexagon", graph.Group: "rectangle"}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		fmt.Fprintf(&b, "%s: %s {shape: %s%s}\n", quoted(n.Name), quoted(strings.Join(nodeLines(g, n), "\n")), shapes[n.Kind], d2Health(n))
	}
	for i := range g.Links {
		l := &g.Links[i]
		fmt.Fprintf(&b, "%s -- %s: %s {source-arrowhead: %s; target-arrowhead: %s%s}\n",
			quoted(g.Nodes[l.Ends[0].Node].Name), quoted(g.Nodes[l.Ends[1].Node].Name), quoted(labelLines(l)), quoted(endLines(l.Ends[0])), quoted(endLines(l.Ends[1])), d2Style(l))
	}
	return b.String()
}

func d2Health(n *graph.Node) string {
	if n.Health == graph.Bad || len(n.Failures) > 0 {
		return "; style.stroke: red; style.stroke-width: 3"
	}
	return ""
}

func d2Style(l *graph.Link) string {
	switch {
	case l.Down:
		return "; style.stroke: red; style.stroke-dash: 5"
	case len(l.Failures) > 0:
		return "; style.stroke: red"
	case l.Trunk:
		return "; style.stroke-width: 4"
	}
	return ""
}
