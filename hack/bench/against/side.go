// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// side is a checkout of one revision and what was measured there.
type side struct {
	revision, root string
	// samples are the values of each figure, in the order of the rounds.
	samples map[string][]float64
}

// programs are what users get, in cmd.
var programs = []string{"netlab-agent", "netlab-controller", "kubectl-netlab"}

func checkOut(ctx context.Context, root, revision string) (*side, error) {
	if output, err := exec.CommandContext(ctx, "git", "worktree", "add", "--detach", root, revision).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("check out %s: %w: %s", revision, err, output)
	}
	s := &side{root: root, samples: map[string][]float64{}}
	commit, err := s.output(ctx, "git", "rev-parse", "--short", "HEAD")
	s.revision = strings.TrimSpace(commit)
	return s, err
}

func (s *side) remove() error {
	if output, err := exec.Command("git", "worktree", "remove", "--force", s.root).CombinedOutput(); err != nil {
		return fmt.Errorf("remove the work tree of %s: %w: %s", s.revision, err, output)
	}
	return nil
}

// labsDir is where the cases of make bench are.
func (s *side) labsDir() string {
	if s.has("hack/bench/labs") {
		return "hack/bench/labs"
	}
	return "hack/bench"
}

// agentLoop is the contender that runs the agent's own loop; older revisions have none.
const agentLoop = "hack/bench/labs/agent.go"

// benchmarks is the file of Go benchmarks for the side's API.
func (s *side) benchmarks() string {
	api := "topology"
	if s.has("controllers/state") {
		api = "state"
	}
	return filepath.Join("hack/bench/against/testdata", api, "against_test.go")
}

func (s *side) has(path string) bool {
	_, err := os.Stat(filepath.Join(s.root, path))
	return err == nil
}

func (s *side) built(name string) string { return filepath.Join(s.root, "bin", name) }

// build makes the programs, and those that measure, and notes sizes.
func (s *side) build(ctx context.Context) error {
	content, err := os.ReadFile(s.benchmarks())
	if err != nil {
		return fmt.Errorf("copy the benchmarks: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.root, s.labsDir(), "against_test.go"), content, 0o600); err != nil {
		return fmt.Errorf("copy the benchmarks: %w", err)
	}
	commands := [][]string{
		{"make", "--no-print-directory", "build"},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", s.built("stripped") + "/", "./cmd/..."},
		{"go", "build", "-trimpath", "-o", s.built("labs"), "./" + s.labsDir()},
		{"go", "test", "-trimpath", "-c", "-o", s.built("plan"), "./" + s.labsDir()},
	}
	if s.has(agentLoop) {
		commands = append(commands, []string{"go", "build", "-trimpath", "-tags", "agent", "-o", s.built("labs-agent"), "./" + s.labsDir()})
	}
	for _, command := range commands {
		if _, err := s.output(ctx, command...); err != nil {
			return err
		}
	}
	for _, program := range programs {
		for figure, path := range map[string]string{"size": program, "stripped": filepath.Join("stripped", program)} {
			info, err := os.Stat(s.built(path))
			if err != nil {
				return fmt.Errorf("size of %s: %w", program, err)
			}
			s.note(figure+" "+program, float64(info.Size()))
		}
	}
	return nil
}

// output runs a command in the checkout. What it printed is returned even if it failed.
func (s *side) output(ctx context.Context, command ...string) (string, error) {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = s.root
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "NETLAB_CAMPUS="+s.campus())
	var stderr strings.Builder
	c.Stderr = &stderr
	output, err := c.Output()
	if err != nil {
		return string(output), fmt.Errorf("%s: %s: %w: %s%s", s.revision, strings.Join(command, " "), err, output, &stderr)
	}
	return string(output), nil
}

func (s *side) campus() string { return filepath.Join(s.root, "config/samples/campus.yaml") }

func (s *side) note(figure string, value float64) {
	s.samples[figure] = append(s.samples[figure], value)
}
