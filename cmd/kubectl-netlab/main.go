// SPDX-License-Identifier: Apache-2.0

// Kubectl-netlab is the kubectl plugin of NetLab: labs of Linux network namespaces, in a
// cluster or, with --local, on this machine.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
