// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// DOT writes a graph for Graphviz.
func DOT(g *graph.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph %s {\n  label=%s; labelloc=t; rankdir=LR;\n  node [fontname=monospace]; edge [fontname=monospace, fontsize=10];\n", quoted(g.Name), quoted(strings.TrimSpace(g.Name+"\n"+g.Verdict)))
	shapes := [...]string{graph.Host: "box", graph.Router: "ellipse", graph.Switch: "box3d", graph.Group: "box"}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		fmt.Fprintf(&b, "  %s [label=%s, shape=%s%s];\n", quoted(n.Name), quoted(strings.Join(nodeLines(g, n), "\n")), shapes[n.Kind], dotHealth(n))
	}
	for i := range g.Links {
		l := &g.Links[i]
		fmt.Fprintf(&b, "  %s -- %s [taillabel=%s, headlabel=%s, label=%s, style=%s];\n",
			quoted(g.Nodes[l.Ends[0].Node].Name), quoted(g.Nodes[l.Ends[1].Node].Name), quoted(endLines(l.Ends[0])), quoted(endLines(l.Ends[1])), quoted(labelLines(l)), dotStyle(l))
	}
	b.WriteString("}\n")
	return b.String()
}

func dotHealth(n *graph.Node) string {
	if n.Health == graph.Bad || len(n.Failures) > 0 {
		return ", color=red, penwidth=2"
	}
	return ""
}

func dotStyle(l *graph.Link) string {
	switch {
	case l.Down:
		return "dashed, color=red"
	case len(l.Failures) > 0 && l.Trunk:
		return "bold, color=red"
	case len(l.Failures) > 0:
		return "solid, color=red"
	case l.Trunk:
		return "bold"
	}
	return "solid"
}

func endLines(e graph.End) string { return strings.Join(append([]string{e.Port}, e.Lines...), "\n") }

func labelLines(l *graph.Link) string {
	var lines []string
	for _, label := range l.Labels {
		lines = append(lines, label.Text)
	}
	return strings.Join(lines, "\n")
}

// quoted is a string in DOT and in D2: both know \n, \" and \\.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
