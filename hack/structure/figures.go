// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// figures are what is counted of a tree.
type figures struct {
	imports   graph
	sources   []source
	functions []int // sorted
	ruled     int
	// hack is how many packages there are in hack.
	hack int
}

func measureTree(root string) (figures, error) {
	packages, err := list(root)
	if err != nil {
		return figures{}, err
	}
	f := figures{imports: imports(packages)}
	if f.sources, err = read(packages); err != nil {
		return figures{}, err
	}
	rules, err := readRules(root)
	if err != nil {
		return figures{}, err
	}
	for _, p := range packages {
		if !p.ships() {
			f.hack++
		} else if _, code := f.imports[p.folder()]; code && ruled(rules, p.Module.Path, p.folder()) {
			f.ruled++
		}
	}
	for _, s := range f.sources {
		f.functions = append(f.functions, s.functions...)
	}
	slices.Sort(f.functions)
	return f, nil
}

func (f figures) lines() (sum int) {
	for _, s := range f.sources {
		sum += s.lines
	}
	return sum
}

// largest is the package with the most lines.
func (f figures) largest() source {
	return slices.MaxFunc(f.sources, func(a, b source) int { return a.lines - b.lines })
}

func (f figures) files() (sum int) {
	for _, s := range f.sources {
		sum += len(s.references)
	}
	return sum
}

func (f figures) mutual() (sum int) {
	for _, s := range f.sources {
		sum += len(s.references.mutual())
	}
	return sum
}

// knots returns how many files are in a knot, and how many in the largest.
func (f figures) knots() (all, largest int) {
	for _, s := range f.sources {
		for _, knot := range s.references.knots() {
			all += len(knot)
			largest = max(largest, len(knot))
		}
	}
	return all, largest
}

func (f figures) levels() int { return slices.Max(slices.Collect(maps.Values(f.imports.levels()))) }

// column is a tree's in the table.
type column struct {
	title string
	figures
}

// rows are those of the table, in their order.
var rows = []struct {
	title string
	value func(figures) string
}{
	{"packages", func(f figures) string { return fmt.Sprint(len(f.imports)) }},
	{"levels", func(f figures) string { return fmt.Sprint(f.levels()) }},
	{"upward imports", func(f figures) string { return fmt.Sprint(len(f.imports.upward())) }},
	{"packages with an import rule", func(f figures) string { return fmt.Sprintf("%d of %d", f.ruled, len(f.imports)) }},
	{"lines of Go", func(f figures) string { return fmt.Sprint(f.lines()) }},
	{"largest package, lines", func(f figures) string {
		return fmt.Sprintf("%d (%s)", f.largest().lines, f.largest().folder)
	}},
	{"files", func(f figures) string { return fmt.Sprint(f.files()) }},
	{"pairs of files that refer to each other", func(f figures) string { return fmt.Sprint(f.mutual()) }},
	{"files in knots, in the largest", func(f figures) string {
		all, largest := f.knots()
		return fmt.Sprintf("%d, %d", all, largest)
	}},
	{"functions", func(f figures) string { return fmt.Sprint(len(f.functions)) }},
	{"lines of a function, p50/p90/max", func(f figures) string {
		return fmt.Sprintf("%d/%d/%d", quantile(f.functions, 0.5), quantile(f.functions, 0.9), quantile(f.functions, 1))
	}},
	{"packages in hack", func(f figures) string { return fmt.Sprint(f.hack) }},
}

// printTable writes Markdown.
func printTable(out io.Writer, columns []column) {
	head, rule := "|", "|---|"
	for _, c := range columns {
		head += " | " + c.title
		rule += "---:|"
	}
	fmt.Fprintf(out, "%s |\n%s\n", head, rule)
	for _, row := range rows {
		cells := []string{row.title}
		for _, c := range columns {
			cells = append(cells, row.value(c.figures))
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}

// printLists writes what the figures count.
func (f figures) printLists(out io.Writer) {
	levels := f.imports.levels()
	for _, s := range f.sources {
		fmt.Fprintf(out, "  level %d: %s, %d files, %d lines, imports %d\n", levels[s.folder], s.folder, len(s.references), s.lines, len(f.imports[s.folder]))
	}
	for _, e := range f.imports.upward() {
		fmt.Fprintf(out, "  upward: %s imports %s\n", e.from, e.to)
	}
	for _, s := range f.sources {
		for _, knot := range s.references.knots() {
			fmt.Fprintf(out, "  knot of %d in %s: %s\n", len(knot), s.folder, strings.Join(knot, " "))
		}
		for _, e := range s.references.mutual() {
			fmt.Fprintf(out, "  pair in %s: %s %s\n", s.folder, e.from, e.to)
		}
	}
}
