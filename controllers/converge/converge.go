// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
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
	// Apply performs the operations in order and stops at the first that fails. It returns how many succeeded;
	// its error names the one that failed.
	Apply(ctx context.Context, ops []state.Op) (applied int, err error)
	// Forget deletes neighbour entries in network namespaces. A namespace that no longer exists is no error.
	Forget(ctx context.Context, neighbours map[string]map[netip.Addr]bool) error
	// ForgetPathMTUs deletes the cached path MTUs of network namespaces.
	ForgetPathMTUs(ctx context.Context, namespaces []string) error
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
	// Observation is the last one.
	state.Observation
}

// Realized reports whether the last observation found the lab exactly as wanted.
func (o Outcome) Realized() bool { return len(o.Left) == 0 && len(o.Conflicts) == 0 }

// Converge makes the machine hold want. If nothing differs, it writes nothing.
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

// Plan returns what Converge would do first. It writes nothing.
func Plan(ctx context.Context, k Kernel, id state.Identity, want state.State) (Outcome, error) {
	var out Outcome
	err := out.observe(ctx, k, id, want)
	return out, err
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

func (o *Outcome) observe(ctx context.Context, k Kernel, id state.Identity, want state.State) error {
	found, err := k.Observe(ctx, id, want)
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrObserve, id, err)
	}
	o.Observation, o.Left = found, state.Diff(found.State, want)
	return nil
}

// apply performs what is left. It then deletes neighbour entries for addresses that moved to another
// interface, and path MTUs where a link's MTU has grown.
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
