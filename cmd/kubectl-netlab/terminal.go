// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// progressDelay is the time before progress is shown.
const progressDelay = time.Second

// terminal is standard output and standard error, and what they can show.
type terminal struct {
	out, err *os.File
	colours  bool
	lines    bool // err can show a line that changes

	mu      sync.Mutex
	step    string
	waiting *time.Timer
	shown   bool
}

func newTerminal(out, err *os.File) *terminal {
	return &terminal{
		out: out, err: err,
		colours: isTerminal(out) && understandsEscapes(out) && os.Getenv("NO_COLOR") == "",
		lines:   isTerminal(err) && understandsEscapes(err),
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// interactive reports whether input and output are terminals.
func (t *terminal) interactive(in *os.File) bool { return isTerminal(in) && isTerminal(t.out) }

// progress shows the current step, on a terminal and only if it takes long.
func (t *terminal) progress(step string) {
	if !t.lines {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.step = step
	switch {
	case t.shown:
		t.draw()
	case t.waiting == nil:
		t.waiting = time.AfterFunc(progressDelay, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.waiting != nil {
				t.draw()
			}
		})
	}
}

func (t *terminal) draw() {
	t.shown = true
	fmt.Fprintf(t.err, "\r\033[K… %s", t.step)
}

// clear removes the line of progress before a result is printed.
func (t *terminal) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting != nil {
		t.waiting.Stop()
		t.waiting = nil
	}
	if t.shown {
		fmt.Fprint(t.err, "\r\033[K")
		t.shown = false
	}
}

// The colours of the verdicts.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
)

func (t *terminal) colour(colour, text string) string {
	if !t.colours {
		return text
	}
	return "\033[" + colour + "m" + text + "\033[0m"
}

// failureLines is an error with one "error: " per line.
func (t *terminal) failureLines(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = "error: " + line
	}
	return strings.Join(lines, "\n")
}
