// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/tour"
)

// guide leads through the tour.
type guide struct {
	*app
	dir   string
	yes   bool
	lines chan string
}

// errQuit ends the tour on request.
var errQuit = errors.New("quit")

// tour runs one step, or all if only is 0, and removes the lab.
func (g *guide) tour(ctx context.Context, steps []tour.Step, only int) error {
	err := g.steps(ctx, steps, only)
	if only > 0 && err == nil {
		err = g.ask(ctx, "Enter removes the lab")
	}
	if ctx.Err() != nil {
		err = exitError(exitInterrupted)
	}
	if errors.Is(err, errQuit) {
		err = nil
	}
	removed, _, failure := g.command(context.WithoutCancel(ctx), "kubectl netlab --local down --ignore-not-found "+tour.Lab)
	fmt.Fprint(g.out, removed)
	return errors.Join(err, failure)
}

func (g *guide) steps(ctx context.Context, steps []tour.Step, only int) error {
	for i, step := range steps {
		if only > 0 && only != i+1 {
			continue
		}
		fmt.Fprintf(g.out, "== %d of %d: %s ==\n\n", i+1, len(steps), step.Title)
		if err := g.step(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

func (g *guide) step(ctx context.Context, step tour.Step) error {
	for _, part := range step.Parts {
		if part.Text != "" {
			fmt.Fprintf(g.out, "%s\n\n", part.Text)
		}
		if part.Command == "" {
			continue
		}
		missing, err := g.part(ctx, part)
		if err != nil {
			return err
		}
		if missing != "" {
			fmt.Fprintf(g.out, "The rest of this step is skipped: %s\n\n", missing)
			return nil
		}
	}
	return nil
}

// part shows a command, and runs it when it may. It returns the feature that the kernel lacks for it.
func (g *guide) part(ctx context.Context, part tour.Part) (missing string, err error) {
	fmt.Fprintf(g.out, "$ %s\n", part.Command)
	if err := g.ask(ctx, "Enter runs it, q ends the tour"); err != nil {
		return "", err
	}
	output, exit, err := g.command(ctx, part.Command)
	switch missing := tour.FeatureMissing(output); {
	case err != nil:
		return "", err
	case ctx.Err() != nil:
		return "", ctx.Err()
	case missing != "":
		return missing, nil
	}
	fmt.Fprintf(g.out, "%s\n", output)
	if exit != part.Exit {
		return "", fmt.Errorf("%s: exit code %d, the tour expects %d", part.Command, exit, part.Exit)
	}
	return "", g.out.failure()
}

// readLines begins to read the input: a read cannot be interrupted, waiting for its result can.
func (g *guide) readLines() {
	g.lines = make(chan string)
	if g.yes {
		return
	}
	go func() {
		defer close(g.lines)
		for input := bufio.NewScanner(g.in); input.Scan(); {
			g.lines <- strings.TrimSpace(input.Text())
		}
	}()
}

// ask waits for Enter.
func (g *guide) ask(ctx context.Context, what string) error {
	if g.yes {
		return ctx.Err()
	}
	for {
		fmt.Fprintf(g.terminal.err, "[%s] ", what)
		select {
		case <-ctx.Done():
			fmt.Fprintln(g.terminal.err)
			return ctx.Err()
		case line, more := <-g.lines:
			switch {
			case !more:
				return errors.New("the input has ended: use --yes to run the tour without Enter")
			case line == "":
				return nil
			case line == "q":
				return errQuit
			}
		}
	}
}

const netlabCommand = "kubectl netlab "

// command runs a command of the page and returns what it prints. This program's own verbs run in this process:
// they need neither kubectl nor an installed plugin.
func (g *guide) command(ctx context.Context, line string) (output string, exit int, err error) {
	if verb, ok := strings.CutPrefix(line, netlabCommand); ok {
		return g.netlab(ctx, g.inFolder(strings.Fields(verb)))
	}
	words := strings.Fields(line)
	program := exec.CommandContext(ctx, words[0], words[1:]...)
	program.Dir = g.dir
	printed, err := program.CombinedOutput()
	if ended := (exitError)(0); errors.As(exitCode(err), &ended) {
		return string(printed), int(ended), nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("run %s: %w", words[0], err)
	}
	return string(printed), 0, nil
}

// inFolder are arguments with the tour's files by their paths.
func (g *guide) inFolder(args []string) []string {
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") {
			args[i] = filepath.Join(g.dir, arg)
		}
	}
	return args
}

func (g *guide) netlab(ctx context.Context, args []string) (output string, exit int, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", 0, fmt.Errorf("make a pipe: %w", err)
	}
	defer read.Close()
	printed := make(chan []byte)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, read)
		printed <- all.Bytes()
	}()
	inner := newApp(g.in, write, write)
	inner.openMachine = g.openMachine
	exit = inner.run(ctx, args)
	err = write.Close()
	return string(<-printed), exit, err
}
