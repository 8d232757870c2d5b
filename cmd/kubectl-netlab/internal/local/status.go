// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Status is a lab on this machine at one moment.
type Status struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Conditions are Ready, Accepted, Realized and Reachable, as package status decides them.
	Conditions []Condition `json:"conditions"`
	// Nodes are in the order of the spec, namespaces before routers.
	Nodes []Node `json:"nodes"`
	// Probes are in the order of the spec, one per probe and family.
	Probes []Probe `json:"probes"`
	// Applied are the operations that up applied, as commands of iproute2.
	Applied []string `json:"applied,omitempty"`
	// Drift are the operations that would make the kernel match the spec, as commands of iproute2.
	Drift []string `json:"drift,omitempty"`
	// Drifted are the nodes that these operations change, sorted.
	Drifted []string `json:"-"`
	// Conflicts are names the lab needs that belong to objects NetLab did not create.
	Conflicts []string `json:"conflicts,omitempty"`
	// Unmanaged are unmanaged objects in the lab's network namespaces.
	Unmanaged []string `json:"unmanaged,omitempty"`
}

// Condition is a condition of the API.
type Condition struct {
	Type string `json:"type"`
	v1alpha1.Finding
}

// Ready reports whether the lab matches the spec and every probe has its expected outcome.
func (s *Status) Ready() bool {
	return s.Condition(v1alpha1.ConditionReady).Status == metav1.ConditionTrue
}

// Condition returns the condition of a type.
func (s *Status) Condition(of string) Condition {
	for _, c := range s.Conditions {
		if c.Type == of {
			return c
		}
	}
	return Condition{of, status.Unknown(v1alpha1.ReasonPending, "")}
}

// Status compares a lab with the kernel and runs its probes. It waits for spanning trees as Up does.
func (m *Machine) Status(ctx context.Context, namespace, name string) (*Status, error) {
	netlab, err := m.Load(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	compiled, err := m.compile(netlab)
	if err != nil {
		return nil, fmt.Errorf("the record of %s/%s is damaged: %w", namespace, name, err)
	}
	if netlab.Spec.Suspend {
		return m.suspended(ctx, netlab, compiled)
	}
	out, err := converge.Plan(ctx, m.kernel, compiled.Identity, compiled.Want)
	if err == nil && len(compiled.Probes) > 0 {
		err = m.settleAndForget(ctx, compiled, &out)
	}
	i := m.inspection(netlab, out, err)
	i.CompareOnly, i.NotBuilt = true, out.Nothing()
	s := m.status(ctx, compiled, out, i)
	return s, errors.Join(m.macTables(ctx, s.Nodes, out.State), m.unmanaged(ctx, s, out.State))
}

// suspended neither changes nor probes the lab.
func (m *Machine) suspended(ctx context.Context, netlab *v1alpha1.NetLab, compiled *lab.Lab) (*Status, error) {
	out, err := converge.Plan(ctx, m.kernel, compiled.Identity, compiled.Want)
	if err != nil {
		return nil, err
	}
	return m.status(ctx, compiled, out, m.inspection(netlab, out, nil)), nil
}

// inspection is the outcome of an attempt, as package status takes it.
func (m *Machine) inspection(netlab *v1alpha1.NetLab, out converge.Outcome, err error) status.Inspection {
	featureMissing := m.options.FeatureMissing != nil && errors.Is(err, m.options.FeatureMissing)
	return status.Inspection{
		NetLab:    netlab,
		Failure:   status.FailureOf(err, errors.Is(err, converge.ErrObserve), featureMissing),
		Err:       err,
		Conflicts: out.Conflicts,
		Left:      out.Left,
	}
}

// status runs the probes if package status says that they can run, and takes the conditions from it.
func (m *Machine) status(ctx context.Context, lab *lab.Lab, out converge.Outcome, i status.Inspection) *Status {
	s := newStatus(lab, out)
	if i.Probing() {
		s.Probes, i.Probes = m.ask(ctx, lab, out)
	}
	s.Conditions = conditions(i)
	return s
}

func newStatus(lab *lab.Lab, out converge.Outcome) *Status {
	return &Status{
		Namespace: lab.Identity.Namespace,
		Name:      lab.Identity.Name,
		Nodes:     nodes(lab, out.Observation),
		Probes:    []Probe{},
		Applied:   texts(out.Applied),
		Drift:     texts(out.Left),
		Drifted:   changed(out.Left),
		Conflicts: texts(out.Conflicts),
		Unmanaged: out.Unmanaged,
	}
}

// changed are the nodes that operations write to.
func changed(ops []state.Op) []string {
	var nodes []string
	for _, op := range ops {
		for _, namespace := range op.Namespaces() {
			nodes = append(nodes, state.NodeOf(namespace))
		}
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

func conditions(i status.Inspection) []Condition {
	c := i.Conditions()
	return []Condition{
		{v1alpha1.ConditionReady, c.Ready()},
		{v1alpha1.ConditionAccepted, c.Accepted},
		{v1alpha1.ConditionRealized, c.Realized},
		{v1alpha1.ConditionReachable, c.Reachable},
	}
}

func texts[T fmt.Stringer](list []T) []string {
	var lines []string
	for _, item := range list {
		lines = append(lines, item.String())
	}
	return lines
}

func joinConflicts(conflicts []state.Conflict) string {
	return strings.Join(texts(conflicts), "; ")
}
