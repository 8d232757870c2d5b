// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// poll calls try until it returns nil. If the context ends before, the error is that of the last try.
func poll(ctx context.Context, period time.Duration, try func(context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: last seen: %w", context.Cause(ctx), err)
		case <-time.After(period):
		}
	}
}
