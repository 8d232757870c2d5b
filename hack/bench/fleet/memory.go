// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// reserve is what a run leaves of the machine's memory: a run that takes all of it would take
	// whatever else is there with it.
	reserve = 1 << 30
	// memoryLook is how often that is looked at.
	memoryLook = 250 * time.Millisecond
)

// scarcity is why a run was ended.
type scarcity struct {
	left int64
	takers
}

func (s scarcity) Error() string {
	return fmt.Sprintf("%s of this machine's memory are left, and %s have to be: at most there were %s; take a larger machine, or fewer nodes or labs",
		size(int(s.left)), size(reserve), s.takers)
}

// guardMemory ends the run, with what takes the memory as the cause, before there is none left.
func guardMemory(ctx context.Context, end context.CancelCauseFunc, available func() (int64, error), taken func() takers) {
	for tick := time.NewTicker(memoryLook); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		if left, err := available(); err == nil && left < reserve {
			end(scarcity{left, taken()})
		}
	}
}

// ended is why the run was ended from within, nil if it was not: whatever fails then, fails for that
// reason.
func ended(ctx context.Context) error {
	var scarce scarcity
	if errors.As(context.Cause(ctx), &scarce) {
		return scarce
	}
	return nil
}

// available is how much memory programs can still get without swapping, in bytes.
func available() (int64, error) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("read how much memory is left: %w", err)
	}
	return kibibytes(string(info), "MemAvailable:")
}
