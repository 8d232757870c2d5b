// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// place is where a text is: a package and a function of it, or a file and a field of it.
type place struct{ unit, part string }

// texts are all texts by their place, in the order of the source.
type texts map[place][]string

func (t texts) add(at place, text string) {
	text = strings.TrimSpace(text)
	if !slices.Contains(t[at], text) {
		t[at] = append(t[at], text)
	}
}

// header is the first line of the golden file.
const header = "# Every text that users read. Written by: make texts\n"

// print writes one text after each dash, sorted by place. The lines of a text are aligned.
func (t texts) print() []byte {
	var out bytes.Buffer
	out.WriteString(header)
	unit := ""
	for _, at := range slices.SortedFunc(maps.Keys(t), place.compare) {
		if at.unit != unit {
			unit = at.unit
			fmt.Fprintf(&out, "\n## %s\n", unit)
		}
		fmt.Fprintf(&out, "%s\n", at.part)
		for _, text := range t[at] {
			fmt.Fprintf(&out, "  - %s\n", strings.ReplaceAll(text, "\n", "\n    "))
		}
	}
	return trimLines(out.Bytes())
}

func (a place) compare(b place) int {
	if c := strings.Compare(a.unit, b.unit); c != 0 {
		return c
	}
	return strings.Compare(a.part, b.part)
}

// trimLines removes blanks at the ends of lines.
func trimLines(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimRight(line, " ")
	}
	return bytes.Join(lines, []byte("\n"))
}
