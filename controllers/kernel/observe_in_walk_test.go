// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"context"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/state"
)

// compared is a kernel whose looks at a part of a lab are compared with looks at all of it.
type compared struct {
	*kernel.Kernel
	t testing.TB
	// parts counts the looks at fewer namespaces than the lab has.
	parts *int
}

func (c compared) ObserveIn(ctx context.Context, id state.Identity, want state.State, last state.Observation, namespaces []string) (state.Observation, []string, error) {
	found, looked, err := c.Kernel.ObserveIn(ctx, id, want, last, namespaces)
	if err != nil {
		return found, looked, err
	}
	all, err := c.Observe(ctx, id, want)
	if differs := kernel.Differences(atRest(found), atRest(all)); differs != "" {
		c.t.Errorf("in %v, for %v, was found, and what is there:\n%s", looked, namespaces, differs)
	}
	if len(looked) < len(all.State) {
		*c.parts++
	}
	return found, looked, err
}

// atRest is without what changes by itself a while after an edit, and is told by an event then.
func atRest(o state.Observation) state.Observation {
	o.Carrier, o.Settling, o.Blocked = nil, nil, nil
	return o
}
