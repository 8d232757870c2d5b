// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// MaxRounds is the maximum number of rounds of planning and applying.
const MaxRounds = 3

// ErrObserve is in every error of an observation: what the machine holds is unknown.
var ErrObserve = errors.New("observe")

// Kernel is what Converge needs of a machine's kernel.
type Kernel interface {
	// Observe returns what the machine holds of the lab. It changes nothing.
	Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error)
	// ObserveIn looks again at some namespaces of which last is known, which it updates. It returns those it has looked
	// at: where a cable has changed, the other end's are among them, and all of them if that could be anywhere.
	ObserveIn(ctx context.Context, id state.Identity, want state.State, last state.Observation, namespaces []string) (found state.Observation, looked []string, err error)
	// Edit performs the operations in order and stops at the first that fails. It returns how many succeeded;
	// its error names the one that failed. Right after each it updates the neighbour entries that it made wrong,
	// given by the operation's index.
	Edit(ctx context.Context, ops []state.Op, stale map[int][]state.Neighbour) (applied int, err error)
	// ForgetExceptions deletes the path MTUs and redirects that network namespaces have cached.
	ForgetExceptions(ctx context.Context, namespaces []string) error
	// ForgetMACs deletes what the bridges of network namespaces have learned.
	ForgetMACs(ctx context.Context, namespaces []string) error
}

// Outcome is the result for a lab.
type Outcome struct {
	// Applied are the operations that succeeded, over all rounds.
	Applied []state.Op
	// Left are the operations that are left to do. The lab is realized if there are none, no conflicts and no
	// error.
	Left []state.Op
	// Whole reports whether the whole lab was looked at, and not only a part of it.
	Whole bool
	// Observation is the last one.
	state.Observation

	// want is what was wanted at the last look, nil if that failed. Differing are the namespaces that were not like it.
	want      state.State
	differing []string
}

// Realized reports whether the last observation found the lab exactly as wanted.
func (o Outcome) Realized() bool { return len(o.Left) == 0 && len(o.Conflicts) == 0 }

// Converge makes the machine hold want. If nothing differs, it writes nothing.
func Converge(ctx context.Context, k Kernel, id state.Identity, want state.State) (Outcome, error) {
	return ConvergeFrom(ctx, k, id, want, Outcome{}, nil)
}

// ConvergeFrom is Converge after an earlier outcome, which it takes over. Something may have changed in the given
// namespaces since then. Only at these it looks, at those that are to be changed, and at those that did not become as
// wanted; after an error or a conflict at all.
func ConvergeFrom(ctx context.Context, k Kernel, id state.Identity, want state.State, last Outcome, namespaces []string) (Outcome, error) {
	out, err := PlanFrom(ctx, k, id, want, last, namespaces)
	for round := 0; round < MaxRounds && err == nil && len(out.Left) > 0 && len(out.Conflicts) == 0; round++ {
		affected := state.Affected(out.State, out.Left)
		if err = out.apply(ctx, k); err != nil {
			affected = nil
		}
		err = errors.Join(err, out.observe(ctx, k, id, want, affected))
	}
	return out, err
}

// Remove makes the machine hold nothing of the lab.
func Remove(ctx context.Context, k Kernel, id state.Identity) (Outcome, error) {
	return Converge(ctx, k, id, state.State{})
}

// Plan returns what Converge would do first. It writes nothing.
func Plan(ctx context.Context, k Kernel, id state.Identity, want state.State) (Outcome, error) {
	return PlanFrom(ctx, k, id, want, Outcome{}, nil)
}

// PlanFrom returns what ConvergeFrom would do first. It writes nothing.
func PlanFrom(ctx context.Context, k Kernel, id state.Identity, want state.State, last Outcome, namespaces []string) (Outcome, error) {
	out := last
	out.Applied, out.Whole = nil, false
	err := out.observe(ctx, k, id, want, last.since(want, namespaces))
	return out, err
}

// since are the namespaces to look at, nil for all.
func (o Outcome) since(want state.State, changed []string) []string {
	if o.want == nil || len(o.Conflicts) > 0 {
		return nil
	}
	all := append([]string{}, changed...)
	return append(append(all, o.want.Differing(want)...), o.differing...)
}

// ForgetMACs makes the switches of a lab that run STP forget behind which port an address is, after ports of the tree
// have converged. The kernel shortens the ageing time for that, but looks for aged entries only when one of them would
// have reached the longer time, up to 300 s later. Until then a switch may send frames to a port that is blocked.
func ForgetMACs(ctx context.Context, k Kernel, want state.State) error {
	var switches []string
	for name, n := range want {
		for _, bridge := range n.Bridges {
			if bridge.STP {
				switches = append(switches, name)
			}
		}
	}
	if len(switches) == 0 {
		return nil
	}
	slices.Sort(switches)
	return k.ForgetMACs(ctx, switches)
}

// observe looks at some namespaces, or at all if they are nil or so many that this costs no more.
func (o *Outcome) observe(ctx context.Context, k Kernel, id state.Identity, want state.State, namespaces []string) error {
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces)
	found, differing, err := o.Observation, o.differing, error(nil)
	switch {
	case namespaces == nil || 2*len(namespaces) > len(want):
		o.Whole = true
		found, err = k.Observe(ctx, id, want)
		differing = found.State.Differing(want)
	case len(namespaces) > 0:
		var looked []string
		found, looked, err = k.ObserveIn(ctx, id, want, o.Observation, namespaces)
		differing = found.State.DifferingIn(want, slices.Concat(differing, looked))
	}
	if err != nil {
		o.want = nil
		return fmt.Errorf("%w %s: %w", ErrObserve, id, err)
	}
	o.want, o.differing = want, differing
	o.Observation, o.Left = found, state.DiffIn(found.State, want, differing)
	return nil
}

// apply performs what is left. It then deletes cached path MTUs and redirects that may be wrong by now.
func (o *Outcome) apply(ctx context.Context, k Kernel) error {
	before := o.State
	applied, err := k.Edit(ctx, o.Left, state.StaleNeighbours(before, o.Left))
	if senders := state.StaleExceptions(before, o.Left[:applied]); len(senders) > 0 {
		err = errors.Join(err, k.ForgetExceptions(ctx, senders))
	}
	o.Applied = append(o.Applied, o.Left[:applied]...)
	o.Left = o.Left[applied:]
	return err
}
