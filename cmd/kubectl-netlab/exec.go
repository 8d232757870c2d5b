// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"
)

func (a *app) execCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "exec NAME NODE -- COMMAND",
		Short: "Run a program of this machine in a node's network namespace",
		Long: `Run a program of this machine in a node's network namespace. Files are the machine's, /sys
too; for a /sys of the namespace there is ip netns exec NAMESPACE.NAME.NODE.`,
		Example: `  kubectl netlab --local exec routed-pair ns1 -- ip route`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 2 || len(args) < 3 {
				return errors.New("say NAME, NODE and, after --, the command")
			}
			return nil
		},
		RunE: a.localVerb(func(cmd *cobra.Command, args []string) error {
			return a.exec(cmd, args[0], args[1], args[2:])
		}),
	}
}

// exec becomes the program. Of all threads the one that calls execve goes on, so the program
// is in the namespace this thread is in, and signals and exit code are its own.
func (a *app) exec(cmd *cobra.Command, name, node string, command []string) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return m.Exec(cmd.Context(), a.labNamespace(), name, node, func() error {
		if err := syscall.Exec(path, command, os.Environ()); err != nil {
			return fmt.Errorf("run %s: %w", path, err)
		}
		return nil
	})
}
