// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Lab is a lab on a machine.
type Lab struct {
	machine *Machine
	id      state.Identity
	spec    v1alpha1.NetLabSpec
	*lab.Lab
}

// Path is from one node of a lab to another.
type Path struct {
	// From is a node, To a node or an address of the lab.
	From string `json:"from"`
	To   string `json:"to"`
}

func (p Path) String() string { return p.From + " to " + p.To }

// Lab returns the lab with an identity and a spec. The error is lab.Problems if the spec is invalid.
func (m *Machine) Lab(id state.Identity, spec v1alpha1.NetLabSpec) (*Lab, error) {
	compiled, err := lab.Compile(id, &spec, lab.Options{})
	if err != nil {
		return nil, err
	}
	return &Lab{machine: m, id: id, spec: spec, Lab: compiled}, nil
}

// observe observes the lab and plans what it lacks. If something else uses the lab's names, there is no lab
// to observe.
func (l *Lab) observe(ctx context.Context) (converge.Outcome, error) {
	found, err := l.machine.Kernel.Observe(ctx, l.id, l.Want)
	if err != nil {
		return converge.Outcome{}, fmt.Errorf("observe %s: %w", l.id, err)
	}
	seen := converge.Outcome{Observation: found, Left: state.Diff(found.State, l.Want)}
	if len(seen.Conflicts) > 0 {
		return seen, fmt.Errorf("%s: %w: %s", l.id, ErrConflict, seen.Conflicts[0])
	}
	if seen.Nothing() {
		return seen, fmt.Errorf("%s: %w", l.id, ErrNotBuilt)
	}
	return seen, nil
}

// ErrNotBuilt is in errors of questions about a lab that is not built.
var ErrNotBuilt = errors.New("the lab is not built; see its status")

// ErrConflict is in errors that something else uses a name of the lab.
var ErrConflict = errors.New("a name the lab needs is in use")

// Node returns the network namespace of a node. The error lists the nodes of the lab.
func (l *Lab) Node(name string) (namespace string, err error) {
	if !slices.Contains(l.Nodes, name) {
		return "", fmt.Errorf("%s has no node %q; its nodes: %s", l.id, name, strings.Join(l.Nodes, ", "))
	}
	return l.id.NetworkNamespace(name), nil
}

// questions are the probes of a path, one per family that both ends have. The lab is compiled with this probe
// alone, so that names, families and addresses have the same meaning as in a probe of the lab. An address may be
// any: the lab need not have a prefix for it.
func (l *Lab) questions(path Path) ([]lab.Probe, error) {
	asked, err := l.probe(path)
	if err != nil {
		return nil, err
	}
	spec := l.spec
	spec.Probes = []v1alpha1.Probe{asked}
	compiled, err := lab.Compile(l.id, &spec, lab.Options{})
	if problems, ok := errors.AsType[lab.Problems](err); ok {
		return nil, fmt.Errorf("from %s: %s; %s", path, problems[0].Message, problems[0].Fix)
	}
	if err != nil {
		return nil, err
	}
	for i := range compiled.Probes {
		compiled.Probes[i].Expect = v1alpha1.ExpectReachable
	}
	return compiled.Probes, nil
}

func (l *Lab) probe(path Path) (v1alpha1.Probe, error) {
	asked := v1alpha1.Probe{Name: "asked", From: path.From}
	if _, err := l.Node(path.From); err != nil {
		return asked, err
	}
	if a, err := netip.ParseAddr(path.To); err == nil {
		asked.ToAddress, asked.Link, asked.Expect = a.WithZone("").String(), a.Zone(), v1alpha1.ExpectUnreachable
		return asked, nil
	}
	asked.To = path.To
	_, err := l.Node(path.To)
	return asked, err
}
