// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"

	"github.com/netlab-dev/netlab/controllers/ask"
)

// Lab returns a lab of this machine.
func (m *Machine) Lab(ctx context.Context, namespace, name string) (*ask.Lab, error) {
	lab, err := m.Load(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return m.asked.Lab(Identity(namespace, name), lab.Spec)
}

// Exec runs fn on a thread that is in the network namespace of a node.
func (m *Machine) Exec(ctx context.Context, namespace, name, node string, fn func() error) error {
	lab, err := m.Lab(ctx, namespace, name)
	if err != nil {
		return err
	}
	inside, err := lab.Node(node)
	if err != nil {
		return err
	}
	return m.kernel.Enter(inside, fn)
}
