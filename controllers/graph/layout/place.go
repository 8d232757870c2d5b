// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"slices"
)

// sides returns the ports of a node at its left and its right, sorted by where their links lead.
func (d *drawing) sides(node int) (left, right []port) {
	level := d.levels.of[node]
	type key struct{ column, position int }
	keys := map[int]key{}
	add := func(list *[]port, s segment, k key) {
		end := 0
		if d.net.graph.Links[s.link].Ends[0].Node != node {
			end = 1
		}
		keys[s.link] = k
		*list = append(*list, port{link: s.link, end: end, right: list == &right})
	}
	if level > 0 {
		for _, s := range d.gaps[level-1] {
			if s.to == node {
				add(&left, s, key{0, d.position[s.from]})
			}
		}
	}
	for _, s := range d.gaps[level] {
		if s.from == node {
			add(&right, s, key{0, d.position[s.to]})
		}
	}
	for _, s := range d.within[level] {
		switch node {
		case s.from:
			add(&right, s, loopKey(d.position[node], d.position[s.to]))
		case s.to:
			add(&right, s, loopKey(d.position[node], d.position[s.from]))
		}
	}
	order := func(a, b port) int {
		x, y := keys[a.link], keys[b.link]
		return cmp.Or(cmp.Compare(x.column, y.column), cmp.Compare(x.position, y.position), cmp.Compare(a.link, b.link))
	}
	slices.SortFunc(left, order)
	slices.SortFunc(right, order)
	d.nestParallel(node, right)
	return left, right
}

// nestParallel reverses parallel links within a column at the upper node, so that they do not cross.
func (d *drawing) nestParallel(node int, right []port) {
	for i := 0; i < len(right); {
		j := i
		for j < len(right) && d.isWithin(right[j].link) && d.other(node, right[j].link) == d.other(node, right[i].link) {
			j++
		}
		if j > i+1 && d.position[d.other(node, right[i].link)] > d.position[node] {
			slices.Reverse(right[i:j])
		}
		i = max(j, i+1)
	}
}

func (d *drawing) other(node, link int) int {
	ends := d.net.graph.Links[link].Ends
	if ends[0].Node == node {
		return ends[1].Node
	}
	return ends[0].Node
}

func (d *drawing) isWithin(link int) bool {
	ends := d.net.graph.Links[link].Ends
	return d.levels.of[ends[0].Node] == d.levels.of[ends[1].Node]
}

// loopKey puts links to nodes above in the same column before all others, nearest first, and links to nodes below
// behind them, nearest last.
func loopKey(own, other int) struct{ column, position int } {
	if other < own {
		return struct{ column, position int }{-1, -other}
	}
	return struct{ column, position int }{1, -other}
}

// item is what takes room in a column.
type item struct {
	vertex, height int
	gap            int // to the next one
}

// placement has the tops of the vertices of a part.
type placement struct {
	*drawing
	cards map[int]card
	tops  map[int]int
	// offset is where a segment meets its vertex.
	anchors map[anchor]int
}

type anchor struct{ vertex, link int }

func (d *drawing) place() *placement {
	p := &placement{drawing: d, cards: map[int]card{}, tops: map[int]int{}, anchors: map[anchor]int{}}
	for _, column := range d.columns {
		for _, v := range column {
			if v < d.net.size {
				p.addCard(v)
			}
		}
	}
	p.settle()
	return p
}

func (p *placement) addCard(node int) {
	left, right := p.sides(node)
	p.addCardWith(node, left, right)
}

func (p *placement) addCardWith(node int, left, right []port) {
	c := p.net.newCard(node, left, right)
	p.cards[node] = c
	for _, at := range c.ports {
		p.anchors[anchor{node, at.link}] = at.offset
	}
}

func (p *placement) items(level int) []item {
	column := p.columns[level]
	items := make([]item, len(column))
	for i, v := range column {
		items[i] = item{vertex: v, gap: cardGap, height: p.cards[v].height}
		if v >= p.net.size {
			items[i].height = 1
		}
		if i+1 < len(column) && (v >= p.net.size || column[i+1] >= p.net.size) {
			items[i].gap = bendGap
		}
	}
	return items
}

