// SPDX-License-Identifier: Apache-2.0

// Kubectl-netlab is the kubectl plugin of NetLab: labs of Linux network namespaces, in a
// cluster or, with --local, on this machine.
//
// It is built for Linux, macOS and Windows; --local works on Linux only (machine_linux.go, and
// machine_other.go for the others). console_unix.go and console_windows.go hold the differences
// between terminals.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, arguments(os.Args), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// completionName is the program that kubectl runs to complete the arguments of kubectl netlab: a
// link of that name to this program is enough.
const completionName = "kubectl_complete-netlab"

// arguments are the command line without the program's name, which may itself select completion.
func arguments(command []string) []string {
	if strings.TrimSuffix(filepath.Base(command[0]), ".exe") == completionName {
		return append([]string{cobra.ShellCompRequestCmd}, command[1:]...)
	}
	return command[1:]
}
