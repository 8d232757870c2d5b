// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/tools/remotecommand"
	podexec "k8s.io/client-go/util/exec"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/nodeexec"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// clusterExec runs the command in a Pod on a node of the cluster.
func (a *app) clusterExec(cmd *cobra.Command, name, node string, command []string, o execOptions) error {
	if o.tty && (!isTerminal(a.in) || !o.stdin) {
		return errors.New("-t needs -i, and a terminal as standard input")
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	described, err := c.lab(cmd.Context(), name)
	if err != nil {
		return err
	}
	if names := lab.NodeNames(&described.Spec); !slices.Contains(names, node) {
		return fmt.Errorf("%s/%s has no node %q; its nodes: %s", described.Namespace, described.Name, node, strings.Join(names, ", "))
	}
	nodes, agent, err := c.agent(cmd.Context(), name, o.where)
	if err != nil {
		return err
	}
	open := func() (nodeexec.Streams, func(), error) { return a.streams(o) }
	err = nodes.Run(cmd.Context(), nodeexec.Session{
		Lab: described, Node: node, Agent: agent, PodNamespace: o.podNamespace, Image: o.image,
		Command: command, TimeLimit: o.timeLimit, StartLimit: o.startLimit,
	}, open, a.terminal.progress)
	if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) && soleError(err) {
		return exitError(exitInterrupted)
	}
	if ended, ok := errors.AsType[podexec.CodeExitError](err); ok && soleError(err) {
		return exitError(ended.Code)
	}
	return err
}

// soleError reports whether an error is not joined with others, which an exit code would hide.
func soleError(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	return !ok || len(joined.Unwrap()) == 1
}

// streams are this program's standard files. With a terminal it passes keys on as they are
// typed, Ctrl-C included, until restore.
func (a *app) streams(o execOptions) (s nodeexec.Streams, restore func(), err error) {
	a.terminal.clear()
	s = nodeexec.Streams{Out: a.out, Err: a.terminal.err, TTY: o.tty}
	if o.stdin {
		s.In = a.in
	}
	if !o.tty {
		return s, func() {}, nil
	}
	fd := int(a.in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return s, nil, fmt.Errorf("set the terminal to raw mode: %w", err)
	}
	sizes := watchSize(fd)
	s.Sizes = sizes
	return s, func() {
		sizes.stop()
		_ = term.Restore(fd, before)
	}, nil
}

// size reports the size of a terminal, first now and then at every change.
type size struct {
	fd      int
	last    remotecommand.TerminalSize
	changes chan struct{}
	stop    func()
}

func watchSize(fd int) *size {
	s := &size{fd: fd, changes: make(chan struct{}, 1)}
	s.changes <- struct{}{} // the size it has now
	s.stop = notifyResize(s.changes)
	return s
}

// Next waits for a change.
func (s *size) Next() *remotecommand.TerminalSize {
	for range s.changes {
		width, height, err := term.GetSize(s.fd)
		if err != nil {
			return nil
		}
		now := remotecommand.TerminalSize{Width: uint16(width), Height: uint16(height)}
		if now != s.last {
			s.last = now
			return &now
		}
	}
	return nil
}

// notify wakes the reader of changes. The channel holds one value: it stands for all changes not read yet.
func notify(changes chan<- struct{}) {
	select {
	case changes <- struct{}{}:
	default:
	}
}
