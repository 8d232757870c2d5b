// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Status is a lab as it is on this machine right now.
type Status struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Conditions are Ready, Accepted, Realized and Reachable, with the reasons of the API.
	Conditions []Condition `json:"conditions"`
	// Nodes are in the order of the description, namespaces before routers.
	Nodes []Node `json:"nodes"`
	// Probes are in the order of the description, one per probe and family.
	Probes []Probe `json:"probes"`
	// Applied are the ip commands that were done just now.
	Applied []string `json:"applied,omitempty"`
	// Drift is what would have to be done to make the machine hold the lab as described.
	Drift []string `json:"drift,omitempty"`
	// Conflicts are names the lab needs and something else has.
	Conflicts []string `json:"conflicts,omitempty"`
	// Foreign is what others put into the lab's namespaces.
	Foreign []string `json:"foreign,omitempty"`
}

// Condition is a condition of the API.
type Condition struct {
	Type    string                 `json:"type"`
	Status  metav1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason"`
	Message string                 `json:"message,omitempty"`
}

// Ready reports whether the lab is there and every probe has the expected outcome.
func (s *Status) Ready() bool {
	return s.Condition(v1alpha1.ConditionReady).Status == metav1.ConditionTrue
}

// Condition is the one of that type.
func (s *Status) Condition(of string) Condition {
	for _, c := range s.Conditions {
		if c.Type == of {
			return c
		}
	}
	return Condition{Type: of, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending}
}

// Status looks at a lab and asks its probes.
func (m *Machine) Status(ctx context.Context, namespace, name string) (*Status, error) {
	lab, err := m.Load(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	compiled, err := m.compile(lab)
	if err != nil {
		return nil, fmt.Errorf("the record of %s/%s is damaged: %w", namespace, name, err)
	}
	if lab.Spec.Suspend {
		return m.suspended(ctx, compiled)
	}
	out, err := converge.Plan(ctx, m.kernel, compiled.Identity, compiled.Want)
	s := m.status(ctx, compiled, out, err)
	return s, errors.Join(m.macTables(ctx, s.Nodes, out.State), m.interferences(ctx, s, out.State))
}

// status asks the probes of a lab whose namespaces are there, and sums up.
func (m *Machine) status(ctx context.Context, lab *lab.Lab, out converge.Outcome, err error) *Status {
	s := newStatus(lab, out)
	realized := m.judgeRealized(out, err)
	if realized.Reason == v1alpha1.ReasonDrifted && out.Nothing() {
		realized.Message = "nothing of the lab is on this machine; up -f builds it, or says why it cannot"
	}
	reachable := Condition{v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonNotRealized, realized.Message}
	if err == nil && len(out.Conflicts) == 0 && allMounted(lab.Want, out.State) {
		s.Probes = m.ask(ctx, lab, out)
		reachable = judgeReachable(s.Probes)
	}
	s.conclude(realized, reachable)
	return s
}

// suspended neither changes nor probes: what is there is shown.
func (m *Machine) suspended(ctx context.Context, lab *lab.Lab) (*Status, error) {
	out, err := converge.Plan(ctx, m.kernel, lab.Identity, lab.Want)
	if err != nil {
		return nil, err
	}
	s := newStatus(lab, out)
	const message = "spec.suspend is true: the lab is neither built, changed nor probed"
	s.conclude(
		Condition{v1alpha1.ConditionRealized, metav1.ConditionUnknown, v1alpha1.ReasonSuspended, message},
		Condition{v1alpha1.ConditionReachable, metav1.ConditionUnknown, v1alpha1.ReasonSuspended, message},
	)
	return s, nil
}

func newStatus(lab *lab.Lab, out converge.Outcome) *Status {
	return &Status{
		Namespace: lab.Identity.Namespace,
		Name:      lab.Identity.Name,
		Nodes:     nodes(lab, out.Observation),
		Probes:    []Probe{},
		Applied:   texts(out.Applied),
		Drift:     texts(out.Left),
		Conflicts: texts(out.Conflicts),
		Foreign:   out.Foreign,
	}
}

// conclude fills in the conditions; Ready is the first of them that is False, else the first
// that is Unknown.
func (s *Status) conclude(realized, reachable Condition) {
	ready := Condition{v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, reachable.Message}
	for _, status := range []metav1.ConditionStatus{metav1.ConditionUnknown, metav1.ConditionFalse} {
		for _, c := range []Condition{reachable, realized} {
			if c.Status == status {
				ready.Status, ready.Reason, ready.Message = c.Status, c.Reason, c.Message
			}
		}
	}
	accepted := Condition{v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonValid, "the description can be built"}
	s.Conditions = []Condition{ready, accepted, realized, reachable}
}

func (m *Machine) judgeRealized(out converge.Outcome, err error) Condition {
	c := Condition{v1alpha1.ConditionRealized, metav1.ConditionFalse, v1alpha1.ReasonKernelError, ""}
	switch {
	case errors.Is(err, converge.ErrObserve):
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, v1alpha1.ReasonObservationFailed, err.Error()
	case m.options.FeatureMissing != nil && errors.Is(err, m.options.FeatureMissing):
		c.Reason, c.Message = v1alpha1.ReasonKernelFeatureMissing, err.Error()
	case err != nil:
		c.Message = err.Error()
	case len(out.Conflicts) > 0:
		c.Reason, c.Message = v1alpha1.ReasonConflict, joinConflicts(out.Conflicts)
	case len(out.Left) > 0:
		c.Reason, c.Message = v1alpha1.ReasonDrifted, drift(out.Left)
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonRealized, "the lab is there as described"
	}
	return c
}

func drift(left []state.Op) string {
	text := fmt.Sprintf("the machine differs from the lab as described; to repair it: %s", left[0])
	if more := len(left) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// allMounted reports whether every node of the lab can be entered.
func allMounted(want, have state.State) bool {
	for name := range want {
		if !have[name].Mounted {
			return false
		}
	}
	return true
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
