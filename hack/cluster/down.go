// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func downCommand(dir *directory) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the cluster, or what is left of it, and remove everything",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := dir.down(command.Context()); err != nil {
				return fmt.Errorf("down: %w", err)
			}
			return nil
		},
	}
}

// down ends the cluster if it runs and removes what is left. Without a cluster it does nothing.
func (d directory) down(ctx context.Context) error {
	const long = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, long, fmt.Errorf("not done after %s", long))
	defer cancel()
	if err := d.mine(); err != nil {
		return err
	}
	lock, err := d.takeLock()
	if errors.Is(err, errLocked) {
		lock, err = d.end(ctx)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := d.clear(ctx); err != nil {
		return err
	}
	return os.RemoveAll(string(d))
}

// end ends the supervisor, gently if it answers, and returns the lock that it held.
func (d directory) end(ctx context.Context) (*os.File, error) {
	gently, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.ask(gently, "/down"); err != nil && gently.Err() != nil {
		if err := d.kill(); err != nil {
			return nil, err
		}
	}
	return d.waitForLock(ctx)
}

// kill ends a supervisor that does not answer.
func (d directory) kill() error {
	pid, err := d.supervisor()
	if err != nil {
		return err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Kill()
}

// clear removes everything but the lock, which the caller holds: cgroups first, as they are
// found by the directory's name.
func (d directory) clear(ctx context.Context) error {
	if err := machineCgroups.remove(ctx, d.cgroup()); err != nil {
		return err
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if d.path(entry.Name()) == d.lock() {
			continue
		}
		// After a kill -9 the last processes may still be writing.
		err := poll(ctx, 20*time.Millisecond, func(context.Context) error { return os.RemoveAll(d.path(entry.Name())) })
		if err != nil {
			return err
		}
	}
	return nil
}
