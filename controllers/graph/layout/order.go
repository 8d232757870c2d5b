// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"cmp"
	"slices"
)

// segment is the part of a link between two neighbouring columns, or within one.
type segment struct {
	link     int
	from, to int // vertices; from is in the left column
}

// drawing is a connected part while it is arranged. Vertices are nodes, and above them bends.
type drawing struct {
	net    *net
	levels levels
	// columns are the vertices from top to bottom.
	columns [][]int
	// gaps[i] are the segments between columns i and i+1; within[i] those within column i.
	gaps   [][]segment
	within [][]segment
	// position is the place of a vertex in its column.
	position []int
	// before and after are the vertices at the other ends of a vertex's segments, to the left and to the right.
	before, after [][]int
	bends         int
}

// newDrawing adds bends to long links and puts the vertices into a first order: that in which a walk from the
// left meets them.
func (n *net) newDrawing(part []int, l levels, nextBend int) *drawing {
	d := &drawing{net: n, levels: l, columns: make([][]int, l.count), gaps: make([][]segment, l.count), within: make([][]segment, l.count)}
	member := make([]bool, n.size)
	for _, node := range part {
		member[node] = true
	}
	for i, link := range n.graph.Links {
		if a, b := link.Ends[0].Node, link.Ends[1].Node; member[a] {
			d.addLink(i, a, b, nextBend)
		}
	}
	d.connect(nextBend + d.bends)
	d.firstOrder(part)
	return d
}

// connect makes what is looked up by vertex.
func (d *drawing) connect(vertices int) {
	d.position, d.before, d.after = make([]int, vertices), make([][]int, vertices), make([][]int, vertices)
	for _, gap := range d.gaps {
		for _, s := range gap {
			d.after[s.from] = append(d.after[s.from], s.to)
			d.before[s.to] = append(d.before[s.to], s.from)
		}
	}
}

func (d *drawing) addLink(link, a, b, nextBend int) {
	if d.levels.of[a] > d.levels.of[b] {
		a, b = b, a
	}
	low, high := d.levels.of[a], d.levels.of[b]
	if low == high {
		d.within[low] = append(d.within[low], segment{link, a, b})
		return
	}
	from := a
	for level := low + 1; level < high; level++ {
		bend := nextBend + d.bends
		d.bends++
		d.columns[level] = append(d.columns[level], bend)
		d.gaps[level-1] = append(d.gaps[level-1], segment{link, from, bend})
		from = bend
	}
	d.gaps[high-1] = append(d.gaps[high-1], segment{link, from, b})
}

func (d *drawing) firstOrder(part []int) {
	for _, node := range part {
		level := d.levels.of[node]
		d.columns[level] = append(d.columns[level], node)
	}
	met := map[int]int{}
	var walk func(v int)
	walk = func(v int) {
		if _, seen := met[v]; seen {
			return
		}
		met[v] = len(met)
		for _, to := range d.after[v] {
			walk(to)
		}
	}
	for level := range d.columns {
		slices.Sort(d.columns[level])
		for _, v := range d.columns[level] {
			walk(v)
		}
		slices.SortFunc(d.columns[level], func(a, b int) int { return cmp.Compare(met[a], met[b]) })
		d.joinPairs(level)
	}
	d.number()
}

// joinPairs moves the second node of a pair behind the first.
func (d *drawing) joinPairs(level int) {
	column := make([]int, 0, len(d.columns[level]))
	placed := map[int]bool{}
	for _, v := range d.columns[level] {
		if placed[v] {
			continue
		}
		placed[v] = true
		column = append(column, v)
		if p := d.partner(v); p >= 0 && !placed[p] {
			placed[p] = true
			column = append(column, p)
		}
	}
	d.columns[level] = column
}

func (d *drawing) partner(v int) int {
	if v < d.net.size {
		return d.levels.partner[v]
	}
	return -1
}

func (d *drawing) number() {
	for _, column := range d.columns {
		for i, v := range column {
			d.position[v] = i
		}
	}
}

// crossings counts the pairs of segments that cross.
func (d *drawing) crossings() (count int) {
	for i := range d.gaps {
		count += d.crossingsOf(d.gaps[i]) + d.crossingsWithin(d.within[i], d.gaps[i])
	}
	return count
}

