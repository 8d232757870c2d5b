// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/ask"
)

func (a *app) explainCommand() *cobra.Command {
	output := newChoice("text", "json", "yaml", "svg")
	var w where
	cmd := &cobra.Command{
		Use:   "explain NAME [PROBE] | NAME FROM TO",
		Short: "Trace packets hop by hop, there and back, and name the cause and the fix",
		Long: `Trace packets hop by hop from a source node to a target and back, with the decisions that the
kernel of each node on the path makes, and name the cause of a failure and the fix. At a multipath
route, show which leg the packets take and what happens on the others; a fault there is a warning.

FROM is a node, TO a node or an address of the lab. Without them, explain traces PROBE, or every
probe of the lab. Exits 0 whether or not packets arrive.

Without --local, explain NAME [PROBE] shows the failing probes that the cluster reports, with
cause and fix. With FROM TO, or with --node, it traces on a node now.

With -o svg, it draws the lab with the way of the packets.`,
		Args: cobra.RangeArgs(1, 3),
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			if a.local || len(args) == 3 || cmd.Flags().Changed("node") {
				return a.explain(cmd, args, w, output.value)
			}
			return a.clusterExplain(cmd, args, output.value)
		}),
		ValidArgsFunction: a.completeLab(probesOrSources, targets),
	}
	a.whereFlags(cmd, &w)
	outputFlag(cmd, output)
	return cmd
}

func (a *app) explain(cmd *cobra.Command, args []string, w where, output string) error {
	lab, err := a.asked(cmd.Context(), args[0], w)
	if err != nil {
		return err
	}
	explanations, err := explanations(cmd.Context(), lab, args[1:])
	if err != nil {
		return err
	}
	if output == "svg" {
		return a.drawExplained(cmd.Context(), args[0], explanations)
	}
	a.terminal.clear()
	return a.print(output, explanations, func() {
		for i, e := range explanations {
			if i > 0 {
				fmt.Fprintln(a.out)
			}
			fmt.Fprintf(a.out, "%s (%s): %s", e.Name, e.Family, e.Walk)
		}
		a.printSee(causesOf(explanations))
	})
}

func explanations(ctx context.Context, lab asked, args []string) ([]ask.Explanation, error) {
	switch len(args) {
	case 2:
		return lab.ExplainPath(ctx, ask.Path{From: args[0], To: args[1]})
	case 1:
		return lab.Explain(ctx, args[0])
	}
	return lab.Explain(ctx, "")
}

func causesOf(explanations []ask.Explanation) (causes []string) {
	for _, e := range explanations {
		causes = append(causes, e.Walk.Cause.Reason)
	}
	return causes
}
