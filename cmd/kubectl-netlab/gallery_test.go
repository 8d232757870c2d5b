// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// eachSample runs a shell script with the path of every sample of a kind as $1, and with what its
// header expects as $2 (True or False) and $3 (the reason). The kinds are those that this build of
// the tests runs, and those for which it takes a full kernel to run them: see fullKernel.
func eachSample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || args[0] != "run" && args[0] != "plan" {
		ts.Fatalf("usage: each-sample run|plan SCRIPT")
	}
	samples, err := filepath.Glob(filepath.Join(ts.Getenv("SAMPLES"), "*.yaml"))
	ts.Check(err)
	if len(samples) == 0 {
		ts.Fatalf("there are no samples in %s", ts.Getenv("SAMPLES"))
	}
	for _, sample := range samples {
		if filepath.Base(sample) == "kustomization.yaml" {
			continue
		}
		needsFullKernel := header(ts, sample, "# needs: ") != ""
		if run := needsFullKernel == fullKernel; args[0] == "run" && !run || args[0] == "plan" && (run || fullKernel) {
			continue
		}
		expected, ok := strings.CutPrefix(header(ts, sample, "# expect: "), "Reachable=")
		if !ok {
			ts.Fatalf("%s does not say what to expect", sample)
		}
		status, reason, _ := strings.Cut(expected, "/")
		ts.Check(ts.Exec("sh", "-eu", ts.MkAbs(args[1]), sample, status, reason))
	}
}

// header is the rest of the line of a sample's header that begins so.
func header(ts *testscript.TestScript, sample, begins string) string {
	lines := slices.Collect(strings.Lines(ts.ReadFile(sample)))
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, begins) })
	if at < 0 {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(lines[at], begins))
}
