// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// subcommands are programs of their own in the agent's image. The command line's plugin starts them beside the
// agent through pods/exec (ask), or in a pod that is there for one command (install, wait, enter). config/neighbor-table
// runs neighbor-limit.
var subcommands = map[string]func(ctx context.Context, args []string) int{
	"ask":     askLab,
	"install": install,
	"wait":    wait,
	"enter":   enter,

	"neighbor-limit": neighborLimit,
}

// subcommand runs the one the arguments begin with, if it is one, and exits.
func subcommand(args []string) {
	if len(args) == 0 {
		return
	}
	run, ok := subcommands[args[0]]
	if !ok {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, args[1:])
	stop()
	os.Exit(code)
}

// fail says why a subcommand did not do its work.
func fail(err error) (code int) {
	fmt.Fprintln(os.Stderr, "netlab-agent:", err)
	return 1
}
