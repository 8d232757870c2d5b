// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/graph"
	"github.com/netlab-dev/netlab/controllers/graph/layout"
	"github.com/netlab-dev/netlab/controllers/graph/render"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// localGraph is the picture of a lab of this machine.
func (a *app) localGraph(ctx context.Context, name string) (*graph.Graph, error) {
	m, err := a.machine()
	if err != nil {
		return nil, err
	}
	stored, err := m.Load(ctx, a.labNamespace(), name)
	if err != nil {
		return nil, err
	}
	status, err := m.Status(ctx, a.labNamespace(), name)
	if err != nil {
		return nil, err
	}
	compiled, err := local.Compile(stored, lab.Options{})
	if err != nil {
		return nil, err
	}
	g, live := graph.New(&stored.Spec, compiled), liveOf(status)
	live.Failures = failuresOf(status)
	g.Show(live)
	return g, nil
}

// liveOf says what is there of a lab.
func liveOf(s *local.Status) graph.Live {
	ready := s.Condition(v1alpha1.ConditionReady)
	live := graph.Live{
		Health: healthOf(ready.Status), Verdict: verdictOf(ready.Status, ready.Reason, ready.Message, slices.ContainsFunc(s.Probes, func(p local.Probe) bool { return !p.Passed() && p.Reason != "" })),
		Nodes: map[string]graph.Health{}, Down: map[graph.Interface]bool{},
	}
	for _, n := range s.Nodes {
		live.Nodes[n.Name] = nodeHealth(s, n)
		for _, i := range n.Interfaces {
			if i.State == local.StateDown || i.State == local.StateNoCarrier {
				live.Down[graph.Interface{Node: n.Name, Name: i.Name}] = true
			}
		}
	}
	return live
}

func nodeHealth(s *local.Status, n local.Node) graph.Health {
	switch {
	case !n.Present:
		return graph.Bad
	case slices.Contains(s.Drifted, n.Name):
		return graph.Drifted
	}
	return graph.Good
}

func healthOf(ready metav1.ConditionStatus) graph.Health {
	switch ready {
	case metav1.ConditionTrue:
		return graph.Good
	case metav1.ConditionFalse:
		return graph.Bad
	default:
		return graph.Planned
	}
}

// verdictOf is the condition Ready in a line. Its message is left out if the failing probes have messages.
func verdictOf(ready metav1.ConditionStatus, reason, message string, failing bool) string {
	switch {
	case ready == metav1.ConditionTrue:
		return "Ready"
	case failing || message == "":
		return fmt.Sprintf("Ready=%s: %s", ready, reason)
	}
	return fmt.Sprintf("Ready=%s: %s: %s", ready, reason, message)
}

// failuresOf are the failing probes with the ways of their packets.
func failuresOf(s *local.Status) (failures []graph.Failing) {
	for _, p := range s.Probes {
		if p.Passed() || p.Reason == "" {
			continue
		}
		failing := graph.Failing{
			Failure: graph.Failure{Probe: fmt.Sprintf("%s (%s)", p.Name, p.Family), Reason: p.Reason, Message: p.Message, Fix: p.Fix}, From: p.From,
		}
		if p.Walk.Cause.Found() {
			failing.Walk = &p.Walk
		}
		failures = append(failures, failing)
	}
	return failures
}

// clusterGraph is the picture of a lab as its status in the cluster reports it.
func (a *app) clusterGraph(ctx context.Context, name string) (*graph.Graph, error) {
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	stored, err := c.lab(ctx, name)
	if err != nil {
		return nil, err
	}
	return reportedGraph(stored, "")
}

// reportedGraph shows all failing probes, or those of one name.
func reportedGraph(stored *v1alpha1.NetLab, named string) (*graph.Graph, error) {
	compiled, err := compileForCluster(stored)
	if err != nil {
		return nil, err
	}
	g := graph.New(&stored.Spec, compiled)
	g.Show(reportedLive(stored, named))
	return g, nil
}

func reportedLive(stored *v1alpha1.NetLab, named string) graph.Live {
	ready, failing := condition(stored, v1alpha1.ConditionReady), failing(stored, named)
	live := graph.Live{Health: healthOf(ready.Status), Verdict: verdictOf(ready.Status, ready.Reason, ready.Message, len(failing) > 0)}
	senders := map[string]string{}
	for _, p := range stored.Spec.Probes {
		senders[p.Name] = p.From
	}
	for _, p := range failing {
		live.Failures = append(live.Failures, graph.Failing{
			Failure: graph.Failure{Probe: fmt.Sprintf("%s (%s) on %s", p.Name, p.Family, nodesOf(p)), Reason: p.Reason, Message: messageOf(stored, p)}, From: senders[p.Name],
		})
	}
	return live
}

// drawReported draws a lab with the failing probes that the cluster reports.
func (a *app) drawReported(stored *v1alpha1.NetLab, named string) error {
	g, err := reportedGraph(stored, named)
	if err != nil {
		return err
	}
	fmt.Fprint(a.out, render.Draw("svg", g, layout.Positions{}))
	return nil
}

// drawExplained draws a lab with the ways of packets.
func (a *app) drawExplained(ctx context.Context, name string, explanations []ask.Explanation) error {
	stored, err := a.described(ctx, name)
	if err != nil {
		return err
	}
	compiled, err := local.Compile(stored, lab.Options{})
	if err != nil {
		return err
	}
	g := graph.New(&stored.Spec, compiled)
	live := graph.Live{Health: graph.Good, Verdict: "every packet arrives"}
	for _, e := range explanations {
		way := wayOf(e)
		if !way.Passed {
			live.Health, live.Verdict = graph.Bad, "packets do not arrive"
		}
		live.Failures = append(live.Failures, way)
	}
	g.Show(live)
	a.terminal.clear()
	fmt.Fprint(a.out, render.Draw("svg", g, layout.Positions{}))
	return nil
}

func wayOf(e ask.Explanation) graph.Failing {
	cause := e.Walk.Cause
	way := graph.Failing{
		Failure: graph.Failure{Probe: fmt.Sprintf("%s (%s)", e.Name, e.Family), Reason: cause.Reason, Message: cause.Message, Fix: cause.Fix},
		From:    e.Walk.From, Walk: &e.Walk,
	}
	if !cause.Found() {
		way.Passed, way.Reason = true, "a reply arrives"
	}
	return way
}
