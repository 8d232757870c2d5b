// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"strings"
)

// Problem is a problem of a file.
type Problem struct {
	// File as it was given; "standard input" for "-".
	File string `json:"file"`
	// Line starts at 1; 0 when the problem is the whole file's.
	Line int `json:"line,omitempty"`
	// Field is the path inside the document: spec.links[0].subnet.
	Field string `json:"field,omitempty"`
	// Message states the fact.
	Message string `json:"message"`
	// Fix is what to write instead; empty where the message makes it plain.
	Fix string `json:"fix,omitempty"`
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	for _, part := range []string{p.Field, p.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// maxShown keeps the text of Problems readable when a file is something else altogether.
const maxShown = 50

// Problems are all problems, in the order of files and lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, 0, min(len(p), maxShown)+1)
	for _, problem := range p[:min(len(p), maxShown)] {
		lines = append(lines, problem.String())
	}
	if more := len(p) - maxShown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}
