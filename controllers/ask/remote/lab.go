// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/controllers/ask"
)

// Run runs the program with arguments and standard streams until it ends. The error is that it did not start,
// that ctx ended, or that its exit code is not 0.
type Run func(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error

// Lab is a lab on another machine. It has the methods of ask.Lab.
type Lab struct {
	// Description is the NetLab as JSON as returned by the API server: it keeps fields that only the server
	// knows.
	Description []byte
	Run         Run
	// Progress receives the current step; it may be nil.
	Progress func(step string)
}

// Explain implements the method of ask.Lab.
func (l *Lab) Explain(ctx context.Context, named string) ([]ask.Explanation, error) {
	args := []string{verbExplain}
	if named != "" {
		args = append(args, named)
	}
	return l.explain(ctx, args)
}

// ExplainPath implements the method of ask.Lab.
func (l *Lab) ExplainPath(ctx context.Context, path ask.Path) ([]ask.Explanation, error) {
	return l.explain(ctx, []string{verbExplain, path.From, path.To})
}

func (l *Lab) explain(ctx context.Context, args []string) (explained []ask.Explanation, err error) {
	err = l.ask(ctx, args, func(r Reply) { explained = append(explained, r.Explanations...) })
	return explained, err
}

// Ping implements the method of ask.Lab.
func (l *Lab) Ping(ctx context.Context, path ask.Path, o ask.PingOptions, each func(ask.Attempt)) error {
	args := []string{verbPing, "--count=" + strconv.Itoa(o.Count), "--interval=" + o.Interval.String(), path.From, path.To}
	return l.ask(ctx, args, func(r Reply) {
		if r.Attempt != nil {
			each(*r.Attempt)
		}
	})
}

// PingAll implements the method of ask.Lab.
func (l *Lab) PingAll(ctx context.Context, o ask.PingAllOptions) (all *ask.PingAll, err error) {
	args := []string{verbPingAll, "--timeout=" + o.Timeout.String(), "--diagnoses=" + strconv.Itoa(o.Diagnoses)}
	err = l.ask(ctx, args, func(r Reply) {
		if r.PingAll != nil {
			all = r.PingAll
		}
	})
	if err == nil && all == nil {
		err = errors.New("the reply has no results")
	}
	return all, err
}

// ask runs a question whose answer consists of replies.
func (l *Lab) ask(ctx context.Context, args []string, each func(Reply)) error {
	c := l.exchange(each)
	return c.run(ctx, args, c, &c.stderr)
}

// exchange is one question and its answer. The program writes to it.
type exchange struct {
	lab  *Lab
	each func(Reply)
	// unread is the beginning of a line.
	unread  bytes.Buffer
	version string
	failure string
	// stray is output that is no Reply, stderr the standard error. Two goroutines write them.
	stray, stderr bytes.Buffer
}

func (l *Lab) exchange(each func(Reply)) *exchange { return &exchange{lab: l, each: each} }

// exitTimeout limits how long the program may run after the end of its standard input.
const exitTimeout = 5 * time.Second

// run runs the program. When ctx ends, its standard input ends; what it writes after that still belongs to
// the answer.
func (c *exchange) run(ctx context.Context, args []string, out, errOut io.Writer) error {
	in, description := io.Pipe()
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		_, _ = description.Write(c.lab.Description)
		select {
		case <-ctx.Done():
			_ = description.Close()
			time.AfterFunc(exitTimeout, cancel)
		case <-running.Done():
		}
	}()
	err := c.lab.Run(running, args, in, out, errOut)
	_ = description.Close() // ends a blocked read or write
	switch {
	case c.failure != "" && ctx.Err() != nil:
		return context.Cause(ctx)
	case c.failure != "":
		return errors.New(c.failure)
	case err != nil:
		return fmt.Errorf("%w%s%s", err, prefixed(": ", c.output()), prefixed("; the agent's version is ", c.version))
	}
	return nil
}

// output is the program's output that is no Reply.
func (c *exchange) output() string {
	return strings.TrimSpace(c.stderr.String() + c.stray.String() + c.unread.String())
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// Write reads replies, one per line.
func (c *exchange) Write(b []byte) (int, error) {
	c.unread.Write(b)
	for bytes.Contains(b, []byte("\n")) {
		line, rest, complete := bytes.Cut(c.unread.Bytes(), []byte("\n"))
		if !complete {
			break
		}
		c.read(line)
		c.unread.Next(c.unread.Len() - len(rest))
	}
	return len(b), nil
}

func (c *exchange) read(line []byte) {
	var r Reply
	switch err := json.Unmarshal(line, &r); {
	case err != nil:
		c.stray.Write(append(bytes.Clone(line), '\n'))
	case r.Error != "":
		c.failure = r.Error
	case r.Version != "":
		c.version = r.Version
	case r.Progress != "":
		if c.lab.Progress != nil {
			c.lab.Progress(r.Progress)
		}
	default:
		c.each(r)
	}
}
