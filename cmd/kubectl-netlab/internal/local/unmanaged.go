// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// unmanaged adds the unmanaged objects in the lab's namespaces that can decide about packets, such as
// policy rules. Observe leaves them out because the agent, which observes often, does not need them.
func (m *Machine) unmanaged(ctx context.Context, s *Status, have state.State) error {
	for name, namespace := range have {
		if !namespace.Mounted {
			continue
		}
		found, err := m.kernel.Unmanaged(ctx, name)
		if err != nil {
			return err
		}
		for _, i := range found {
			if i.Route != (state.UnmanagedRoute{}) && i.Route.Type != "local" {
				continue // an observation lists routes of the main table
			}
			s.Unmanaged = append(s.Unmanaged, fmt.Sprintf("%s: %s", name, i.What))
		}
	}
	slices.Sort(s.Unmanaged)
	return nil
}
