// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/netlab-dev/netlab/controllers"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// machine shows the kernel to the agent in the agent's own words.
func machine(k *kernel.Kernel) controllers.Machine {
	return controllers.Machine{
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
		NeighborTableFull: func(family int) bool { return neighborTableFull(k, family) },
		Reap:              k.Reap,
		HasNetem:          k.HasNetem,
		FeatureMissing:    func(err error) bool { return errors.Is(err, kernel.ErrFeatureMissing) },
	}
}

// neighborTableFull: IPv6 answers EINVAL when there is no room for another neighbour, IPv4 nothing.
func neighborTableFull(k *kernel.Kernel, family int) bool {
	used, limit, err := k.NeighbourUse(family)
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
