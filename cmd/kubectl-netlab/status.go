// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
)

// statusOptions are the flags of status.
type statusOptions struct {
	allNamespaces, watch bool
	output               string
}

func (a *app) statusCommand() *cobra.Command {
	output := newChoice("text", "json", "yaml")
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show labs: nodes, addresses, probes and why they fail",
		Long: `Show one lab, or one line for each lab. With NAME or --local, exits 0 only if every lab shown is
Ready.

With --local, status reads the lab from this machine's kernel and runs its probes now. Without it,
status shows what the cluster reports for all nodes that run the lab, and the addresses, which the
spec determines. With --watch it shows every change until it is interrupted.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.allNamespaces && len(args) > 0 {
				return errors.New("use either NAME or -A")
			}
			return cobra.MaximumNArgs(1)(cmd, args)
		},
		RunE: a.verb(func(cmd *cobra.Command, names []string) error {
			o.output = output.value
			if !a.local {
				return a.clusterStatus(cmd, names, o)
			}
			if err := onlyInCluster(cmd, "watch"); err != nil {
				return err
			}
			return a.status(cmd, names, o.output)
		}),
		ValidArgsFunction: unless(func() bool { return o.allNamespaces }, a.completeLab()),
	}
	cmd.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "list the labs of all namespaces (the default with --local; -n selects one)")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "in a cluster: show every change until interrupted")
	outputFlag(cmd, output)
	return cmd
}

func (a *app) status(cmd *cobra.Command, names []string, output string) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return a.statusOfAll(cmd, m, output)
	}
	status, err := m.Status(cmd.Context(), a.labNamespace(), names[0])
	if err != nil {
		return err
	}
	a.terminal.clear()
	if err := a.print(output, status, func() { a.printStatus(status) }); err != nil {
		return err
	}
	return ready(status)
}

func (a *app) statusOfAll(cmd *cobra.Command, m *local.Machine, output string) error {
	labs, err := m.Labs(cmd.Context(), a.namespace())
	if err != nil {
		return err
	}
	all := []*local.Status{}
	var failed []error
	for _, id := range labs {
		status, err := m.Status(cmd.Context(), id.Namespace, id.Name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, status)
	}
	a.terminal.clear()
	if err := a.print(output, all, func() { a.printList(all) }); err != nil {
		return err
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	return ready(all...)
}

func ready(labs ...*local.Status) error {
	for _, status := range labs {
		if !status.Ready() {
			return errNotReady
		}
	}
	return nil
}

// print writes a value as json or yaml, or lets text do it.
func (a *app) print(output string, value any, text func()) error {
	switch output {
	case "json":
		encoder := json.NewEncoder(a.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	case "yaml":
		data, err := yaml.Marshal(value)
		fmt.Fprint(a.out, string(data))
		return err
	}
	text()
	return nil
}
