// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/nodeexec"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/ask/remote"
	"github.com/netlab-dev/netlab/controllers/capture"
)

// asked is a running lab, on this machine or on a node of a cluster.
type asked interface {
	Explain(ctx context.Context, named string) ([]ask.Explanation, error)
	ExplainPath(ctx context.Context, path ask.Path) ([]ask.Explanation, error)
	Ping(ctx context.Context, path ask.Path, o ask.PingOptions, each func(ask.Attempt)) error
	PingAll(ctx context.Context, o ask.PingAllOptions) (*ask.PingAll, error)
	Capture(ctx context.Context, o ask.CaptureOptions, w io.Writer) (capture.Summary, error)
}

var (
	_ asked = (*ask.Lab)(nil)
	_ asked = (*remote.Lab)(nil)
)

// where selects a node of a cluster.
type where struct {
	node           string
	agentNamespace string
}

func (a *app) whereFlags(cmd *cobra.Command, w *where) {
	cmd.Flags().StringVar(&w.node, "node", "", "node of the cluster (default: the first that runs the lab)")
	cmd.Flags().StringVar(&w.agentNamespace, "agent-namespace", nodeexec.AgentNamespace, "namespace of the agents")
	complete(cmd, "node", a.completeClusterNode)
}

// asked opens the named lab where the command line says.
func (a *app) asked(ctx context.Context, name string, w where) (asked, error) {
	if !a.local {
		return a.askedOnNode(ctx, name, w)
	}
	if w.node != "" {
		return nil, errors.New("--node cannot be used with --local")
	}
	m, err := a.machine()
	if err != nil {
		return nil, err
	}
	return m.Lab(ctx, a.labNamespace(), name)
}

func (a *app) askedOnNode(ctx context.Context, name string, w where) (asked, error) {
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	stored, err := c.Stored(ctx, c.key(name))
	if err != nil {
		return nil, err
	}
	stored.SetManagedFields(nil)
	description, err := json.Marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("describe lab %s: %w", name, err)
	}
	nodes, agent, err := c.agent(ctx, name, w)
	if err != nil {
		return nil, err
	}
	a.terminal.progress("connecting to the agent on " + agent.Spec.NodeName)
	return &remote.Lab{
		Description: description,
		Progress:    a.terminal.progress,
		Run: func(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
			return nodes.Ask(ctx, agent, args, nodeexec.Streams{In: in, Out: out, Err: errOut})
		},
	}, nil
}
