// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
)

const (
	// widestMatrix is how many nodes a matrix may have; of more, only failures are shown.
	widestMatrix = 16
	// mostFailures is how many of them are shown.
	mostFailures = 32
	// diagnosed is for how many of them the cause is looked for.
	diagnosed = 8
)

func (a *app) pingAllCommand() *cobra.Command {
	output := newChoice("text", "json", "yaml")
	o := ask.PingAllOptions{Timeout: time.Second, Diagnoses: diagnosed}
	var w where
	cmd := &cobra.Command{
		Use:   "pingall NAME",
		Short: "Ping from every node to every other node",
		Long: `Ping once from every node to every other node, in every address family that both have, and
diagnose the first pairs that fail. Exits 0 if every pair answers, else 1, whatever the lab's
probes expect.

pingall works in batches, because all network namespaces of a machine share its neighbour tables.
A batch uses at most a quarter of the free entries, and removes its entries afterwards.`,
		Args: cobra.ExactArgs(1),
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			return a.pingAll(cmd, args[0], o, w, output.value)
		}),
		ValidArgsFunction: a.completeLab(),
	}
	a.whereFlags(cmd, &w)
	cmd.Flags().DurationVar(&o.Timeout, "timeout", o.Timeout, "how long a batch waits for its replies")
	outputFlag(cmd, output)
	return cmd
}

func (a *app) pingAll(cmd *cobra.Command, name string, o ask.PingAllOptions, w where, output string) error {
	lab, err := a.asked(cmd.Context(), name, w)
	if err != nil {
		return err
	}
	all, err := lab.PingAll(cmd.Context(), o)
	if err != nil {
		return err
	}
	a.terminal.clear()
	if err := a.print(output, all, func() { a.printPingAll(all) }); err != nil {
		return err
	}
	if all.Reachable < len(all.Pairs) {
		return exitError(exitFailure)
	}
	return nil
}

func (a *app) printPingAll(all *ask.PingAll) {
	for _, family := range []v1alpha1.Family{v1alpha1.IPv4, v1alpha1.IPv6} {
		if len(all.Nodes) <= widestMatrix {
			a.printMatrix(all, family)
		}
	}
	a.printFailures(all)
	status := metav1.ConditionTrue
	switch {
	case all.Unreachable > 0:
		status = metav1.ConditionFalse
	case all.Unknown > 0:
		status = metav1.ConditionUnknown
	}
	fmt.Fprintf(a.out, "%s %d of %d pairs answer", a.mark(status), all.Reachable, len(all.Pairs))
	if all.Unknown > 0 {
		fmt.Fprintf(a.out, ", %d unknown", all.Unknown)
	}
	fmt.Fprintln(a.out)
}

// printMatrix has a row per asking node; families that no pair has in common have none.
func (a *app) printMatrix(all *ask.PingAll, family v1alpha1.Family) {
	results := map[ask.Path]ask.PairResult{}
	for _, p := range all.Pairs {
		if p.Family == family {
			results[p.Path] = p.Result
		}
	}
	if len(results) == 0 {
		return
	}
	widest := len(slices.MaxFunc(all.Nodes, func(x, y string) int { return len(x) - len(y) }))
	widest = max(widest, len(family))
	fmt.Fprintf(a.out, "%-*s", widest, family)
	for _, to := range all.Nodes {
		fmt.Fprintf(a.out, "  %s", to)
	}
	for _, from := range all.Nodes {
		fmt.Fprintf(a.out, "\n%-*s", widest, from)
		for _, to := range all.Nodes {
			fmt.Fprintf(a.out, "  %s%*s", a.cell(results[ask.Path{From: from, To: to}]), len(to)-1, "")
		}
	}
	fmt.Fprint(a.out, "\n\n")
}

// cell is as wide as one letter.
func (a *app) cell(result ask.PairResult) string {
	switch result {
	case ask.Reachable:
		return a.mark(metav1.ConditionTrue)
	case ask.Unreachable:
		return a.mark(metav1.ConditionFalse)
	case ask.Unknown:
		return a.mark(metav1.ConditionUnknown)
	}
	return "·"
}

func (a *app) printFailures(all *ask.PingAll) {
	failures := slices.DeleteFunc(slices.Clone(all.Pairs), func(p ask.Pair) bool { return p.Result == ask.Reachable })
	for _, p := range failures[:min(len(failures), mostFailures)] {
		a.printFailure(p)
	}
	if more := len(failures) - mostFailures; more > 0 {
		fmt.Fprintf(a.out, "  and %d more: -o json lists them\n", more)
	}
}

func (a *app) printFailure(p ask.Pair) {
	status, why := metav1.ConditionUnknown, p.Error
	if p.Result == ask.Unreachable {
		status = metav1.ConditionFalse
	}
	if p.Cause.Found() {
		why = p.Cause.Reason + ": " + p.Cause.Message
	}
	fmt.Fprintf(a.out, "%s %s (%s) %s\n", a.mark(status), p.Path, p.Family, why)
	if p.Cause.Fix != "" {
		fmt.Fprintf(a.out, "  fix: %s\n", p.Cause.Fix)
	}
}
