// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
)

// row is a line of the table.
type row struct {
	title, figure string
	text          func(float64) string
	goal          string
}

// titles are those of the cases.
var titles = map[string]string{"tutorials": "300 namespaces", "campus": "the campus", "many": "1,008 namespaces"}

// rows are in the order they are printed.
func rows() []row {
	var rows []row
	each := func(title, figure string, text func(float64) string, goal string) {
		for _, c := range cases {
			rows = append(rows, row{title + ", " + titles[c.name], figure + "/" + c.name, text, goal})
		}
	}
	each("`Diff` from nothing, CPU time", "Diff", milliseconds, "0.5 ×")
	each("`Diff` without a change, CPU time", "DiffNoChange", milliseconds, "0.25 ×")
	each("`Compile`, CPU time", "Compile", milliseconds, "")
	each("compile and plan, share of applying", "share", percent, "3 %")
	each("one look without a change, per namespace", "look", milliseconds, "0.7 ×")
	each("its CPU time", "cpu look", milliseconds, "")
	each("compile, observe, apply, observe again", "build", milliseconds, "")
	each("one address edited, in the agent", "edit", milliseconds, "1/50")
	each("its CPU time", "cpu edit", milliseconds, "")
	each("one address repaired, in the agent", "repair", milliseconds, "1/50")
	each("its CPU time", "cpu repair", milliseconds, "")
	rows = append(rows,
		row{"agent with 1,020 namespaces and 80 probes", "agent", mebibytes, "0.8 ×"},
		row{"… without its program's file", "agent's own", mebibytes, ""})
	for _, program := range programs {
		rows = append(rows, row{"`" + program + "`, of make build", "size " + program, megabytes, "0.75 ×"})
	}
	for _, program := range programs {
		rows = append(rows, row{"`" + program + "`, stripped", "stripped " + program, megabytes, ""})
	}
	return rows
}

// printTable writes Markdown: medians, their ratio, and the ratio of the least values, which other
// load on the machine moves less. Figures that were not measured are left out.
func printTable(out io.Writer, old, now *side) {
	fmt.Fprintf(out, "| | %s | %s | new/old | of the least | goal |\n|---|---:|---:|---:|---:|---:|\n", old.revision, now.revision)
	for _, r := range rows() {
		before, after := old.samples[r.figure], now.samples[r.figure]
		if len(before) == 0 || len(after) == 0 {
			continue
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", r.title, r.text(median(before)), r.text(median(after)),
			ratio(median(after), median(before)), ratio(slices.Min(after), slices.Min(before)), r.goal)
	}
}

// ratio has two digits of a small one, too.
func ratio(after, before float64) string {
	if r := after / before; r < 0.1 {
		return fmt.Sprintf("%.3f", r)
	}
	return fmt.Sprintf("%.2f", after/before)
}

// median is the mean of the two in the middle of an even number.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

func milliseconds(ns float64) string {
	ms := ns / 1e6
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func percent(share float64) string   { return fmt.Sprintf("%.1f %%", 100*share) }
func mebibytes(n float64) string     { return fmt.Sprintf("%.0f MiB", n) }
func megabytes(bytes float64) string { return fmt.Sprintf("%.1f MB", bytes/1e6) }
