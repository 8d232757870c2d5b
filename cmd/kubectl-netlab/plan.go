// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/controllers/state"
)

func (a *app) planCommand() *cobra.Command {
	var files []string
	var exitCode bool
	var fromEmpty bool
	output := newChoice("ip", "sh", "json")
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Show what up would change now, as ip commands",
		Long: `Show what up would change now, as ip commands. plan changes nothing. An empty plan means that
the labs match the file.

With --from-empty, plan assumes a machine without the labs, and needs neither root nor --local.
With -o sh, it prints a script that builds the labs on any machine with ip, sysctl, mount and ln:

  kubectl netlab plan -f lab.yaml -o sh --from-empty | sudo sh`,
		Args: cobra.NoArgs,
		RunE: a.verb(func(cmd *cobra.Command, _ []string) error {
			return a.plan(cmd, files, output.value, fromEmpty, exitCode)
		}),
	}
	fileFlag(cmd, &files)
	_ = cmd.MarkFlagRequired("filename")
	cmd.Flags().BoolVar(&fromEmpty, "from-empty", false, "plan for a machine without the labs")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 3 if there are changes")
	cmd.Flags().VarP(output, "output", "o", "output format: ip commands, a sh script or json")
	return cmd
}

func (a *app) plan(cmd *cobra.Command, files []string, output string, fromEmpty, exitCode bool) error {
	docs, err := a.readValid(files)
	if err != nil {
		return err
	}
	planner, err := a.planner(cmd, fromEmpty)
	if err != nil {
		return err
	}
	plans := make([]labPlan, 0, len(docs))
	for _, doc := range docs {
		ops, err := planner(doc)
		if err != nil {
			return err
		}
		plans = append(plans, newLabPlan(doc, ops))
	}
	if err := a.printPlans(plans, output); err != nil {
		return err
	}
	if exitCode && slices.ContainsFunc(plans, func(p labPlan) bool { return len(p.ops) > 0 }) {
		return exitError(exitDifferences)
	}
	return nil
}

// planner is the source of plans: this machine or an empty one.
func (a *app) planner(cmd *cobra.Command, fromEmpty bool) (func(manifest.Document) ([]state.Op, error), error) {
	if fromEmpty {
		return func(doc manifest.Document) ([]state.Op, error) { return local.PlanFromEmpty(doc.Lab, symlinks) }, nil
	}
	if !a.local {
		return nil, fmt.Errorf("plan works only with --local or --from-empty")
	}
	m, err := a.machine()
	if err != nil {
		return nil, err
	}
	return func(doc manifest.Document) ([]state.Op, error) { return m.Plan(cmd.Context(), doc.Lab) }, nil
}

// labPlan is the plan of one lab.
type labPlan struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Commands  []string `json:"commands"`
	ops       []state.Op
}

func newLabPlan(doc manifest.Document, ops []state.Op) labPlan {
	plan := labPlan{Namespace: doc.Lab.Namespace, Name: doc.Lab.Name, Commands: []string{}, ops: ops}
	for _, op := range ops {
		plan.Commands = append(plan.Commands, op.String())
	}
	return plan
}

func (a *app) printPlans(plans []labPlan, output string) error {
	switch output {
	case "json":
		encoder := json.NewEncoder(a.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(plans)
	case "sh":
		var all []state.Op
		for _, plan := range plans {
			all = append(all, plan.ops...)
		}
		_, err := fmt.Fprint(a.out, state.Script(all))
		return err
	}
	for _, plan := range plans {
		for _, command := range plan.Commands {
			fmt.Fprintln(a.out, command)
		}
		if len(plan.Commands) == 0 {
			fmt.Fprintf(a.terminal.err, "%s/%s: no changes\n", plan.Namespace, plan.Name)
		}
	}
	return nil
}
