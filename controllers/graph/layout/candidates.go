// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"slices"
)

// What a candidate costs, in pixels.
const (
	crossingCost = 240
	bendCost     = 40
	// spreadCost is the cost of nodes that look alike and have different distances from the middle.
	spreadCost = 160
	// maxWidth is the width of a picture whose smallest text has 10 px when the picture is shown 1,600 px wide.
	maxWidth = 1600 * TextSize / 10
	// freeWidth is the width up to which a picture costs nothing: it has room beside its title.
	freeWidth = 1300
	// manyNodes is the size of a part from which only few candidates are tried.
	manyNodes = 80
)

// candidate is a choice of roots.
type candidate struct {
	roots     []int
	bothSides bool
}

// choose returns the levels of the candidate with the lowest cost; the first of equals.
func (n *net) choose(part, class []int) levels {
	best, bestCost := levels{}, -1
	consider := func(c candidate, l levels) {
		if cost := n.cost(part, class, c, l); bestCost < 0 || cost < bestCost {
			best, bestCost = l, cost
		}
	}
	all := n.candidates(part, class)
	for _, c := range all {
		consider(c, n.assign(part, c.roots, c.bothSides))
	}
	if !n.tooWide(part, best) {
		return best
	}
	if len(part) >= manyNodes {
		all = all[:min(len(all), 4)]
	}
	for _, c := range all {
		for l := n.assign(part, c.roots, c.bothSides); l.count > 3; {
			l = l.folded(part, l.count-1)
			consider(c, l)
		}
	}
	return best
}

func (n *net) tooWide(part []int, l levels) bool {
	width, _ := n.extent(n.newDrawing(part, l, n.size))
	return width > n.limit
}

// folded turns back at a column: what was to its right is to its left. Links still lead to the next column.
func (l levels) folded(part []int, count int) levels {
	out := levels{slices.Clone(l.of), l.partner, count}
	for _, node := range part {
		if at := l.of[node]; at >= count {
			out.of[node] = 2*(count-1) - at
		}
	}
	return out
}

// candidates are single nodes, and small sets of nodes that look alike, each with all others on one side or both.
func (n *net) candidates(part, class []int) (list []candidate) {
	add := func(roots ...int) {
		list = append(list, candidate{roots, false}, candidate{roots, true})
	}
	const mostRoots = 4
	alike := map[int][]int{}
	for _, node := range part {
		alike[class[node]] = append(alike[class[node]], node)
	}
	for _, node := range part {
		same := alike[class[node]]
		if same[0] == node && len(same) > 1 && len(same) <= mostRoots {
			add(same...)
		}
		if len(part) < manyNodes {
			add(node)
		}
	}
	if len(part) >= manyNodes {
		for _, node := range n.central(part) {
			add(node)
		}
	}
	return list
}

// central are the few nodes of a large part with the most links.
func (n *net) central(part []int) []int {
	const few = 6
	list := slices.Clone(part)
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(n.degree[b], n.degree[a]) })
	return list[:few]
}

func (n *net) cost(part, class []int, c candidate, l levels) int {
	d := n.newDrawing(part, l, n.size)
	crossings := d.arrange(4)
	width, height := n.extent(d)
	cost := crossings*crossingCost + d.bends*bendCost + height + max(0, width-freeWidth)*9/16
	if width > n.limit {
		cost += (width - n.limit) * 30
	}
	return cost + spreadCost*n.spread(part, class, c, l)
}

// spread counts, for nodes with several links that look alike, the distances from the middle beyond the first. The
// middle is that of the roots or that of the picture.
func (n *net) spread(part, class []int, c candidate, l levels) int {
	fromRoots := n.distinct(part, class, func(node int) int { return abs(l.of[node] - l.of[c.roots[0]]) })
	fromMiddle := n.distinct(part, class, func(node int) int { return abs(2*l.of[node] - l.count + 1) })
	return min(fromRoots, fromMiddle)
}

func (n *net) distinct(part, class []int, distance func(node int) int) int {
	type place struct{ class, distance int }
	seen, classes := map[place]bool{}, map[int]bool{}
	for _, node := range part {
		if n.degree[node] > 1 {
			seen[place{class[node], distance(node)}] = true
			classes[class[node]] = true
		}
	}
	return len(seen) - len(classes)
}

// extent is about how large the picture of a part gets.
func (n *net) extent(d *drawing) (width, height int) {
	for level, column := range d.columns {
		w, h := 0, 0
		for _, v := range column {
			if v >= n.size {
				h += bendGap
				continue
			}
			w, h = max(w, n.widths[v]), h+n.heights[v]+cardGap
		}
		width, height = width+w+channel, max(height, h)
		width += n.widestLabel(d.gaps[level])
	}
	return width, height
}

func (n *net) widestLabel(segments []segment) (width int) {
	for _, s := range segments {
		if s.from < n.size {
			width = max(width, labelWidth(n.graph.Links[s.link].Labels))
		}
	}
	return width
}

// singles spreads nodes without links over columns.
func (n *net) singles(part []int) levels {
	const columns = 5
	l := levels{of: make([]int, n.size), partner: make([]int, n.size), count: min(columns, len(part))}
	for i := range l.partner {
		l.partner[i] = -1
	}
	for i, node := range slices.Sorted(slices.Values(part)) {
		l.of[node] = i % columns
	}
	return l
}
