// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/controllers/state"
)

// planOptions are the flags of plan.
type planOptions struct {
	fromEmpty, exitCode bool
	output              string
	apply               apiclient.ApplyOptions
}

func (a *app) planCommand() *cobra.Command {
	var files []string
	var o planOptions
	output := newChoice("ip", "sh", "json")
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Show what up would change now, as ip commands",
		Long: `Show what up would change now, as ip commands. plan changes nothing. An empty plan means that
the labs match the file.

In a cluster, plan compares the stored spec with the one that the API server would store, which checks
it in a dry run. The commands are the same on every node that runs the lab. What nodes hold differs from
the spec only while they build it, or if the lab has driftPolicy Report: status shows that.

With --from-empty, plan assumes a machine without the labs, and needs neither root nor a cluster.
With -o sh, it prints a script that builds the labs on any machine with ip, sysctl, mount and ln:

  kubectl netlab plan -f lab.yaml -o sh --from-empty | sudo sh`,
		Args: cobra.NoArgs,
		RunE: a.verb(func(cmd *cobra.Command, _ []string) error {
			o.output = output.value
			return a.plan(cmd, files, o)
		}),
	}
	fileFlag(cmd, &files)
	_ = cmd.MarkFlagRequired("filename")
	cmd.Flags().BoolVar(&o.fromEmpty, "from-empty", false, "plan for a machine without the labs")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with 3 if there are changes")
	cmd.Flags().VarP(output, "output", "o", "output format: ip commands, a sh script or json")
	applyFlags(cmd, &o.apply)
	return cmd
}

func (a *app) plan(cmd *cobra.Command, files []string, o planOptions) error {
	docs, plan, err := a.planned(cmd, files, o)
	if err != nil {
		return err
	}
	plans := make([]labPlan, 0, len(docs))
	for _, doc := range docs {
		p, err := plan(doc)
		if err != nil {
			return err
		}
		plans = append(plans, p)
	}
	if err := a.printPlans(plans, o.output); err != nil {
		return err
	}
	if o.exitCode && slices.ContainsFunc(plans, labPlan.changes) {
		return exitError(exitDifferences)
	}
	return nil
}

// planner is the source of plans: a cluster, this machine or an empty one.
type planner = func(manifest.Document) (labPlan, error)

func (a *app) planned(cmd *cobra.Command, files []string, o planOptions) ([]manifest.Document, planner, error) {
	switch {
	case a.local || o.fromEmpty:
		if err := onlyInCluster(cmd, "force-conflicts", "field-manager"); err != nil {
			return nil, nil, err
		}
	case o.output == "sh":
		return nil, nil, errors.New("-o sh needs --local or --from-empty: nothing but NetLab should change its labs on the nodes of a cluster")
	default:
		c, docs, err := a.readForCluster(files)
		return docs, a.clusterPlanner(cmd.Context(), c, o.apply), err
	}
	docs, err := a.readValid(files)
	if err != nil || o.fromEmpty {
		return docs, planFromEmpty, err
	}
	m, err := a.machine()
	return docs, func(doc manifest.Document) (labPlan, error) {
		ops, err := m.Plan(cmd.Context(), doc.Lab)
		return newLabPlan(doc, ops), err
	}, err
}

func planFromEmpty(doc manifest.Document) (labPlan, error) {
	ops, err := local.PlanFromEmpty(doc.Lab, symlinks)
	return newLabPlan(doc, ops), err
}

// labPlan is the plan of one lab.
type labPlan struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Commands  []string `json:"commands"`
	// Fields are those of a cluster's stored spec that would change.
	Fields []string `json:"fields,omitempty"`
	ops    []state.Op
	notes  []string
}

func (p labPlan) changes() bool { return len(p.ops) > 0 || len(p.Fields) > 0 }

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
		for _, note := range plan.notes {
			fmt.Fprintf(a.terminal.err, "%s/%s: %s\n", plan.Namespace, plan.Name, note)
		}
		if len(plan.Commands) == 0 && len(plan.notes) == 0 {
			fmt.Fprintf(a.terminal.err, "%s/%s: no changes\n", plan.Namespace, plan.Name)
		}
	}
	return nil
}
