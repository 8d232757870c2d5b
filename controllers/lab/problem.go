// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a lab's description, for the person who wrote it.
type Problem struct {
	// Field is the path of what is wrong: spec.links[0].endpoints[1].name.
	Field string
	// Message says what is wrong.
	Message string
	// Fix says what to do.
	Fix string
	// Absent says what is missing for the problem to be one.
	Absent Absence
}

// Absence is a part of a lab in which something is missing. A problem that rests on it is certain
// only where that part could be read.
type Absence uint8

// The parts of a lab.
const (
	// NothingAbsent: what is written is wrong by itself.
	NothingAbsent Absence = iota
	// NodeAbsent and SubnetAbsent: a name is used and not given.
	NodeAbsent
	SubnetAbsent
	// AnyAbsent: an address, a link or a setting, which may be written in many places.
	AnyAbsent
)

func (p Problem) String() string {
	text := p.Field + ": " + p.Message
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}

// Problems is everything wrong with a lab's description, in the order in which Compile
// comes by it: names, addresses, routes, probes.
type Problems []Problem

// Error has one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// report collects what is found on the way: problems are refused, warnings are not.
type report struct {
	problems Problems
	warnings Problems
}

// refuse notes a problem; message may be a format.
func (r *report) refuse(field, fix, message string, args ...any) {
	r.refuseAbsent(NothingAbsent, field, fix, message, args...)
}

// refuseAbsent notes a problem that is one because something is missing.
func (r *report) refuseAbsent(absent Absence, field, fix, message string, args ...any) {
	r.problems = append(r.problems, Problem{field, fmt.Sprintf(message, args...), fix, absent})
}

// warn notes something that is legal and probably not meant.
func (r *report) warn(field, fix, message string, args ...any) {
	r.warnings = append(r.warnings, Problem{Field: field, Message: fmt.Sprintf(message, args...), Fix: fix})
}

// fieldAt is an item of a list.
func fieldAt(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// choice is a fix for a name that does not exist: at most 12 of the existing names, each once, or what to
// do where there are none.
func choice(what string, names []string, none string) string {
	seen := map[string]bool{}
	names = slices.DeleteFunc(names, func(name string) bool {
		drop := seen[name] || name == ""
		seen[name] = true
		return drop
	})
	switch {
	case len(names) == 0:
		return none
	case len(names) > 12:
		return fmt.Sprintf("write one of %s: %s and %d more", what, strings.Join(names[:12], ", "), len(names)-12)
	}
	return fmt.Sprintf("write one of %s: %s", what, strings.Join(names, ", "))
}
