// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/netlab-dev/netlab/controllers/agent"
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
		NeighborTableFull: func(family probe.Family) bool { return neighborTableFull(k, family) },
		Reap:              k.Reap,
		HasNetem:          k.HasNetem,
		FeatureMissing:    func(err error) bool { return errors.Is(err, kernel.ErrFeatureMissing) },
	}
}

// neighborTableFull: when there is no room for another neighbour, IPv6 answers EINVAL, and routers on the way
// drop packets of both families.
func neighborTableFull(k *kernel.Kernel, family probe.Family) bool {
	used, limit, err := k.NeighbourUse(int(family))
	return err == nil && used*100 >= limit*95
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
