// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
)

func (a *app) upCommand() *cobra.Command {
	var files []string
	var o clusterUpOptions
	cmd := &cobra.Command{
		Use:   "up -f FILE [-- COMMAND]",
		Short: "Build labs and wait for the results of their probes",
		Long: `Build labs, or change them to match the file, and wait for the result of every probe. Exits 0
only if every lab is Ready.

In a cluster, up applies the file as kubectl apply --server-side does and waits for the results of
all nodes, at most for --timeout. The labs stay, also after Ctrl-C.

With --local, up builds the labs on this machine. Afterwards, NetLab neither repairs nor probes them.
With COMMAND, the labs and the command run in private user, mount and network namespaces that end
with the command; nothing on the machine changes. Without root, this is the only way: on a terminal
the command is your shell, otherwise up prints the results and removes the labs.`,
		Example: `  kubectl netlab --local up -f lab.yaml
  kubectl netlab up -f lab.yaml --timeout 1m
  kubectl netlab --local up -f lab.yaml -- ip netns exec default.routed-pair.ns1 ping -c 1 198.51.100.1`,
		Args: onlyCommand,
		RunE: a.verb(func(cmd *cobra.Command, command []string) error {
			if !a.local {
				return a.clusterUp(cmd.Context(), files, command, o)
			}
			if err := onlyInCluster(cmd, "timeout", "force-conflicts", "field-manager"); err != nil {
				return err
			}
			return a.up(cmd, files, command)
		}),

		ValidArgsFunction: beforeDash(func() bool { return true }, cobra.NoFileCompletions),
	}
	fileFlag(cmd, &files)
	_ = cmd.MarkFlagRequired("filename")
	timeoutFlag(cmd, &o.timeout, 2*time.Minute)
	applyFlags(cmd, &o.apply)
	return cmd
}

// onlyCommand allows arguments only after --.
func onlyCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
		return fmt.Errorf("unexpected argument %q; use -f FILE for labs, and -- before a command", args[0])
	}
	return nil
}

func (a *app) up(cmd *cobra.Command, files, command []string) error {
	private, err := enterSandbox(len(command) > 0)
	if err != nil {
		return err
	}
	docs, err := a.readValid(files)
	if err != nil {
		return err
	}
	m, err := a.machine()
	if err != nil {
		return err
	}
	ready, err := a.upAll(cmd, m, docs)
	if err != nil {
		return err
	}
	if private && len(command) == 0 && a.terminal.interactive(a.in) {
		command = a.shell()
	}
	if len(command) > 0 {
		ended := a.runCommand(command)
		if err := cmp.Or(downAll(cmd, m, docs), ended); err != nil {
			return err
		}
	}
	if !ready {
		return errNotReady
	}
	return nil
}

func (a *app) upAll(cmd *cobra.Command, m *local.Machine, docs []manifest.Document) (ready bool, err error) {
	ready = true
	for _, doc := range docs {
		status, err := m.Up(cmd.Context(), doc.Lab)
		if err != nil {
			return false, err
		}
		a.terminal.clear()
		a.printUp(status)
		ready = ready && status.Ready()
	}
	return ready, nil
}

// downAll removes the labs of up -- COMMAND from a sandbox that may live on. The signal that
// interrupted the command does not interrupt it.
func downAll(cmd *cobra.Command, m *local.Machine, docs []manifest.Document) error {
	ctx := context.WithoutCancel(cmd.Context())
	var errs []error
	for _, doc := range docs {
		if _, err := m.Down(ctx, doc.Lab.Namespace, doc.Lab.Name); !errors.Is(err, local.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
