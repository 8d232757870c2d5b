// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/state"
)

// MaxRounds is how often a plan is made and applied before what is left is reported.
const MaxRounds = 3

// ErrObserve is in every error that says the machine's state could not be read: what it holds
// is unknown.
var ErrObserve = errors.New("observe")

// Kernel is what Converge needs of a machine.
type Kernel interface {
	// Observe returns what the machine holds of the lab. It changes nothing.
	Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error)
	// Apply performs the operations in order and stops at the first that fails. It returns how
	// many succeeded; its error names the one that did not.
	Apply(ctx context.Context, ops []state.Op) (applied int, err error)
	// Forget makes network namespaces forget what they know of neighbours' addresses. A namespace
	// that is gone has forgotten everything.
	Forget(ctx context.Context, neighbours map[string]map[netip.Addr]bool) error
	// ForgetPathMTUs makes network namespaces forget how large packets may be on their way.
	ForgetPathMTUs(ctx context.Context, namespaces []string) error
}

// Outcome is what became of a lab.
type Outcome struct {
	// Applied are the operations that succeeded, over all rounds.
	Applied []state.Op
	// Left are the operations that would still have to be done. The lab is there when there are
	// none, no conflicts and no error.
	Left []state.Op
	// Observation is the last one.
	state.Observation
}

// Realized reports whether the last observation found the lab exactly as wanted.
func (o Outcome) Realized() bool { return len(o.Left) == 0 && len(o.Conflicts) == 0 }

// Converge makes the machine hold want. When nothing differs, nothing is written.
func Converge(ctx context.Context, k Kernel, id state.Identity, want state.State) (Outcome, error) {
	out, err := Plan(ctx, k, id, want)
	for round := 0; round < MaxRounds && err == nil && len(out.Left) > 0 && len(out.Conflicts) == 0; round++ {
		err = errors.Join(out.apply(ctx, k, want), out.observe(ctx, k, id, want))
	}
	return out, err
}

// Remove makes the machine hold nothing of the lab.
func Remove(ctx context.Context, k Kernel, id state.Identity) (Outcome, error) {
	return Converge(ctx, k, id, state.State{})
}

// Plan is what Converge would do first. It writes nothing.
func Plan(ctx context.Context, k Kernel, id state.Identity, want state.State) (Outcome, error) {
	var out Outcome
	err := out.observe(ctx, k, id, want)
	return out, err
}

func (o *Outcome) observe(ctx context.Context, k Kernel, id state.Identity, want state.State) error {
	found, err := k.Observe(ctx, id, want)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrObserve, id, err)
	}
	o.Observation, o.Left = found, state.Diff(found.State, want)
	return nil
}

// apply performs what is left. Neighbours then ask anew for addresses that have come to their segment, and
// senders find out anew how large packets may be where links have become larger.
func (o *Outcome) apply(ctx context.Context, k Kernel, want state.State) error {
	before := o.State
	applied, err := k.Apply(ctx, o.Left)
	if newcomers := state.MovedAddresses(o.Left[:applied], want); len(newcomers) > 0 {
		err = errors.Join(err, k.Forget(ctx, newcomers))
	}
	if senders := state.StalePathMTUs(before, o.Left[:applied]); len(senders) > 0 {
		err = errors.Join(err, k.ForgetPathMTUs(ctx, senders))
	}
	o.Applied = append(o.Applied, o.Left[:applied]...)
	o.Left = o.Left[applied:]
	return err
}
