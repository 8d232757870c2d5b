// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/netlab-dev/netlab/controllers/agent"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// machine shows the kernel to the agent in the agent's own words.
func machine(k *kernel.Kernel) agent.Machine {
	return agent.Machine{
		Kernel: k,
		Watch:  func(ctx context.Context) (<-chan string, error) { return watch(ctx, k) },
		Follow: k.Follow,
		Dial: func(_ context.Context, from string, o probe.Options) (probe.Conn, error) {
			conn, err := k.DialICMP(from, int(o.Family), o.DontFragment, o.Source)
			if err != nil {
				return nil, err
			}
			return conn, nil
		},
		NeighborTableFull: ask.NeighbourTableFull(k),
		NeighborUse:       func(f probe.Family) (used, limit int, err error) { return k.NeighbourUse(int(f)) },
		Reap:              k.Reap,
		HasNetem:          k.HasNetem,
		FeatureMissing:    func(err error) bool { return errors.Is(err, kernel.ErrFeatureMissing) },
	}
}

// watch reduces events to the namespaces they happened in.
func watch(ctx context.Context, k *kernel.Kernel) (<-chan string, error) {
	events, err := k.Watch(ctx)
	if err != nil {
		return nil, err
	}
	namespaces := make(chan string)
	go func() {
		defer close(namespaces)
		for e := range events {
			select {
			case namespaces <- e.Namespace:
			case <-ctx.Done(): // the kernel closes events
			}
		}
	}()
	return namespaces, nil
}
