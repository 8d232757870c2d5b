// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	repetitions, labs, tracedLabs, copies, many int
	campus, only                                string
	// one is the contender that this process is to measure.
	one string
}

func run(ctx context.Context) error {
	var s settings
	flag.IntVar(&s.repetitions, "repetitions", 3, "how often each contender builds each lab")
	flag.IntVar(&s.labs, "labs", 100, "how many of the tutorial's labs are in one")
	flag.IntVar(&s.tracedLabs, "traced-labs", 10, "the same, where system calls are counted")
	flag.IntVar(&s.many, "many", 4, "how many NetLabs of 252 namespaces the floors and NetLab build one after the other; 0 leaves this case out")
	flag.IntVar(&s.copies, "copies", 1, "internal: how many NetLabs -one builds")
	flag.StringVar(&s.campus, "campus", "config/samples/campus.yaml", "the file of the other lab")
	flag.StringVar(&s.only, "only", "", "contenders, separated by commas; all of them by default")
	flag.StringVar(&s.one, "one", "", "internal: measure this contender here, with the lab of -labs or, where that is 0, -campus")
	flag.Parse()
	if s.one != "" {
		return measureHere(ctx, s)
	}
	return compareAll(ctx, s)
}

// measureHere is the process of one contender: it goes on in a sandbox and prints what it measured.
func measureHere(ctx context.Context, s settings) error {
	inside, exit, err := sandbox.Enter(sandbox.Options{})
	if err != nil {
		return err
	}
	if !inside {
		os.Exit(exit)
	}
	load := func() (*v1alpha1.NetLabSpec, error) { return tutorials(s.labs) }
	if s.labs == 0 {
		load = func() (*v1alpha1.NetLabSpec, error) { return sample(s.campus) }
	}
	spec, err := load()
	if err != nil {
		return err
	}
	b, err := newBench(spec, s.copies)
	if err != nil {
		return err
	}
	r, err := measure(ctx, s.one, b)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// benchCase is a lab that is measured.
type benchCase struct {
	title string
	// labs and traced are how many of the tutorial's are in the lab, 0 for the campus, and where
	// calls are counted; a negative number is not counted.
	labs, traced int
	copies       int
	contenders   []string
}

func (s settings) cases() []benchCase {
	all := s.contenders()
	cases := []benchCase{
		{fmt.Sprintf("%d tutorial labs", s.labs), s.labs, s.tracedLabs, 1, all},
		{"the campus", 0, -1, 1, all},
	}
	if s.many > 0 {
		few := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
			return !slices.Contains([]string{"bare floor", "one queue", "same writes", "apply", "NetLab", agentContender}, name)
		})
		cases = append(cases,
			benchCase{"34 tutorial labs", 34, -1, 1, few},
			benchCase{fmt.Sprintf("%d × 84 tutorial labs", s.many), 84, -1, s.many, few})
	}
	return cases
}

func (s settings) contenders() []string {
	var names []string
	for _, c := range contenders {
		if names = append(names, c.name); c.name == "NetLab" {
			names = append(names, agentContender)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return s.only != "" && !slices.Contains(strings.Split(s.only, ","), name) })
}

func compareAll(ctx context.Context, s settings) error {
	t := &table{}
	defer func() { fmt.Print(t) }()
	for _, c := range s.cases() {
		results := map[string][]result{}
		for repetition := range s.repetitions {
			for _, name := range c.contenders {
				fmt.Fprintf(os.Stderr, "%s, %s, %d of %d\n", c.title, name, repetition+1, s.repetitions)
				r, err := start(ctx, s, name, c.labs, c.copies)
				if err != nil {
					return err
				}
				results[name] = append(results[name], *r)
			}
		}
		calls, err := countAll(ctx, s, c)
		if err != nil {
			return err
		}
		t.add(c, results, calls)
	}
	return nil
}

// start measures one contender in a process of its own.
func start(ctx context.Context, s settings, name string, labs, copies int, before ...string) (*result, error) {
	program := "/proc/self/exe"
	if name == agentContender {
		program = os.Args[0] + "-" + agentContender
	}
	args := append(before, program, "-one", name, "-labs", fmt.Sprint(labs), "-copies", fmt.Sprint(copies), "-campus", s.campus)
	if len(before) > 0 && name != agentContender {
		args[len(before)] = os.Args[0]
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var r result
	if err := json.Unmarshal(output, &r); err != nil {
		return nil, fmt.Errorf("%s: read what it measured: %w", name, err)
	}
	return &r, nil
}

// countAll counts the system calls of each contender, per namespace of the lab.
func countAll(ctx context.Context, s settings, c benchCase) (map[string]map[string]float64, error) {
	counts := map[string]map[string]float64{}
	if c.traced < 0 {
		return counts, nil
	}
	for _, name := range c.contenders {
		fmt.Fprintf(os.Stderr, "%s, %s, under strace\n", c.title, name)
		calls, err := count(ctx, s, name, c.traced)
		if err != nil {
			return nil, err
		}
		counts[name] = calls
	}
	return counts, nil
}

func count(ctx context.Context, s settings, name string, labs int) (map[string]float64, error) {
	trace, err := os.CreateTemp("", "netlab-bench-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(trace.Name()) //nolint:errcheck // it is a temporary file
	defer trace.Close()
	r, err := start(ctx, s, name, labs, 1, "strace", "-f", "-qq", "-s", "32", "-e", "signal=none", "-o", trace.Name())
	if err != nil {
		return nil, err
	}
	perNamespace := map[string]float64{}
	calls, err := countCalls(trace)
	for phase, n := range calls {
		perNamespace[phase] = float64(n) / float64(r.Namespaces)
	}
	return perNamespace, errors.Join(err)
}