// settle moves the vertices up and down until their links are about as straight as they can be.
func (p *placement) settle() {
	for level := range p.columns {
		top := 0
		for _, it := range p.items(level) {
			p.tops[it.vertex] = top
			top += it.height + it.gap
		}
	}
	const rounds = 24
	for round := range rounds {
		for i := range p.columns {
			level := i
			if round%2 == 1 {
				level = len(p.columns) - 1 - i
			}
			p.settleColumn(level, round)
		}
	}
	for range 3 {
		for level := range p.columns {
			p.straighten(level)
		}
		for level := range p.columns {
			p.straighten(len(p.columns) - 1 - level)
		}
	}
	p.normalize()
}

// kink is the largest step of a link that is worth removing.
const kink = 9

// straighten removes small steps: a vertex without a straight link moves so that the link with the smallest step
// gets straight. One with a single link moves as far as it takes.
func (p *placement) straighten(level int) {
	steps := map[int][]int{}
	if level > 0 {
		for _, s := range p.gaps[level-1] {
			steps[s.to] = append(steps[s.to], p.y(s.from, s.link)-p.y(s.to, s.link))
		}
	}
	for _, s := range p.gaps[level] {
		steps[s.from] = append(steps[s.from], p.y(s.to, s.link)-p.y(s.from, s.link))
	}
	items := p.items(level)
	wanted, weights := make([]int, len(items)), make([]int, len(items))
	for i, it := range items {
		wanted[i], weights[i] = p.tops[it.vertex]+smallest(steps[it.vertex]), 1
		if len(steps[it.vertex]) > 1 {
			weights[i] = 1000
		}
	}
	for i, top := range separate(items, wanted, weights) {
		p.tops[items[i].vertex] = top
	}
}

func smallest(steps []int) int {
	if len(steps) == 1 {
		return steps[0]
	}
	best := kink + 1
	for _, step := range steps {
		if abs(step) < abs(best) {
			best = step
		}
	}
	if best > kink {
		return 0
	}
	return best
}

// pull is where a vertex wants to be, and how much.
type pull struct{ sum, weight int }

func (p *placement) settleColumn(level, round int) {
	pulls := map[int]pull{}
	if level > 0 {
		p.pulls(pulls, p.gaps[level-1], false)
	}
	p.pulls(pulls, p.gaps[level], true)
	items := p.items(level)
	wanted, weights := make([]int, len(items)), make([]int, len(items))
	for i, it := range items {
		wanted[i], weights[i] = p.tops[it.vertex], 1
		if f := pulls[it.vertex]; f.weight > 0 {
			wanted[i], weights[i] = floorDiv(f.sum, f.weight), f.weight*4
		}
	}
	for i, top := range separate(items, wanted, weights) {
		p.tops[items[i].vertex] = top
	}
}

// pulls adds what the segments of a gap want: to be horizontal. Long links want it most.
func (p *placement) pulls(into map[int]pull, segments []segment, toRight bool) {
	for _, s := range segments {
		own, other, weight := s.to, s.from, 1
		if toRight {
			own, other = s.from, s.to
		}
		if own >= p.net.size || other >= p.net.size {
			weight = 3
		}
		at := p.tops[other] + p.anchors[anchor{other, s.link}] - p.anchors[anchor{own, s.link}]
		f := into[own]
		into[own] = pull{f.sum + at*weight, f.weight + weight}
	}
}

// separate returns the tops that are nearest to the wanted ones, in order and with gaps between (pool adjacent
// violators).
func separate(items []item, wanted, weights []int) []int {
	type pool struct{ sum, weight, count int }
	shift, shifts := 0, make([]int, len(items))
	var pools []pool
	for i, it := range items {
		shifts[i] = shift
		pools = append(pools, pool{(wanted[i] - shift) * weights[i], weights[i], 1})
		for k := len(pools) - 1; k > 0 && pools[k-1].sum*pools[k].weight > pools[k].sum*pools[k-1].weight; k-- {
			a, b := pools[k-1], pools[k]
			pools = append(pools[:k-1], pool{a.sum + b.sum, a.weight + b.weight, a.count + b.count})
		}
		shift += it.height + it.gap
	}
	tops := make([]int, 0, len(items))
	for _, each := range pools {
		for range each.count {
			tops = append(tops, floorDiv(each.sum, each.weight)+shifts[len(tops)])
		}
	}
	return tops
}

// floorDiv rounds down, so that equal differences stay equal left and right of zero.
func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func (p *placement) normalize() {
	least, first := 0, true
	for _, top := range p.tops {
		if first || top < least {
			least, first = top, false
		}
	}
	for v := range p.tops {
		p.tops[v] -= least
	}
}

func (p *placement) height() (height int) {
	for v, top := range p.tops {
		height = max(height, top+p.cards[v].height)
	}
	return height
}
