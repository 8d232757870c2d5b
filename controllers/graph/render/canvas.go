// SPDX-License-Identifier: Apache-2.0

package render

import "strings"

// The directions in which a line leaves a cell.
const (
	north uint8 = 1 << iota
	south
	west
	east
	dashes
)

// lines are the characters for lines, by their directions.
var lines = map[uint8]rune{
	west | east: '─', north | south: '│', south | east: '╭', south | west: '╮', north | east: '╰', north | west: '╯',
	north | south | east: '├', north | south | west: '┤', west | east | south: '┬', west | east | north: '┴', north | south | west | east: '┼',
	west: '─', east: '─', north: '│', south: '│',
	west | east | dashes: '╌', north | south | dashes: '╎', west | dashes: '╌', east | dashes: '╌', north | dashes: '╎', south | dashes: '╎',
}

// canvas is a rectangle of characters. Lines are kept as directions until something else covers them.
type canvas struct {
	cells [][]rune
	line  [][]uint8
}

func newCanvas(height, width int) *canvas {
	c := &canvas{make([][]rune, height), make([][]uint8, height)}
	for i := range height {
		c.cells[i], c.line[i] = make([]rune, width), make([]uint8, width)
	}
	return c
}

func (c *canvas) put(row, column int, r rune) {
	if row < len(c.cells) && column >= 0 && column < len(c.cells[row]) {
		c.cells[row][column] = r
	}
}

func (c *canvas) text(row, column int, line string) {
	for i, r := range []rune(line) {
		c.put(row, column+i, r)
	}
}

func (c *canvas) horizontal(row, from, to int, dashed bool) {
	from, to = min(from, to), max(from, to)
	for x := from; x < to; x++ {
		c.line[row][x] |= east | mark(dashed)
		c.line[row][x+1] |= west | mark(dashed)
	}
}

func (c *canvas) vertical(column, from, to int, dashed bool) {
	from, to = min(from, to), max(from, to)
	for y := from; y < to; y++ {
		c.line[y][column] |= south | mark(dashed)
		c.line[y+1][column] |= north | mark(dashed)
	}
}

func mark(dashed bool) uint8 {
	if dashed {
		return dashes
	}
	return 0
}

func (c *canvas) box(top, bottom, left, right int) {
	for y := top; y <= bottom; y++ {
		for x := left; x <= right; x++ {
			c.put(y, x, ' ')
		}
		c.put(y, left, '│')
		c.put(y, right, '│')
	}
	for x := left; x <= right; x++ {
		c.put(top, x, '─')
		c.put(bottom, x, '─')
	}
	c.put(top, left, '┌')
	c.put(top, right, '┐')
	c.put(bottom, left, '└')
	c.put(bottom, right, '┘')
}

// String has no spaces at the ends of lines.
func (c *canvas) String() string {
	var b strings.Builder
	for y := range c.cells {
		var line strings.Builder
		for x, r := range c.cells[y] {
			switch {
			case r != 0:
				line.WriteRune(r)
			case c.line[y][x] != 0:
				line.WriteRune(character(c.line[y][x]))
			default:
				line.WriteByte(' ')
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// character is that of a cell's line; the corners of a dashed one are not dashed.
func character(line uint8) rune {
	if r, known := lines[line]; known {
		return r
	}
	return lines[line&^dashes]
}
