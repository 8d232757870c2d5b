// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"slices"
)

// keep lays the nodes out as they were before: a node whose card has the size that it had stays where it was, and so
// do the bends and the labels of its links. What is new, and what has grown and does not fit any more, takes the
// nearest free place.
func (n *net) keep(before *Positions) (*placement, []column) {
	columns := before.columns()
	l := n.keptLevels(before, columns)
	for len(columns) < l.count {
		columns = append(columns, column{straight: true})
	}
	all := make([]int, n.size)
	for i := range all {
		all[i] = i
	}
	p := &placement{drawing: n.newDrawing(all, l, n.size), cards: map[int]card{}, tops: map[int]int{}, anchors: map[anchor]int{}}
	p.firstTops(before)
	p.sortByTop()
	for _, node := range all {
		left, right := p.sides(node)
		was := before.Cards[n.graph.Nodes[node].Name]
		p.addCardWith(node, n.inOrder(left, was.Left), n.inOrder(right, was.Right))
	}
	p.fit(before)
	p.sortByTop()
	return p, columns
}

// columns are those of the earlier picture. One whose nodes are all gone stays.
func (b *Positions) columns() (list []column) {
	widths := map[int]int{}
	for _, c := range b.Cards {
		widths[c.X] = max(widths[c.X], c.Width)
	}
	for x, width := range widths {
		list = append(list, column{x: x, width: width, straight: true})
	}
	slices.SortFunc(list, func(a, b column) int { return cmp.Compare(a.x, b.x) })
	return list
}

// keptLevels puts new nodes beside the first of their neighbours that has a place.
func (n *net) keptLevels(before *Positions, columns []column) levels {
	l := levels{of: make([]int, n.size), partner: make([]int, n.size), count: len(columns)}
	placed := make([]bool, n.size)
	for i, node := range n.graph.Nodes {
		l.partner[i] = -1
		if was, known := before.Cards[node.Name]; known {
			l.of[i] = slices.IndexFunc(columns, func(c column) bool { return c.x == was.X })
			placed[i] = true
		}
	}
	for range n.size {
		at := slices.IndexFunc(n.order(), func(i int) bool { return !placed[i] && n.hasPlaced(i, placed) })
		if at < 0 {
			at = slices.Index(placed, false)
		}
		if at < 0 {
			break
		}
		l.of[at], placed[at] = n.besides(at, l.of, placed), true
		l.count = max(l.count, l.of[at]+1)
	}
	return l
}

func (n *net) order() []int {
	all := make([]int, n.size)
	for i := range all {
		all[i] = i
	}
	return all
}

func (n *net) hasPlaced(node int, placed []bool) bool {
	return slices.ContainsFunc(n.neighbours[node], func(other int) bool { return placed[other] })
}

// besides is the column next to a neighbour at the side at which the neighbour has fewer links, and in which the node
// has no neighbour.
func (n *net) besides(node int, of []int, placed []bool) int {
	taken, first := map[int]bool{}, -1
	for _, other := range n.neighbours[node] {
		if placed[other] {
			taken[of[other]] = true
			if first < 0 {
				first = other
			}
		}
	}
	if first < 0 {
		return 0
	}
	balance := 0
	for _, other := range n.neighbours[first] {
		if placed[other] {
			balance += cmp.Compare(of[other], of[first])
		}
	}
	steps := []int{1, -1, 2, -2, 3, -3}
	if balance > 0 {
		steps = []int{-1, 1, -2, 2, -3, 3}
	}
	for _, step := range steps {
		if at := of[first] + step; at >= 0 && !taken[at] {
			return at
		}
	}
	return of[first] + 1
}

// inOrder puts the ports that were there before first, in the order that they had.
func (n *net) inOrder(ports []port, was []string) []port {
	place := func(p port) int {
		if at := slices.Index(was, PortName(n.graph, p.link, p.end)); at >= 0 {
			return at
		}
		return len(was)
	}
	slices.SortStableFunc(ports, func(a, b port) int { return cmp.Compare(place(a), place(b)) })
	return ports
}

