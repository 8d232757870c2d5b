// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// Path is from one node of a lab to another.
type Path struct {
	// Namespace and Name are the lab's.
	Namespace, Name string
	// From is a node, To a node or an address of the lab.
	From, To string
}

// PingOptions are how a Ping has to be.
type PingOptions struct {
	// Count is how often to ask; 0 is until the context is done.
	Count    int
	Interval time.Duration
	// Each is told every answer.
	Each func(to netip.Addr, attempt probe.Attempt)
}

// Ping asks along a path, in the first family both ends have. The error is the context's, or
// says that nothing could be asked; that there was no reply is in the attempts.
func (m *Machine) Ping(ctx context.Context, path Path, o PingOptions) error {
	lab, questions, err := m.questions(ctx, path)
	if err != nil {
		return err
	}
	q := question(lab, questions[0])
	each := func(a probe.Attempt) { o.Each(q.To, a) }
	return probe.Ping(ctx, m.dial, q, o.Count, o.Interval, each, probe.Saturated(m.saturated))
}

// Exec runs fn on a thread that is in the network namespace of a node.
func (m *Machine) Exec(ctx context.Context, namespace, name, node string, fn func() error) error {
	lab, err := m.Load(ctx, namespace, name)
	if err != nil {
		return err
	}
	compiled, err := m.compile(lab)
	if err != nil {
		return err
	}
	if err := checkNode(compiled, node); err != nil {
		return err
	}
	return m.kernel.Enter(compiled.Identity.NetworkNamespace(node), fn)
}

// questions compiles the recorded lab with no probe but the one along the path, so that
// names, families and addresses mean what they mean in a lab.
func (m *Machine) questions(ctx context.Context, path Path) (*topology.Lab, []topology.Probe, error) {
	lab, err := m.Load(ctx, path.Namespace, path.Name)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := m.compile(lab)
	if err != nil {
		return nil, nil, err
	}
	asked, err := path.probe(compiled)
	if err != nil {
		return nil, nil, err
	}
	lab.Spec.Probes = []v1alpha1.Probe{asked}
	compiled, err = m.compile(lab)
	if problems, ok := errors.AsType[topology.Problems](err); ok {
		return nil, nil, fmt.Errorf("from %s to %s: %s; %s", path.From, path.To, problems[0].Message, problems[0].Cure)
	}
	if err != nil {
		return nil, nil, err
	}
	return compiled, compiled.Probes, nil
}

func (p Path) probe(lab *topology.Lab) (v1alpha1.Probe, error) {
	asked := v1alpha1.Probe{Name: "asked", From: p.From}
	if err := checkNode(lab, p.From); err != nil {
		return asked, err
	}
	if _, err := netip.ParseAddr(p.To); err == nil {
		asked.ToAddress = p.To
		return asked, nil
	}
	asked.To = p.To
	return asked, checkNode(lab, p.To)
}

func checkNode(lab *topology.Lab, node string) error {
	if slices.Contains(lab.Nodes, node) {
		return nil
	}
	return fmt.Errorf("%s has no node %q; its nodes: %s", lab.Identity, node, strings.Join(lab.Nodes, ", "))
}
