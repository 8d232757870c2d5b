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
	"github.com/netlab-dev/netlab/controllers/capture"
)

// Run runs the answering program with arguments and standard files until it ends. The error
// says that it could not be run, that ctx was done, or that its exit code is not 0.
type Run func(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error

// Lab is a lab that is asked on another machine. It can do what ask.Lab can.
type Lab struct {
	// Description is the NetLab as JSON, as the API server has it: a field that only the other
	// side knows must arrive there.
	Description []byte
	Run         Run
	// Progress is told what is being waited for; nil for silence.
	Progress func(step string)
}

// Explain is that of ask.Lab.
func (l *Lab) Explain(ctx context.Context, named string) ([]ask.Explanation, error) {
	args := []string{verbExplain}
	if named != "" {
		args = append(args, named)
	}
	return l.explain(ctx, args)
}

// ExplainPath is that of ask.Lab.
func (l *Lab) ExplainPath(ctx context.Context, path ask.Path) ([]ask.Explanation, error) {
	return l.explain(ctx, []string{verbExplain, path.From, path.To})
}

func (l *Lab) explain(ctx context.Context, args []string) (explained []ask.Explanation, err error) {
	err = l.ask(ctx, args, func(r Reply) { explained = append(explained, r.Explanations...) })
	return explained, err
}

// Ping is that of ask.Lab.
func (l *Lab) Ping(ctx context.Context, path ask.Path, o ask.PingOptions, each func(ask.Attempt)) error {
	args := []string{verbPing, "--count=" + strconv.Itoa(o.Count), "--interval=" + o.Interval.String(), path.From, path.To}
	return l.ask(ctx, args, func(r Reply) {
		if r.Attempt != nil {
			each(*r.Attempt)
		}
	})
}

// PingAll is that of ask.Lab.
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

// Capture is that of ask.Lab.
func (l *Lab) Capture(ctx context.Context, o ask.CaptureOptions, w io.Writer) (summary capture.Summary, err error) {
	args := []string{
		verbCapture, "--packets=" + strconv.Itoa(o.Packets), "--duration=" + o.Duration.String(),
		"--interface=" + o.Interface, o.Node,
	}
	c := l.conversation(func(r Reply) {
		if r.Capture != nil {
			summary = *r.Capture
		}
	})
	err = c.hold(ctx, args, w, c)
	return summary, err
}

// ask runs a question whose answer is nothing but replies.
func (l *Lab) ask(ctx context.Context, args []string, each func(Reply)) error {
	c := l.conversation(each)
	return c.hold(ctx, args, c, &c.complaint)
}

// conversation is one question and its answer, to which the answering program writes.
type conversation struct {
	lab  *Lab
	each func(Reply)
	// unread is the beginning of a line.
	unread  bytes.Buffer
	version string
	failure string
	// noise is what came among the replies and is none, complaint what came beside them. Two
	// goroutines write them.
	noise, complaint bytes.Buffer
}

func (l *Lab) conversation(each func(Reply)) *conversation { return &conversation{lab: l, each: each} }

// patience is how long the other side may take to end after it was told that nobody waits.
const patience = 5 * time.Second

// hold runs the program. When ctx is done its standard input ends, and what it says then is
// still part of the answer.
func (c *conversation) hold(ctx context.Context, args []string, out, errOut io.Writer) error {
	in, description := io.Pipe()
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		_, _ = description.Write(c.lab.Description)
		select {
		case <-ctx.Done():
			_ = description.Close()
			time.AfterFunc(patience, cancel)
		case <-running.Done():
		}
	}()
	err := c.lab.Run(running, args, in, out, errOut)
	_ = description.Close() // whoever still reads meets the end, whoever writes stops
	switch {
	case c.failure != "" && ctx.Err() != nil:
		return context.Cause(ctx)
	case c.failure != "":
		return errors.New(c.failure)
	case err != nil:
		return fmt.Errorf("%w%s%s", err, prefixed(": ", c.said()), prefixed("; the agent's version is ", c.version))
	}
	return nil
}

// said is what the program wrote that are no replies.
func (c *conversation) said() string {
	return strings.TrimSpace(c.complaint.String() + c.noise.String() + c.unread.String())
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// Write takes replies, a line each, as they come.
func (c *conversation) Write(b []byte) (int, error) {
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

func (c *conversation) read(line []byte) {
	var r Reply
	switch err := json.Unmarshal(line, &r); {
	case err != nil:
		c.noise.Write(append(bytes.Clone(line), '\n'))
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