// crossingsOf counts inversions: sorted by their left ends, segments cross whose right ends are in the other order.
func (d *drawing) crossingsOf(segments []segment) int {
	type ends struct{ from, to int }
	list := make([]ends, len(segments))
	for i, s := range segments {
		list[i] = ends{d.position[s.from], d.position[s.to]}
	}
	slices.SortFunc(list, func(a, b ends) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	right := make([]int, len(list))
	for i, e := range list {
		right[i] = e.to
	}
	return inversions(right, make([]int, len(right)))
}

// inversions counts the pairs in which the first is larger than the second, and sorts the list (merge sort).
func inversions(list, spare []int) (count int) {
	if len(list) < 2 {
		return 0
	}
	half := len(list) / 2
	count = inversions(list[:half], spare[:half]) + inversions(list[half:], spare[half:])
	copy(spare, list)
	left, right := spare[:half], spare[half:]
	for i := range list {
		if len(right) == 0 || len(left) > 0 && left[0] <= right[0] {
			list[i], left = left[0], left[1:]
			continue
		}
		list[i], right = right[0], right[1:]
		count += len(left)
	}
	return count
}

func (d *drawing) crossingsWithin(within, gap []segment) (count int) {
	for i, s := range within {
		top, bottom := d.span(s)
		for _, t := range gap {
			if at := d.position[t.from]; top < at && at < bottom {
				count++
			}
		}
		for _, t := range within[i+1:] {
			if a, b := d.span(t); top < a && a < bottom && bottom < b || a < top && top < b && b < bottom {
				count++
			}
		}
	}
	return count
}

func (d *drawing) span(s segment) (top, bottom int) {
	a, b := d.position[s.from], d.position[s.to]
	return min(a, b), max(a, b)
}

// arrange sorts the columns so that few segments cross: each by the mean place of its neighbours in the column
// before it, from left to right and back.
func (d *drawing) arrange(rounds int) int {
	best, columns := d.crossings(), d.snapshot()
	for round := range rounds {
		if best == 0 {
			break
		}
		d.sweep(round%2 == 1)
		if now := d.crossings(); now < best {
			best, columns = now, d.snapshot()
		}
	}
	d.columns = columns
	d.number()
	return best
}

func (d *drawing) snapshot() [][]int {
	columns := make([][]int, len(d.columns))
	for i, column := range d.columns {
		columns[i] = slices.Clone(column)
	}
	return columns
}

func (d *drawing) sweep(backwards bool) {
	for i := 1; i < len(d.columns); i++ {
		level := i
		if backwards {
			level = len(d.columns) - 1 - i
		}
		d.sortColumn(level, backwards)
	}
}

// scale keeps a fraction in the integer means.
const scale = 1000

func (d *drawing) sortColumn(level int, backwards bool) {
	key := map[int]int{}
	for i, v := range d.columns[level] {
		others := d.before[v]
		if backwards {
			others = d.after[v]
		}
		key[v] = i * scale
		if len(others) > 0 {
			key[v] = d.mean(others)
		}
	}
	own := func(v int) int { return key[v] }
	joint := func(v int) int {
		if p := d.partner(v); p >= 0 {
			return (key[v] + key[p]) / 2
		}
		return key[v]
	}
	head := func(v int) int { return max(v, d.partner(v)) }
	slices.SortStableFunc(d.columns[level], func(a, b int) int {
		if head(a) == head(b) {
			return cmp.Compare(own(a), own(b))
		}
		return cmp.Compare(joint(a), joint(b))
	})
	d.joinPairs(level)
	for i, v := range d.columns[level] {
		d.position[v] = i
	}
}

// mean is the mean place of vertices.
func (d *drawing) mean(vertices []int) (sum int) {
	for _, v := range vertices {
		sum += d.position[v] * scale
	}
	return sum / len(vertices)
}

// transpose swaps neighbours in a column while that removes crossings.
func (d *drawing) transpose() {
	for improved, rounds := true, 0; improved && rounds < 10; rounds++ {
		improved = false
		for level := range d.columns {
			for i := range len(d.columns[level]) - 1 {
				improved = d.swap(level, i) || improved
			}
		}
	}
}

func (d *drawing) swap(level, i int) bool {
	column := d.columns[level]
	a, b := column[i], column[i+1]
	if p, q := d.partner(a), d.partner(b); p >= 0 && p != b || q >= 0 && q != a {
		return false
	}
	saved := d.between(a, b) - d.between(b, a)
	loops := d.crossingsWithin(d.within[level], d.gaps[level])
	column[i], column[i+1] = b, a
	d.position[a], d.position[b] = i+1, i
	if saved += loops - d.crossingsWithin(d.within[level], d.gaps[level]); saved > 0 {
		return true
	}
	column[i], column[i+1] = a, b
	d.position[a], d.position[b] = i, i+1
	return false
}

// between counts the crossings of the segments of two vertices, the first of which is above the second.
func (d *drawing) between(upper, lower int) (count int) {
	for _, side := range [][][]int{d.before, d.after} {
		for _, a := range side[upper] {
			for _, b := range side[lower] {
				if d.position[a] > d.position[b] {
					count++
				}
			}
		}
	}
	return count
}
