// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// interferences adds what others put into the lab's namespaces that can decide about packets there. An
// observation leaves it out: whoever compares a lab again and again is not to ask for it each time.
func (m *Machine) interferences(ctx context.Context, s *Status, have state.State) error {
	for name, namespace := range have {
		if !namespace.Mounted {
			continue
		}
		found, err := m.kernel.Interferences(ctx, name)
		if err != nil {
			return err
		}
		for _, i := range found {
			if i.Route != (state.ForeignRoute{}) {
				continue // an observation lists routes
			}
			s.Foreign = append(s.Foreign, fmt.Sprintf("%s: %s", name, i.What))
		}
	}
	slices.Sort(s.Foreign)
	return nil
}
