// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// Description says in words what a picture shows.
func Description(g *graph.Graph) string {
	text := g.Counts() + "."
	if g.Verdict != "" {
		text += " " + g.Verdict + "."
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; n.Health > graph.Good {
			text += " " + nodeTitle(n) + "."
		}
	}
	for i := range g.Links {
		text += " " + linkTitle(g, &g.Links[i]) + "."
	}
	for i, f := range g.Failures {
		text += fmt.Sprintf(" Failure %d: probe %s, %s: %s.", i+1, f.Probe, f.Reason, f.Message)
	}
	return text
}

// linkTitle describes a link in one line.
func linkTitle(g *graph.Graph, l *graph.Link) string {
	text := fmt.Sprintf("%s: %s to %s", strings.Join(l.Names, " "), endTitle(g, l.Ends[0]), endTitle(g, l.Ends[1]))
	if l.Network != graph.NoNetwork {
		text += ", network " + g.Networks[l.Network].String()
	}
	for _, label := range l.Labels {
		if label.Kind != graph.NetworkLabel {
			text += ", " + label.Text
		}
	}
	return text
}

func endTitle(g *graph.Graph, e graph.End) string {
	parts := append([]string{g.Nodes[e.Node].Name, e.Port}, e.Lines...)
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// nodeTitle describes a node in one line.
func nodeTitle(n *graph.Node) string {
	text := n.Kind.String() + " " + n.Name
	for _, m := range n.Members {
		text += " " + m.Name
	}
	for _, note := range n.Notes {
		text += ", " + note
	}
	return text + map[graph.Health]string{graph.Drifted: ", drifted", graph.Bad: ", missing"}[n.Health]
}
