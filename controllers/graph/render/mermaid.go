// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// Mermaid writes a flowchart, which GitHub and others show in Markdown. Nodes have numbers as identifiers, since
// names may be its keywords.
func Mermaid(g *graph.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: %s\n---\nflowchart LR\n", g.Name)
	shapes := [...][2]string{graph.Host: {"[", "]"}, graph.Router: {"([", "])"}, graph.Switch: {"[[", "]]"}, graph.Group: {"[", "]"}}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		shape := shapes[n.Kind]
		fmt.Fprintf(&b, "  n%d%s\"%s\"%s\n", i, shape[0], mermaidText(nodeLines(g, n), "<br>"), shape[1])
	}
	for i := range g.Links {
		l := &g.Links[i]
		line := "---"
		switch {
		case l.Down:
			line = "-.-"
		case l.Trunk:
			line = "==="
		}
		fmt.Fprintf(&b, "  n%d %s|\"%s\"| n%d\n", l.Ends[0].Node, line, mermaidText(linkLines(g, l), "<br>"), l.Ends[1].Node)
	}
	b.WriteString(mermaidHealth(g))
	return b.String()
}

// mermaidHealth colours the way of failing packets and the nodes at which they end.
func mermaidHealth(g *graph.Graph) string {
	var bad []string
	links := ""
	for i, l := range g.Links {
		if len(l.Failures) > 0 || l.Health == graph.Bad {
			links += fmt.Sprintf("  linkStyle %d stroke:#c4202b\n", i)
		}
	}
	for i, n := range g.Nodes {
		if n.Health == graph.Bad || len(n.Failures) > 0 {
			bad = append(bad, fmt.Sprintf("n%d", i))
		}
	}
	if bad == nil {
		return links
	}
	return links + "  classDef bad stroke:#c4202b,stroke-width:3px\n  class " + strings.Join(bad, ",") + " bad\n"
}

func mermaidText(lines []string, separator string) string {
	return strings.ReplaceAll(strings.Join(lines, separator), `"`, "#quot;")
}

// nodeLines are the texts of a node: its name, the network of a switch, notes, members and failures.
func nodeLines(g *graph.Graph, n *graph.Node) []string {
	lines := []string{n.Name}
	if n.Network != graph.NoNetwork {
		lines = append(lines, g.Networks[n.Network].String())
	}
	lines = append(lines, n.Notes...)
	for _, number := range n.Failures {
		lines = append(lines, failureLine(g, number))
	}
	return lines
}

func failureLine(g *graph.Graph, number int) string {
	f := g.Failures[number-1]
	return fmt.Sprintf("✗ %s: %s", f.Probe, f.Reason)
}

// linkLines are the texts of a link: its ends, and what differs from a plain cable.
func linkLines(g *graph.Graph, l *graph.Link) []string {
	lines := []string{endTitle(g, l.Ends[0]), endTitle(g, l.Ends[1])}
	for _, label := range l.Labels {
		lines = append(lines, label.Text)
	}
	return lines
}