// firstTops are the tops of before, and for what is new those of its neighbours.
func (p *placement) firstTops(before *Positions) {
	for i, node := range p.net.graph.Nodes {
		if was, known := before.Cards[node.Name]; known {
			p.tops[i] = was.Y - before.Top
		}
	}
	for i, node := range p.net.graph.Nodes {
		if _, known := before.Cards[node.Name]; !known {
			p.tops[i] = p.meanTop(i, before)
		}
	}
	for link, bends := range p.bendsByLink() {
		was := before.Links[p.net.graph.Links[link].Names[0]].Bends
		for k, v := range bends {
			p.tops[v] = p.onTheWay(link, k, len(bends))
			if len(was) == len(bends) {
				p.tops[v] = was[k] - before.Top
			}
		}
	}
}

func (p *placement) meanTop(node int, before *Positions) int {
	sum, count := 0, 0
	for _, other := range p.net.neighbours[node] {
		if was, known := before.Cards[p.net.graph.Nodes[other].Name]; known {
			sum, count = sum+was.Y-before.Top, count+1
		}
	}
	if count == 0 {
		return before.bottom() - before.Top + cardGap
	}
	return sum / count
}

func (b *Positions) bottom() (bottom int) {
	for _, c := range b.Cards {
		bottom = max(bottom, c.Y+c.Height)
	}
	return bottom
}

// bendsByLink are the bends of each link that has some, from left to right.
func (d *drawing) bendsByLink() map[int][]int {
	bends := map[int][]int{}
	for _, gap := range d.gaps {
		for _, s := range gap {
			if s.to >= d.net.size {
				bends[s.link] = append(bends[s.link], s.to)
			}
		}
	}
	return bends
}

// onTheWay is the height of a bend on the straight line between the ends of a link.
func (p *placement) onTheWay(link, k, count int) int {
	a, b := p.net.graph.Links[link].Ends[0].Node, p.net.graph.Links[link].Ends[1].Node
	if p.levels.of[a] > p.levels.of[b] {
		a, b = b, a
	}
	return p.tops[a] + headHeight + (p.tops[b]-p.tops[a])*(k+1)/(count+1)
}

func (p *placement) sortByTop() {
	for level := range p.columns {
		slices.SortStableFunc(p.columns[level], func(a, b int) int { return cmp.Or(cmp.Compare(p.tops[a], p.tops[b]), cmp.Compare(a, b)) })
	}
	p.number()
}

// taken is a part of a column.
type taken struct{ top, bottom int }

// fit gives each vertex of a column its place: first to those that are as they were.
func (p *placement) fit(before *Positions) {
	bends := map[int]bool{}
	for link, list := range p.bendsByLink() {
		if len(before.Links[p.net.graph.Links[link].Names[0]].Bends) == len(list) {
			for _, v := range list {
				bends[v] = true
			}
		}
	}
	same := func(v int) bool {
		if v >= p.net.size {
			return bends[v]
		}
		was, known := before.Cards[p.net.graph.Nodes[v].Name]
		return known && was.Height == p.cards[v].height
	}
	for level := range p.columns {
		var used []taken
		for _, kept := range []bool{true, false} {
			for _, v := range p.columns[level] {
				if same(v) == kept {
					used = p.take(used, v, kept)
				}
			}
		}
	}
}

func (p *placement) take(used []taken, v int, kept bool) []taken {
	height, gap, least := p.cards[v].height, cardGap, cardGap/4
	if v >= p.net.size {
		height, gap, least = 1, bendGap/2, bendGap/3
	}
	if !kept {
		p.tops[v] = nearest(used, p.tops[v], height, gap, least)
	}
	return append(used, taken{p.tops[v], p.tops[v] + height})
}

// nearest is the free place of a height that is nearest to a wanted top. Between cards there is a gap; where a card
// has grown, the least gap is enough.
func nearest(used []taken, wanted, height, gap, least int) int {
	fits := func(top int) bool {
		return top >= 0 && !slices.ContainsFunc(used, func(u taken) bool { return top < u.bottom+least && u.top < top+height+least })
	}
	best := -1
	try := func(top int) {
		if fits(top) && (best < 0 || abs(top-wanted) < abs(best-wanted)) {
			best = top
		}
	}
	try(max(wanted, 0))
	for _, u := range used {
		try(u.bottom + gap)
		try(u.top - gap - height)
	}
	try(0)
	if best < 0 {
		best = 0
		for _, u := range used {
			best = max(best, u.bottom+gap)
		}
	}
	return best
}
