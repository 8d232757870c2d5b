// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"maps"
	"path"
	"slices"
)

// graph maps each node to those it points to. Nodes that are no key have no edges.
type graph map[string][]string

// levels returns the length of the longest chain that starts at each node, counted in nodes. The
// graph has no cycle.
func (g graph) levels() map[string]int {
	levels := map[string]int{}
	var level func(string) int
	level = func(node string) int {
		if l, ok := levels[node]; ok {
			return l
		}
		below := 0
		for _, next := range g[node] {
			below = max(below, level(next))
		}
		levels[node] = below + 1
		return below + 1
	}
	for node := range g {
		level(node)
	}
	return levels
}

// edge is one of a graph's, or an unordered pair.
type edge struct{ from, to string }

// upward returns the edges from a folder to one that contains it.
func (g graph) upward() []edge {
	return g.edges(func(from, to string) bool { return contains(to, from) })
}

// mutual returns the pairs of nodes that point to each other.
func (g graph) mutual() []edge {
	return g.edges(func(from, to string) bool { return from < to && slices.Contains(g[to], from) })
}

func (g graph) edges(which func(from, to string) bool) []edge {
	var edges []edge
	for from, nodes := range g {
		for _, to := range nodes {
			if which(from, to) {
				edges = append(edges, edge{from, to})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return edges
}

func contains(folder, inner string) bool {
	for inner = path.Dir(inner); inner != "."; inner = path.Dir(inner) {
		if inner == folder {
			return true
		}
	}
	return false
}

// knots returns the sets of at least two nodes that all reach each other, the largest first.
func (g graph) knots() [][]string {
	reach := map[string]map[string]bool{}
	for node := range g {
		reach[node] = g.reachable(node)
	}
	var knots [][]string
	seen := map[string]bool{}
	for _, node := range slices.Sorted(maps.Keys(g)) {
		if seen[node] {
			continue
		}
		knot := []string{node}
		for other := range reach[node] {
			if other != node && reach[other][node] {
				knot = append(knot, other)
			}
		}
		for _, member := range knot {
			seen[member] = true
		}
		if len(knot) > 1 {
			slices.Sort(knot)
			knots = append(knots, knot)
		}
	}
	slices.SortStableFunc(knots, func(a, b []string) int { return len(b) - len(a) })
	return knots
}

func (g graph) reachable(from string) map[string]bool {
	found := map[string]bool{}
	open := []string{from}
	for len(open) > 0 {
		node := open[len(open)-1]
		open = open[:len(open)-1]
		for _, next := range g[node] {
			if !found[next] {
				found[next] = true
				open = append(open, next)
			}
		}
	}
	return found
}

// quantile returns the value below or at which the share q of a sorted list lies, 0 for none.
func quantile(sorted []int, q float64) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}
