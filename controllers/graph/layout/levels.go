// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"slices"
)

// levels is the column of each node of a connected part, from 0, and the pairs of linked nodes that share a column.
type levels struct {
	of []int // by node; only those of the part count
	// partner is the other node of a pair, or -1. The two are neighbours in their column.
	partner []int
	count   int
}

// assign makes columns by distance from the roots. With both sides, the parts that are left without the roots are
// divided into those to the left and those to the right of them.
func (n *net) assign(part, roots []int, bothSides bool) levels {
	distance := n.distances(roots)
	partner := n.pairs(part, distance)
	depth := n.depths(part, distance, partner)
	if bothSides {
		for _, node := range n.leftOf(part, roots, depth) {
			depth[node] = -depth[node]
		}
	}
	return normalized(part, depth, partner)
}

func normalized(part, depth, partner []int) levels {
	least, most := depth[part[0]], depth[part[0]]
	for _, node := range part {
		least, most = min(least, depth[node]), max(most, depth[node])
	}
	for _, node := range part {
		depth[node] -= least
	}
	return levels{depth, partner, most - least + 1}
}

func (n *net) distances(roots []int) []int {
	distance := make([]int, n.size)
	for i := range distance {
		distance[i] = -1
	}
	queue := slices.Clone(roots)
	for _, r := range roots {
		distance[r] = 0
	}
	for next := 0; next < len(queue); next++ {
		for _, other := range n.neighbours[queue[next]] {
			if distance[other] < 0 {
				distance[other] = distance[queue[next]] + 1
				queue = append(queue, other)
			}
		}
	}
	return distance
}

// pairs matches linked nodes of equal distance.
func (n *net) pairs(part, distance []int) []int {
	partner := make([]int, n.size)
	for i := range partner {
		partner[i] = -1
	}
	for _, node := range part {
		for _, other := range n.neighbours[node] {
			if partner[node] < 0 && partner[other] < 0 && distance[node] == distance[other] {
				partner[node], partner[other] = other, node
			}
		}
	}
	return partner
}

// depths are the distances, but linked nodes that are no pair have different ones.
func (n *net) depths(part, distance, partner []int) []int {
	head := func(node int) int {
		if other := partner[node]; other >= 0 {
			return min(node, other)
		}
		return node
	}
	before := func(a, b int) int {
		return cmp.Or(cmp.Compare(distance[a], distance[b]), cmp.Compare(head(a), head(b)))
	}
	depth, order := make([]int, n.size), slices.Clone(part)
	slices.SortStableFunc(order, before)
	for _, node := range order {
		for _, member := range []int{node, partner[node]} {
			if member < 0 {
				continue
			}
			for _, other := range n.neighbours[member] {
				if before(other, node) < 0 {
					depth[node] = max(depth[node], depth[other]+1)
				}
			}
		}
	}
	return depth
}

// leftOf chooses the nodes to the left of the roots: the first of the remaining parts, so many that the columns of
// both sides are about equally high.
func (n *net) leftOf(part, roots, depth []int) []int {
	seen := make([]bool, n.size)
	for _, r := range roots {
		seen[r] = true
	}
	var rest [][]int
	for _, node := range part {
		if !seen[node] {
			rest = append(rest, n.reach(node, seen))
		}
	}
	best, bestHeight := 0, -1
	for cut := range len(rest) {
		left, right := n.tallest(rest[:cut], depth), n.tallest(rest[cut:], depth)
		if height := max(left, right)*2 + abs(left-right); bestHeight < 0 || height < bestHeight {
			best, bestHeight = cut, height
		}
	}
	return slices.Concat(rest[:best]...)
}

// tallest is the height of the highest column.
func (n *net) tallest(parts [][]int, depth []int) int {
	height := map[int]int{}
	most := 0
	for _, part := range parts {
		for _, node := range part {
			height[depth[node]] += n.heights[node] + cardGap
			most = max(most, height[depth[node]])
		}
	}
	return most
}

func abs(x int) int { return max(x, -x) }
