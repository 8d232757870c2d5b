// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Up makes the machine hold the lab and waits for a result of every probe. A failure while building is in
// the Status, which shows how far it came. An error means that Up changed nothing.
func (m *Machine) Up(ctx context.Context, lab *v1alpha1.NetLab) (*Status, error) {
	compiled, err := m.compile(lab)
	if err != nil {
		return nil, err
	}
	unlock, err := m.kernel.Lock(compiled.Identity)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := m.claim(ctx, compiled.Identity); err != nil {
		return nil, err
	}
	if lab.Spec.Suspend {
		return m.suspended(ctx, lab, compiled)
	}
	m.options.Progress(fmt.Sprintf("building %s: %d namespaces, %d probes", compiled.Identity, len(compiled.Nodes), len(compiled.Probes)))
	out, err := m.build(ctx, lab, compiled)
	if err == nil {
		err = m.settleAndForget(ctx, compiled, &out)
	}
	return m.status(ctx, compiled, out, m.inspection(lab, out, err)), nil
}

// build writes the record after the first observation, which may find a conflict, and before the first
// operation: whatever it builds can be found by name.
func (m *Machine) build(ctx context.Context, lab *v1alpha1.NetLab, compiled *lab.Lab) (converge.Outcome, error) {
	plan, err := converge.Plan(ctx, m.kernel, compiled.Identity, compiled.Want)
	if err != nil || len(plan.Conflicts) > 0 {
		return plan, err
	}
	if err := m.save(compiled.Identity, lab); err != nil {
		return plan, err
	}
	return converge.Converge(ctx, m.kernel, compiled.Identity, compiled.Want)
}

// settleInterval is the time between two looks at ports that converge.
const settleInterval = 100 * time.Millisecond

// settle waits until links carry packets and spanning trees have converged: before that, no missing reply says
// anything about the lab.
func (m *Machine) settle(ctx context.Context, compiled *lab.Lab, out *converge.Outcome) error {
	applied := out.Applied
	for deadline := time.Now().Add(lab.STPTimeout); len(out.Converging()) > 0 && time.Now().Before(deadline); {
		m.options.Progress(ask.Waiting(out.Observation))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settleInterval):
		}
		observed, err := converge.Plan(ctx, m.kernel, compiled.Identity, compiled.Want)
		if err != nil {
			return err
		}
		observed.Applied = applied
		*out = observed
	}
	return nil
}

// settleAndForget settles. If that took a moment, switches forget what they learned before.
func (m *Machine) settleAndForget(ctx context.Context, compiled *lab.Lab, out *converge.Outcome) error {
	if len(out.Converging()) == 0 {
		return nil
	}
	if err := m.settle(ctx, compiled, out); err != nil {
		return err
	}
	return converge.ForgetMACs(ctx, m.kernel, compiled.Want)
}

// Plan returns what Up would do now. It writes nothing.
func (m *Machine) Plan(ctx context.Context, lab *v1alpha1.NetLab) ([]state.Op, error) {
	compiled, err := m.compile(lab)
	if err != nil {
		return nil, err
	}
	if _, err := m.claim(ctx, compiled.Identity); err != nil {
		return nil, err
	}
	plan, err := converge.Plan(ctx, m.kernel, compiled.Identity, compiled.Want)
	if err != nil {
		return nil, err
	}
	return plan.Left, conflictError(compiled.Identity, plan.Conflicts)
}

// PlanFromEmpty returns what Up would do on a machine that holds nothing of the lab.
func PlanFromEmpty(netlab *v1alpha1.NetLab, symlinks bool) ([]state.Op, error) {
	compiled, err := Compile(netlab, lab.Options{Symlinks: symlinks})
	if err != nil {
		return nil, err
	}
	return state.Diff(state.State{}, compiled.Want), nil
}

func conflictError(id state.Identity, conflicts []state.Conflict) error {
	if len(conflicts) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w: %s", id, ErrConflict, joinConflicts(conflicts))
}
