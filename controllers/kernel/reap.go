// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"maps"
	"slices"
	"time"
)

// How long Reap waits for namespaces to end, and how often it looks.
const (
	reapTimeout  = 2 * time.Second
	reapInterval = 5 * time.Millisecond
)

// remember gives a namespace that is about to be unmounted an id in the process' own one.
// The id lives as long as the namespace does: without a mount nothing else tells.
func (s *session) remember(k *Kernel, name string) error {
	h, err := s.handle(name)
	if err != nil {
		return err
	}
	home, err := s.homeConn()
	if err != nil {
		return err
	}
	id, err := home.EnsureNSID(int(h.ns))
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deleted[name] = id
	return nil
}

// Reap waits, 2 seconds at most for all of them, until the namespaces deleted since the last
// call have ended, and returns those that have not: a process or a socket somewhere else
// holds them. Nothing in them is connected any more, and nobody need wait for them.
func (k *Kernel) Reap(ctx context.Context) (held []string, err error) {
	k.mu.Lock()
	waiting := k.deleted
	k.deleted = map[string]int32{}
	k.mu.Unlock()
	if len(waiting) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, reapTimeout)
	defer cancel()
	c, err := dial()
	if err != nil {
		return slices.Sorted(maps.Keys(waiting)), err
	}
	defer c.Close()
	for {
		if err := c.dropEnded(waiting); err != nil || len(waiting) == 0 {
			return slices.Sorted(maps.Keys(waiting)), err
		}
		select {
		case <-ctx.Done():
			return slices.Sorted(maps.Keys(waiting)), nil
		case <-time.After(reapInterval):
		}
	}
}

// dropEnded removes the namespaces whose id is gone.
func (c *conn) dropEnded(waiting map[string]int32) error {
	for name, id := range waiting {
		exists, err := c.HasNSID(id)
		if err != nil {
			return err
		}
		if !exists {
			delete(waiting, name)
		}
	}
	return nil
}
