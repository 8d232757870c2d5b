// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"slices"

	"github.com/netlab-dev/netlab/controllers/graph"
)

// net is the lab as a graph of vertices: the nodes, and a bend for each level that a link passes.
type net struct {
	graph *graph.Graph
	size  int // number of nodes
	// limit is the width up to which a picture is not too wide.
	limit int
	// neighbours are the nodes at the other ends of each node's links, in stored order.
	neighbours [][]int
	degree     []int
	// heights and widths are estimates of cards before the sides of their ports are known.
	heights, widths []int
}

func newNet(g *graph.Graph) *net {
	n := &net{graph: g, size: len(g.Nodes), limit: maxWidth - 2*margin}
	n.neighbours, n.degree = make([][]int, n.size), make([]int, n.size)
	n.heights, n.widths = make([]int, n.size), make([]int, n.size)
	for _, l := range g.Links {
		a, b := l.Ends[0].Node, l.Ends[1].Node
		n.neighbours[a], n.neighbours[b] = append(n.neighbours[a], b), append(n.neighbours[b], a)
	}
	for i := range g.Nodes {
		n.degree[i] = len(n.neighbours[i])
		n.heights[i], n.widths[i] = n.estimate(i)
	}
	return n
}

// components are the connected parts, in stored order of their first nodes. Nodes without links are one part.
func (n *net) components() (parts [][]int) {
	seen := make([]bool, n.size)
	var single []int
	for i := range n.size {
		if seen[i] {
			continue
		}
		if n.degree[i] == 0 {
			single = append(single, i)
			continue
		}
		parts = append(parts, n.reach(i, seen))
	}
	if single != nil {
		parts = append(parts, single)
	}
	return parts
}

// reach marks and returns, sorted, the nodes that are connected to a node without passing marked ones.
func (n *net) reach(from int, seen []bool) []int {
	seen[from] = true
	found := []int{from}
	for next := 0; next < len(found); next++ {
		for _, other := range n.neighbours[found[next]] {
			if !seen[other] {
				seen[other] = true
				found = append(found, other)
			}
		}
	}
	slices.Sort(found)
	return found
}

// classes numbers the nodes so that nodes with the same number look alike: the same kind and neighbours that look
// alike (colour refinement).
func (n *net) classes() []int {
	class := make([]int, n.size)
	for i, node := range n.graph.Nodes {
		class[i] = int(node.Kind)
	}
	for count := 0; ; {
		next, found := n.refine(class)
		class = next
		if found == count {
			return class
		}
		count = found
	}
}

func (n *net) refine(class []int) (next []int, count int) {
	type signature struct {
		node int
		key  []int
	}
	list := make([]signature, n.size)
	for i := range n.size {
		key := make([]int, 0, n.degree[i]+1)
		for _, other := range n.neighbours[i] {
			key = append(key, class[other])
		}
		slices.Sort(key)
		list[i] = signature{i, append([]int{class[i]}, key...)}
	}
	slices.SortStableFunc(list, func(a, b signature) int { return cmp.Or(slices.Compare(a.key, b.key), cmp.Compare(a.node, b.node)) })
	next = make([]int, n.size)
	for i, s := range list {
		if i > 0 && slices.Equal(s.key, list[i-1].key) {
			next[s.node] = next[list[i-1].node]
			continue
		}
		next[s.node] = count
		count++
	}
	return next, count
}
