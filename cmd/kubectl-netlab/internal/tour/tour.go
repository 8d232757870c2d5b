// SPDX-License-Identifier: Apache-2.0

// Package tour is the guided tour: README.md, read as steps with commands and their outputs, and the
// labs it builds. The page is what people read, what the verb tour runs, and what a test compares
// with the real outputs.
package tour

import (
	"embed"
	"regexp"
	"strconv"
	"strings"
)

// Lab is the name that every file of the tour gives its lab, so that each file is an edit of the one before.
const Lab = "tour"

// Page is the text of the tour.
//
//go:embed README.md
var Page string

// Files are the labs.
//
//go:embed *.yaml
var Files embed.FS

// A Step is a numbered section of the page.
type Step struct {
	Title string
	Parts []Part
}

// A Part is a command and the text before it. The last part of a step may have only text.
type Part struct {
	Text    string
	Command string
	// Output and Exit are what the command prints, on standard output and standard error, and its
	// exit code.
	Output string
	Exit   int
}

var (
	heading = regexp.MustCompile(`^\d+\. (.+)`)
	block   = regexp.MustCompile("(?s)```console(?: exit (\\d+))?\n\\$ ([^\n]+)\n(.*?)```\n")
)

// Steps are the steps of a page.
func Steps(page string) []Step {
	var steps []Step
	for _, section := range strings.Split(page, "\n## ") {
		title, body, _ := strings.Cut(section, "\n")
		if found := heading.FindStringSubmatch(title); found != nil {
			steps = append(steps, Step{Title: found[1], Parts: parts(body)})
		}
	}
	return steps
}

func parts(body string) []Part {
	var all []Part
	for {
		at := block.FindStringSubmatchIndex(body)
		if at == nil {
			break
		}
		found := block.FindStringSubmatch(body)
		exit, _ := strconv.Atoi(found[1])
		all = append(all, Part{Text: strings.TrimSpace(body[:at[0]]), Command: found[2], Output: found[3], Exit: exit})
		body = body[at[1]:]
	}
	if rest := strings.TrimSpace(body); rest != "" {
		all = append(all, Part{Text: rest})
	}
	return all
}

var missing = regexp.MustCompile(`this kernel lacks a feature: .*`)

// FeatureMissing is what an output says about a feature that the kernel lacks, or empty.
func FeatureMissing(output string) string { return missing.FindString(output) }
