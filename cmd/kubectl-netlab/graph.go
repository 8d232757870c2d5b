// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/graph/render"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// graphOptions are the flags of graph.
type graphOptions struct {
	files          []string
	output, target string
}

func (a *app) graphCommand() *cobra.Command {
	var o graphOptions
	output := newChoice(render.Formats...)
	cmd := &cobra.Command{
		Use:   "graph NAME | -f FILE [NAME]",
		Short: "Draw a lab: nodes, links, addresses, and where packets of failing probes end",
		Long: `Draw a lab: nodes, links, networks, interfaces, addresses, VLANs and impairments.

With -f, graph draws what the file describes, and needs neither a cluster nor root; NAME selects one of
several labs. Without it, graph shows the state of the lab, too: in a cluster what the status reports,
with --local what this machine's kernel holds. The probes run now, and the way of the packets of a
failing probe is marked up to where they end.

With -w, graph writes to a file, in the format that its name ends with (.svg, .html, .mmd, .dot, .d2,
.txt). If the file has a picture of the lab, nodes stay where they are in it.
Beyond 60 nodes, hosts at the same switch or router are drawn as one.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(o.files) == 0 && len(args) == 0 {
				return errors.New("use NAME or -f FILE")
			}
			return cobra.MaximumNArgs(1)(cmd, args)
		},
		RunE: a.verb(func(cmd *cobra.Command, names []string) error {
			o.output = output.value
			if named := formatOf(o.target); named != "" && !cmd.Flags().Changed("output") {
				o.output = named
			}
			return a.graph(cmd.Context(), names, o)
		}),
		ValidArgsFunction: a.completeLab(),
	}
	fileFlag(cmd, &o.files)
	cmd.Flags().StringVarP(&o.target, "write", "w", "", "file to write to (default: standard output)")
	complete(cmd, "write", completeFiles)
	outputFlag(cmd, output)
	return cmd
}

func (a *app) graph(ctx context.Context, names []string, o graphOptions) error {
	if err := checkTarget(o.target, o.files); err != nil {
		return err
	}
	g, err := a.graphOf(ctx, names, o.files)
	if err != nil {
		return err
	}
	a.terminal.clear()
	if o.target == "" {
		fmt.Fprint(a.out, render.Draw(o.output, g, layout.Positions{}))
		return nil
	}
	before, err := positionsIn(o.target)
	if err != nil {
		return err
	}
	return writePicture(o.target, render.Draw(o.output, g, before))
}

func (a *app) graphOf(ctx context.Context, names, files []string) (*graph.Graph, error) {
	switch {
	case len(files) > 0:
		return a.plannedGraph(names, files)
	case a.local:
		return a.localGraph(ctx, names[0])
	}
	return a.clusterGraph(ctx, names[0])
}

func (a *app) plannedGraph(names, files []string) (*graph.Graph, error) {
	docs, err := a.readValid(files)
	if err != nil {
		return nil, err
	}
	doc, err := theOne(docs, names)
	if err != nil {
		return nil, err
	}
	compiled, err := local.Compile(doc.Lab, lab.Options{})
	if err != nil {
		return nil, err
	}
	return graph.New(&doc.Lab.Spec, compiled), nil
}

// theOne returns the named document, or the only one.
func theOne(docs []manifest.Document, names []string) (manifest.Document, error) {
	var known []string
	for _, doc := range docs {
		if len(names) == 0 && len(docs) == 1 || len(names) == 1 && doc.Lab.Name == names[0] {
			return doc, nil
		}
		known = append(known, doc.Lab.Name)
	}
	if len(names) == 0 {
		return manifest.Document{}, fmt.Errorf("graph draws one lab; add one of these names: %s", strings.Join(known, ", "))
	}
	return manifest.Document{}, fmt.Errorf("no lab is named %s; the labs are: %s", names[0], strings.Join(known, ", "))
}
