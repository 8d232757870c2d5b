// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is a mistake in a lab's spec.
type Problem struct {
	// Field is the path of the mistake: spec.links[0].endpoints[1].name.
	Field string
	// Message states the fact, with the offending value.
	Message string
	// Fix says what to write.
	Fix string
	// Absent is the part of the lab in which something is missing.
	Absent Absence
}

// Absence is a part of a lab in which something is missing. Such a problem is certain only if that part
// could be read.
type Absence uint8

// The parts of a lab.
const (
	// NothingAbsent: the value is wrong by itself.
	NothingAbsent Absence = iota
	// NodeAbsent and SubnetAbsent: no object has the name.
	NodeAbsent
	SubnetAbsent
	// AnyAbsent: an address, a link or a setting is missing, and many fields could have it.
	AnyAbsent
)

func (p Problem) String() string {
	text := p.Field + ": " + p.Message
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}

// Problems is every mistake in a lab's spec, in the order of the passes: names, addresses, routes, probes.
type Problems []Problem

// Error has one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// report collects problems and warnings. Only problems prevent a Lab.
type report struct {
	problems Problems
	warnings Problems
}

// refuse reports a problem; message is a format.
func (r *report) refuse(field, fix, message string, args ...any) {
	r.refuseAbsent(NothingAbsent, field, fix, message, args...)
}

// refuseAbsent reports a problem that something is missing.
func (r *report) refuseAbsent(absent Absence, field, fix, message string, args ...any) {
	r.problems = append(r.problems, Problem{field, fmt.Sprintf(message, args...), fix, absent})
}

// okUnder reports whether there is no problem in a field so far.
func (r *report) okUnder(field string) bool {
	return !slices.ContainsFunc(r.problems, func(p Problem) bool { return strings.HasPrefix(p.Field, field+".") })
}

// warn reports something that is legal and probably not intended.
func (r *report) warn(field, fix, message string, args ...any) {
	r.warnings = append(r.warnings, Problem{Field: field, Message: fmt.Sprintf(message, args...), Fix: fix})
}

// fieldAt is the path of an item of an object's list.
func fieldAt(object, list string, i int) string {
	return object + "." + list + "[" + strconv.Itoa(i) + "]"
}

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
