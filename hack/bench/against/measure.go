// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// benchTime is how long each Go benchmark runs in one round.
const benchTime = "300ms"

// cases are the labs of make bench: how many tutorial labs are in one, 0 for the campus, and how many of it there are.
var cases = []struct{ name, labs, copies string }{{"tutorials", "100", "1"}, {"campus", "0", "1"}, {"many", "84", "4"}}

// plan notes what the Go benchmarks print.
func (s *side) plan(ctx context.Context) error {
	output, err := s.output(ctx, s.built("plan"), "-test.run", "^$", "-test.bench", "^Benchmark(Compile|Diff|DiffNoChange)$", "-test.benchtime", benchTime)
	if err != nil {
		return err
	}
	times := readBenchmarks(output)
	if len(times) == 0 {
		return fmt.Errorf("%s: no benchmark among %q", s.revision, output)
	}
	for name, ns := range times {
		s.note(name, ns)
	}
	return nil
}

// benchmarkLine is one of go test's: name, processors, runs, time, CPU time.
var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+[\d.]+ ns/op\s+([\d.]+) cpu-ns/op`)

// readBenchmarks returns the CPU time of each benchmark in nanoseconds.
func readBenchmarks(output string) map[string]float64 {
	times := map[string]float64{}
	for _, match := range benchmarkLine.FindAllStringSubmatch(output, -1) {
		ns, err := strconv.ParseFloat(match[2], 64)
		if err == nil {
			times[match[1]] = ns
		}
	}
	return times
}

// result is what one process of hack/bench/labs prints.
type result struct {
	Phases     map[string]struct{ Wall, CPU time.Duration }
	Namespaces int
	// CompileAndDiff is what computing the plan took.
	CompileAndDiff time.Duration
}

// labs notes what building and looking at each lab takes.
func (s *side) labs(ctx context.Context) error {
	for _, c := range cases {
		whole, err := s.contender(ctx, "NetLab", c.labs, c.copies)
		if err != nil {
			return err
		}
		applied, err := s.contender(ctx, "apply", c.labs, c.copies)
		if err != nil {
			return err
		}
		apply := applied.Phases["build"].Wall
		s.note("cpu look/"+c.name, float64(whole.Phases["compare"].CPU)/float64(whole.Namespaces))
		s.note("share/"+c.name, float64(whole.CompileAndDiff)/float64(apply))
		s.note("look/"+c.name, float64(whole.Phases["compare"].Wall)/float64(whole.Namespaces))
		s.note("build/"+c.name, float64(whole.Phases["build"].Wall))
		if err := s.oneAddress(ctx, c.name, c.labs, c.copies, whole); err != nil {
			return err
		}
	}
	return nil
}

// oneAddress notes what it takes to edit or to repair one address in the agent. An agent that looks at the whole lab
// each time does what whole does.
func (s *side) oneAddress(ctx context.Context, name, labs, copies string, whole result) (err error) {
	r := whole
	if s.has(agentLoop) {
		if r, err = s.contender(ctx, "agent", labs, copies); err != nil {
			return err
		}
	}
	each, err := strconv.ParseFloat(copies, 64)
	for _, phase := range []string{"edit", "repair"} {
		s.note(phase+"/"+name, float64(r.Phases[phase].Wall)/each)
		s.note("cpu "+phase+"/"+name, float64(r.Phases[phase].CPU)/each)
	}
	return err
}

func (s *side) contender(ctx context.Context, name, labs, copies string) (r result, err error) {
	program := "labs"
	if name == "agent" {
		program += "-agent"
	}
	output, err := s.output(ctx, s.built(program), "-one", name, "-labs", labs, "-copies", copies, "-campus", s.campus())
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(output), &r); err != nil {
		return r, fmt.Errorf("%s: read what %s measured: %w", s.revision, name, err)
	}
	return r, nil
}

// agent notes the memory of an agent with 1,020 namespaces and 80 probes. The test that prints it
// fails if it is above the goal: that is a figure too.
func (s *side) agent(ctx context.Context) error {
	output, err := s.output(ctx, "make", "--no-print-directory", "bench-agent")
	all, own, ok := readMemory(output)
	if !ok {
		return fmt.Errorf("%s: read the agent's memory in %q: %w", s.revision, output, cmp.Or(err, errors.New("there is none")))
	}
	s.note("agent", all)
	s.note("agent's own", own)
	return nil
}

// memoryLine is that of TestTheAgentsMemory: all of it, its own, and its program's.
var memoryLine = regexp.MustCompile(`namespaces in .* probes: (\d+) MiB \((\d+) its own`)

func readMemory(output string) (all, own float64, ok bool) {
	match := memoryLine.FindStringSubmatch(strings.ReplaceAll(output, "\n", " "))
	if match == nil {
		return 0, 0, false
	}
	all, _ = strconv.ParseFloat(match[1], 64) // both are digits
	own, _ = strconv.ParseFloat(match[2], 64)
	return all, own, true
}
