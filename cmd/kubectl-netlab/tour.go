// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/tour"
)

// tourOptions are the flags of tour.
type tourOptions struct {
	yes, list bool
	step      int
}

func (a *app) tourCommand() *cobra.Command {
	var o tourOptions
	steps := tour.Steps(tour.Page)
	cmd := &cobra.Command{
		Use:   "tour",
		Short: "Learn NetLab in seven steps, on this machine",
		Long: `Learn NetLab in seven steps, on this machine: build two hosts and a router, see both failures that
this lab has when it is built by hand, read their causes, and repair them; then a switch, a VLAN, a slow
link and a cut cable.

tour prints each command before it runs it, and waits for Enter. It removes its lab, default/tour, when
it ends, also when it is interrupted. Without root, the lab exists in private namespaces that end with
the tour. A step that needs a feature that this kernel lacks is skipped.`,
		Example: `  kubectl netlab tour --list
  kubectl netlab --local tour
  kubectl netlab --local tour --step 3 --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.NoArgs(cmd, args); err != nil {
				return err
			}
			return a.checkTour(cmd, o, len(steps))
		},
		RunE: a.verb(func(cmd *cobra.Command, _ []string) error {
			if o.list {
				return a.listTour(steps)
			}
			return a.tour(cmd.Context(), steps, o)
		}),
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "run every command without waiting for Enter")
	cmd.Flags().BoolVar(&o.list, "list", false, "list the steps")
	cmd.Flags().IntVar(&o.step, "step", 0, "run only this step (default: all)")
	cmd.MarkFlagsMutuallyExclusive("list", "step")
	cmd.MarkFlagsMutuallyExclusive("list", "yes")
	return cmd
}

func (a *app) checkTour(cmd *cobra.Command, o tourOptions, steps int) error {
	switch {
	case cmd.Flags().Changed("step") && (o.step < 1 || o.step > steps):
		return fmt.Errorf("--step %d: the steps are 1 to %d; tour --list shows them", o.step, steps)
	case a.namespace() != "":
		return errors.New("the tour's lab is always in namespace default: leave out -n")
	case !a.local && !o.list:
		return errors.New("the tour runs on this machine, not in a cluster: kubectl netlab --local tour")
	}
	return nil
}

func (a *app) listTour(steps []tour.Step) error {
	for i, step := range steps {
		fmt.Fprintf(a.out, "%d  %s\n", i+1, step.Title)
	}
	return nil
}

func (a *app) tour(ctx context.Context, steps []tour.Step, o tourOptions) error {
	private, err := enterSandbox(false)
	if err != nil {
		return err
	}
	if err := a.tourLabIsFree(ctx); err != nil {
		return err
	}
	if private {
		fmt.Fprint(a.out, "Without root, the lab exists in private namespaces that end with the tour.\n\n")
	}
	dir, err := tourFolder()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// A closed terminal or pipe ends the tour like ^C, not at once: its lab would stay.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	g := &guide{app: a, dir: dir, yes: o.yes}
	g.readLines()
	return g.tour(ctx, steps, o.step)
}

// tourLabIsFree protects a lab of this name that is not the tour's.
func (a *app) tourLabIsFree(ctx context.Context) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	id := local.Identity("default", tour.Lab)
	labs, err := m.Labs(ctx, id.Namespace)
	if err == nil && slices.Contains(labs, id) {
		err = fmt.Errorf("%s exists on this machine, and the tour needs this name: kubectl netlab --local down %s removes it", id, tour.Lab)
	}
	return err
}

// tourFolder has the tour's files.
func tourFolder() (string, error) {
	dir, err := os.MkdirTemp("", "netlab-tour-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the tour's files: %w", err)
	}
	if err := os.CopyFS(dir, tour.Files); err != nil {
		return "", errors.Join(fmt.Errorf("write the tour's files: %w", err), os.RemoveAll(dir))
	}
	return dir, nil
}
