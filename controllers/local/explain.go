// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// Explanation is the way of a probe's packets, there and back, as the kernel of every node
// on it decides.
type Explanation struct {
	Name   string
	Family v1alpha1.Family
	// Passed reports whether the outcome is the expected one.
	Passed bool
	Walk   diagnose.Walk
}

// Explain follows the packets of a probe of the lab, or of all of them if named is empty.
func (m *Machine) Explain(ctx context.Context, namespace, name, named string) ([]Explanation, error) {
	lab, err := m.Load(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	compiled, err := m.compile(lab)
	if err != nil {
		return nil, err
	}
	var probes []topology.Probe
	for _, p := range compiled.Probes {
		if named == "" || p.Name == named {
			probes = append(probes, p)
		}
	}
	if named != "" && len(probes) == 0 {
		return nil, fmt.Errorf("%s has no probe %q%s", compiled.Identity, named, known(lab.Spec.Probes))
	}
	return m.explain(ctx, compiled, probes)
}

// ExplainPath follows the packets along a path, in every family both ends have.
func (m *Machine) ExplainPath(ctx context.Context, path Path) ([]Explanation, error) {
	lab, questions, err := m.questions(ctx, path)
	if err != nil {
		return nil, err
	}
	for i := range questions {
		questions[i].Name = path.From + " to " + path.To
	}
	return m.explain(ctx, lab, questions)
}

func (m *Machine) explain(ctx context.Context, lab *topology.Lab, probes []topology.Probe) ([]Explanation, error) {
	seen, err := converge.Plan(ctx, m.kernel, lab.Identity, lab.Want)
	if err != nil {
		return nil, err
	}
	if err := conflictError(lab.Identity, seen.Conflicts); err != nil {
		return nil, err
	}
	explanations := make([]Explanation, len(probes))
	for i, p := range probes {
		m.options.Progress(fmt.Sprintf("asking %s (%s): %d of %d", p.Name, p.Family, i+1, len(probes)))
		if explanations[i], err = m.explainOne(ctx, lab, p, seen.Observation); err != nil {
			return nil, fmt.Errorf("explain %s: %w", p.Name, err)
		}
	}
	return explanations, nil
}

func (m *Machine) explainOne(ctx context.Context, lab *topology.Lab, p topology.Probe, seen topology.Observation) (Explanation, error) {
	result := probe.Once(ctx, m.dial, question(lab, p), probe.Saturated(m.saturated))
	walk, err := m.walk(ctx, lab, p, result, seen)
	if result.Verdict == probe.Unknown {
		walk.Cause = diagnose.Cause{Reason: v1alpha1.ReasonProbeError, Node: p.From, Message: result.Err}
	}
	return Explanation{Name: p.Name, Family: p.Family, Passed: result.Verdict == probe.Pass, Walk: walk}, err
}

func known(probes []v1alpha1.Probe) string {
	names := make([]string, len(probes))
	for i, p := range probes {
		names[i] = p.Name
	}
	if len(names) == 0 {
		return "; it has none"
	}
	return "; its probes: " + strings.Join(names, ", ")
}
