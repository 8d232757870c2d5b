// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// table is the markdown that is printed.
type table struct {
	lines []string
	notes []string
}

// reference is the contender that others are ratios to.
const reference = "bare floor"

var phases = []string{phaseBuild, phaseCompare, phaseEdit, phaseRepair, phaseTearDown}

// add appends the lines of a case. calls are per namespace, by contender and phase.
func (t *table) add(c benchCase, results map[string][]result, calls map[string]map[string]float64) {
	for _, name := range c.contenders {
		runs := results[name]
		cells := []string{c.title, name}
		for _, phase := range phases {
			cells = append(cells, cell(phase, runs, results[reference]))
		}
		cells = append(cells,
			cpuCell(runs, results[reference]),
			callsCell(calls[name], phaseBuild), callsCell(calls[name], phaseCompare),
			megabytes(median(runs, func(r result) int64 { return r.Peak })),
			fmt.Sprintf("%d KiB", median(runs, func(r result) int64 { return r.Kernel })>>10))
		t.lines = append(t.lines, "| "+strings.Join(cells, " | ")+" |")
	}
	if runs := results["NetLab"]; len(runs) > 0 {
		t.note(c, runs, results["apply"])
		t.noteBuild(runs, results)
	}
	if runs := results[agentContender]; len(runs) > 0 {
		t.noteAgent(c, runs, results)
	}
}

// noteAgent says what one address costs in the agent, per lab that is edited.
func (t *table) noteAgent(c benchCase, runs []result, results map[string][]result) {
	text := fmt.Sprintf("%s, one address in the agent's own loop, of %d labs each", c.title, runs[0].Labs)
	for _, phase := range []string{phaseEdit, phaseRepair, phaseStorm} {
		took := func(r result) time.Duration { return wallOf(phase)(r) / time.Duration(r.Labs) }
		text += fmt.Sprintf("; %s %.2f ms", phase, median(runs, took).Seconds()*1000)
		for _, other := range []string{"same writes", "NetLab"} {
			if floor := results[other]; len(floor) > 0 && phase != phaseStorm {
				text += fmt.Sprintf(",%s %s", ratio(runs, floor, wallOf(phase)), other)
			}
		}
	}
	t.notes = append(t.notes, text+".")
}

func (t *table) note(c benchCase, runs, applied []result) {
	plan := least(runs, func(r result) time.Duration { return r.CompileAndDiff })
	text := fmt.Sprintf("%s: %d namespaces; compile and compare with nothing %s", c.title, runs[0].Namespaces, milliseconds(plan))
	if len(applied) > 0 {
		text += fmt.Sprintf(" (%.1f %% of apply)", 100*float64(plan)/float64(least(applied, wallOf(phaseBuild))))
	}
	no := least(runs, wallOf(phaseCompare)) / time.Duration(runs[0].Namespaces)
	watching := megabytes(median(runs, func(r result) int64 { return r.Watching }))
	t.notes = append(t.notes, fmt.Sprintf("%s; no-op %.2f ms per namespace; %s while watching them.", text, no.Seconds()*1000, watching))
}

// noteBuild says what NetLab's fastest build consists of, and what it is to every floor.
func (t *table) noteBuild(runs []result, results map[string][]result) {
	fastest := slices.MinFunc(runs, func(a, b result) int { return cmp.Compare(wallOf(phaseBuild)(a), wallOf(phaseBuild)(b)) })
	whole := wallOf(phaseBuild)(fastest)
	text := fmt.Sprintf("Its build of %s: applying %s, looking twice %s, compiling and comparing %s", milliseconds(whole),
		milliseconds(fastest.Applying), milliseconds(fastest.Observing), milliseconds(whole-fastest.Applying-fastest.Observing))
	for _, floor := range []string{reference, "one queue", "same writes"} {
		text += fmt.Sprintf(";%s %s", ratio(runs, results[floor], wallOf(phaseBuild)), floor)
	}
	if applied := results["apply"]; len(applied) > 0 {
		text += fmt.Sprintf("; applying alone%s same writes", ratio(applied, results["same writes"], wallOf(phaseBuild)))
	}
	t.notes = append(t.notes, text+".")
}

func (t *table) String() string {
	head := []string{"lab", "by", "build", "no-op", "edit", "repair", "tear-down", "CPU of build", "calls/ns build", "calls/ns no-op", "memory", "kernel/ns"}
	lines := append([]string{"| " + strings.Join(head, " | ") + " |", "|" + strings.Repeat("---|", len(head))}, t.lines...)
	return strings.Join(lines, "\n") + "\n\n" + strings.Join(t.notes, "\n") + "\n"
}

// cell is the median of a phase, its spread, and its ratio to the reference.
func cell(phase string, runs, floor []result) string {
	of := wallOf(phase)
	if len(runs) == 0 || of(runs[0]) == 0 {
		return "–"
	}
	_, most := spread(runs, of)
	return fmt.Sprintf("%s (%s–%s)%s", milliseconds(median(runs, of)), plain(least(runs, of)), plain(most), ratio(runs, floor, of))
}

func cpuCell(runs, floor []result) string {
	cpu := func(r result) time.Duration { return r.Phases[phaseBuild].CPU }
	return milliseconds(median(runs, cpu)) + ratio(runs, floor, cpu)
}

// ratio is that of the least values: what else a machine does only ever adds.
func ratio(runs, floor []result, of func(result) time.Duration) string {
	if len(floor) == 0 || least(floor, of) == 0 {
		return ""
	}
	return fmt.Sprintf(" %.2f×", float64(least(runs, of))/float64(least(floor, of)))
}

func least(runs []result, of func(result) time.Duration) time.Duration {
	least, _ := spread(runs, of)
	return least
}

func spread(runs []result, of func(result) time.Duration) (least, most time.Duration) {
	least, most = of(runs[0]), of(runs[0])
	for _, r := range runs {
		least, most = min(least, of(r)), max(most, of(r))
	}
	return least, most
}

func callsCell(calls map[string]float64, phase string) string {
	if calls[phase] == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", calls[phase])
}

func wallOf(phase string) func(result) time.Duration {
	return func(r result) time.Duration { return r.Phases[phase].Wall }
}

func median[T cmp.Ordered](runs []result, of func(result) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func milliseconds(d time.Duration) string { return plain(d) + " ms" }

// plain is in milliseconds, with as many digits as mean something.
func plain(d time.Duration) string {
	if ms := d.Seconds() * 1000; ms < 10 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", d.Seconds()*1000)
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
