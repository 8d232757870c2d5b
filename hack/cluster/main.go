// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	dir := directory(defaultDirectory())
	root := &cobra.Command{
		Use:           "cluster",
		Short:         "A real Kubernetes with several nodes on one Linux machine, without Docker",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return prepare(&dir)
		},
	}
	root.PersistentFlags().StringVar((*string)(&dir), "dir", string(dir), "where everything is kept (default also from $"+directoryVariable+")")
	root.AddCommand(upCommand(&dir), downCommand(&dir), runCommand(&dir), loadCommand(&dir),
		nodeCommand(&dir), apiserverCommand(&dir), superviseCommand(&dir), machineCommand(&dir))
	return root
}

// prepare checks what every verb needs.
func prepare(dir *directory) error {
	// Users, and systemd, often leave out where ip is.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin"); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("containers and cgroups need root: use sudo")
	}
	return dir.resolve()
}

// become replaces this process by command, so that signals and the exit code are the command's own.
func become(command []string, env []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	if err := syscall.Exec(path, command, env); err != nil {
		return fmt.Errorf("execute %s: %w", path, err)
	}
	return nil
}
