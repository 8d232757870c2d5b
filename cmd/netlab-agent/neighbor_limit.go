// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel"
)

// neighborLimit raises the limits of the node's neighbour tables, and again every minute if another program lowers them. It
// runs in a pod of its own with the host's network.
func neighborLimit(ctx context.Context, args []string) (code int) {
	entries := 0
	if len(args) == 1 {
		entries, _ = strconv.Atoi(args[0])
	}
	if entries <= 0 {
		return fail(errors.New("usage: netlab-agent neighbor-limit ENTRIES"))
	}
	for {
		if err := kernel.RaiseNeighbourLimits(kernel.NetSettings, entries); err != nil {
			return fail(err)
		}
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(time.Minute):
		}
	}
}
