// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/tour"
)

const tourPage = "internal/tour/README.md"

var updateTour = flag.Bool("update-tour", false, "write the outputs of the commands to "+tourPage)

// Every command of the tour prints what the page shows, and exits as the page says. The steps with VLANs and
// netem need a full kernel.
func TestTourPage(t *testing.T) {
	steps := tour.Steps(tour.Page)
	if len(steps) != 7 {
		t.Fatalf("%s has %d steps, the help says seven", tourPage, len(steps))
	}
	dir, err := tourFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r := &tourRun{guide: &guide{app: newApp(os.Stdin, os.Stdout, os.Stderr), dir: dir, yes: true}}
	for _, step := range steps {
		r.step(t, step)
	}
	if *updateTour {
		r.write(t)
	}
}

// tourRun is the tour as this kernel runs it.
type tourRun struct {
	*guide
	// skipped is true after a step that this kernel cannot run: the next one then begins with another lab.
	skipped bool
	outputs []string
}

func (r *tourRun) step(t *testing.T, step tour.Step) {
	lacks := ""
	for _, part := range step.Parts {
		switch {
		case part.Command == "":
			continue
		case lacks == "":
			lacks = r.part(t, step, part)
		}
		if lacks != "" {
			r.outputs = append(r.outputs, part.Output)
		}
	}
	r.skipped = r.skipped || lacks != ""
}

// part compares a command with the page. It returns the feature that the kernel lacks for it.
func (r *tourRun) part(t *testing.T, step tour.Step, part tour.Part) string {
	output, exit, err := r.command(t.Context(), part.Command)
	if err != nil {
		t.Fatalf("%s: %v", part.Command, err)
	}
	needsFullKernel := step.Title == "A VLAN" || step.Title == "A slow link"
	if missing := tour.FeatureMissing(output); missing != "" && needsFullKernel && !fullKernel {
		t.Logf("%s: %s", step.Title, missing)
		return missing
	}
	if r.masked(output) != r.masked(part.Output) || exit != part.Exit {
		t.Errorf("%s: %s shows\n%s(exit code %d)\nit prints\n%s(exit code %d)", part.Command, tourPage, part.Output, part.Exit, output, exit)
	}
	if r.masked(output) == r.masked(part.Output) {
		output = part.Output
	}
	r.outputs = append(r.outputs, output)
	return ""
}

var (
	tourTimes   = regexp.MustCompile(`\d+(\.\d+)? ms`)
	tourChanges = regexp.MustCompile(`\d+ changes? made|nothing to change`)
	tourBlock   = regexp.MustCompile("(?s)(```console[^\n]*\n\\$ [^\n]+\n)(.*?)```\n")
)

// masked is an output without what differs from run to run.
func (r *tourRun) masked(output string) string {
	output = tourTimes.ReplaceAllString(strings.TrimRight(output, "\n"), "T ms")
	if r.skipped {
		output = tourChanges.ReplaceAllString(output, "N changes")
	}
	return output
}

func (r *tourRun) write(t *testing.T) {
	at := 0
	page := tourBlock.ReplaceAllStringFunc(tour.Page, func(block string) string {
		at++
		return tourBlock.FindStringSubmatch(block)[1] + r.outputs[at-1] + "```\n"
	})
	if err := os.WriteFile(tourPage, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
}
