// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/state"
)

// downOptions are the flags of down.
type downOptions struct {
	files          []string
	all            bool
	ignoreNotFound bool
}

func (a *app) downCommand() *cobra.Command {
	var o downOptions
	cmd := &cobra.Command{
		Use:   "down (NAME… | -f FILE | --all)",
		Short: "Remove labs and everything NetLab created for them",
		Long: `Remove labs and everything NetLab created for them. down finds a lab by the owner label of its
network namespaces: it needs no file, and leaves everything else alone. In a cluster, down deletes the
NetLabs, and their nodes remove them within seconds.`,
		Args: func(_ *cobra.Command, args []string) error { return o.check(args) },
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			if a.local {
				return a.down(cmd, args, o)
			}
			return a.clusterDown(cmd.Context(), args, o)
		}),

		ValidArgsFunction: unless(func() bool { return o.all || len(o.files) > 0 }, a.completeLabs),
	}
	fileFlag(cmd, &o.files)
	cmd.Flags().BoolVar(&o.all, "all", false, "remove every local lab of the machine, or of the namespace given with -n; in a cluster, every lab of the namespace")
	cmd.Flags().BoolVar(&o.ignoreNotFound, "ignore-not-found", false, "succeed if a lab does not exist")
	return cmd
}

func (o downOptions) check(names []string) error {
	ways := 0
	for _, given := range []bool{len(names) > 0, len(o.files) > 0, o.all} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("specify the labs: NAME, -f FILE or --all")
	}
	return nil
}

func (a *app) down(cmd *cobra.Command, names []string, o downOptions) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	labs, err := a.chosen(cmd, m, names, o)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range labs {
		errs = append(errs, a.downOne(cmd, m, id, o.ignoreNotFound))
	}
	return errors.Join(errs...)
}

// chosen are the labs that down removes.
func (a *app) chosen(cmd *cobra.Command, m *local.Machine, names []string, o downOptions) ([]state.Identity, error) {
	if o.all {
		return m.Labs(cmd.Context(), a.namespace())
	}
	var labs []state.Identity
	for _, name := range names {
		labs = append(labs, local.Identity(a.labNamespace(), name))
	}
	if len(o.files) == 0 {
		return labs, nil
	}
	docs, err := a.read(o.files)
	for _, doc := range docs {
		labs = append(labs, local.Identity(doc.Lab.Namespace, doc.Lab.Name))
	}
	return labs, err
}

func (a *app) downOne(cmd *cobra.Command, m *local.Machine, id state.Identity, ignoreNotFound bool) error {
	remains, err := m.Down(cmd.Context(), id.Namespace, id.Name)
	a.terminal.clear()
	if errors.Is(err, local.ErrNotFound) && ignoreNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s removed\n", id)
	for _, object := range remains.Unmanaged {
		fmt.Fprintf(a.out, "  not created by NetLab, left alone: %s\n", object)
	}
	for _, namespace := range remains.Held {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: a process still uses network namespace %s; the namespace has no links to others and ends with the process\n", namespace)
	}
	return nil
}
