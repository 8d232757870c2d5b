// SPDX-License-Identifier: Apache-2.0

package layout_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/graphtest"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
)

var measureGraphviz = flag.Bool("graphviz", false, "count the crossings of Graphviz's dot in the samples and in random labs, and write the former to testdata/crossings.txt")

const table = "testdata/crossings.txt"

// crossings are those of a sample in the pictures of others.
type crossings struct {
	// dagre and elk are those of D2 0.7.2, with all nodes of the campus.
	dagre, elk int
	// dot is that of Graphviz, with the same groups as here.
	dot int
}

// No picture has more crossings than the best of the others.
func TestCrossingsAreAtMostThoseOfOthers(t *testing.T) {
	others := readCrossings(t)
	for name, spec := range graphtest.Samples(t) {
		c, known := others[name]
		if !known {
			continue // newer than the table
		}
		if got := draw(t, spec).Crossings; got > min(c.dagre, c.elk, c.dot) {
			t.Errorf("%s has %d crossings, others have %+v", name, got, c)
		}
	}
}

func readCrossings(t *testing.T) map[string]crossings {
	t.Helper()
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]crossings{}
	for line := range strings.Lines(string(text)) {
		var name string
		var c crossings
		if _, err := fmt.Sscan(line, &name, &c.dagre, &c.elk, &c.dot); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		others[name] = c
	}
	return others
}

// make graph-crossings runs this.
func TestCrossingsOfGraphviz(t *testing.T) {
	if !*measureGraphviz {
		t.Skip("needs -graphviz")
	}
	samples, others := graphtest.Samples(t), readCrossings(t)
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(others)) {
		c := others[name]
		c.dot = dotCrossings(t, graphtest.Of(t, samples[name]).Grouped())
		fmt.Fprintf(&text, "%-26s %3d %3d %3d\n", name, c.dagre, c.elk, c.dot)
	}
	if err := os.WriteFile(table, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ours, dots, more := 0, 0, 0
	for seed := range graphtest.Count(t) {
		g := graphtest.Of(t, graphtest.Random(seed).Spec()).Grouped()
		own, dot := layout.New(g, layout.Positions{}).Crossings, dotCrossings(t, g)
		ours, dots = ours+own, dots+dot
		if own > dot {
			more++
		}
	}
	t.Logf("%d random labs: %d crossings, dot %d; more than dot in %d", graphtest.Count(t), ours, dots, more)
}

// dotCrossings counts the crossings in the picture that dot draws of a graph's boxes and lines without texts.
func dotCrossings(t *testing.T, g *graph.Graph) (count int) {
	t.Helper()
	var source strings.Builder
	source.WriteString("graph {rankdir=LR; node [shape=box, label=\"\"];\n")
	for i := range g.Nodes {
		fmt.Fprintf(&source, "n%d;\n", i)
	}
	for _, link := range g.Links {
		fmt.Fprintf(&source, "n%d -- n%d;\n", link.Ends[0].Node, link.Ends[1].Node)
	}
	dot := exec.Command("dot", "-Tplain")
	dot.Stdin = strings.NewReader(source.String() + "}")
	plain, err := dot.Output()
	if err != nil {
		t.Fatalf("dot: %v", err)
	}
	var lines [][]layout.Point
	for line := range strings.Lines(string(plain)) {
		if words := strings.Fields(line); words[0] == "edge" {
			lines = append(lines, splineOf(t, words))
		}
	}
	for i, a := range lines {
		for _, b := range lines[:i] {
			if cross(a, b) {
				count++
			}
		}
	}
	return count
}

// splineOf follows an edge of dot's plain output in thousandths of an inch: "edge TAIL HEAD N X1 Y1 … XN YN …" has the
// control points of cubic Béziers.
func splineOf(t *testing.T, words []string) (list []layout.Point) {
	t.Helper()
	n, err := strconv.Atoi(words[3])
	if err != nil {
		t.Fatal(err)
	}
	var xs, ys []float64
	for k := range n {
		x, errX := strconv.ParseFloat(words[4+2*k], 64)
		y, errY := strconv.ParseFloat(words[5+2*k], 64)
		if errX != nil || errY != nil {
			t.Fatalf("%q: %v %v", words, errX, errY)
		}
		xs, ys = append(xs, x), append(ys, y)
	}
	for k := 0; k+3 < n; k += 3 {
		for step := range 21 {
			s := float64(step) / 20
			list = append(list, layout.Point{X: bezier(xs[k:], s), Y: bezier(ys[k:], s)})
		}
	}
	return list
}

func bezier(p []float64, s float64) int {
	r := 1 - s
	return int(1000 * (p[0]*r*r*r + 3*p[1]*r*r*s + 3*p[2]*r*s*s + p[3]*s*s*s))
}
