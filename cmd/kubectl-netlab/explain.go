// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/local"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain NAME [PROBE] | NAME FROM TO",
		Short: "Walk hop by hop, there and back, and name the cause and the cure",
		Long: `Walk hop by hop from the asking node to the target and back, asking the kernel of every node
on the way what it does with the packet, and name the cause and the cure.

FROM is a node, TO a node or an address of the lab. Without either, every probe of the lab, or
the one that is named, is explained. Exits 0 whether or not packets arrive.

Without --local: what the cluster reports of failing probes, with cause and cure.`,
		Args: cobra.RangeArgs(1, 3),
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			if a.local {
				return a.explain(cmd, args)
			}
			return a.clusterExplain(cmd, args)
		}),
	}
}

func (a *app) explain(cmd *cobra.Command, args []string) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	explanations, err := a.explanations(cmd, m, args)
	if err != nil {
		return err
	}
	a.terminal.clear()
	for i, e := range explanations {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		fmt.Fprintf(a.out, "%s (%s): %s", e.Name, e.Family, e.Walk)
	}
	return nil
}

func (a *app) explanations(cmd *cobra.Command, m *local.Machine, args []string) ([]local.Explanation, error) {
	name := args[0]
	switch len(args) {
	case 3:
		return m.ExplainPath(cmd.Context(), a.path(args))
	case 2:
		return m.Explain(cmd.Context(), a.labNamespace(), name, args[1])
	}
	return m.Explain(cmd.Context(), a.labNamespace(), name, "")
}
