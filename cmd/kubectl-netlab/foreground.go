// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// runCommand runs a command on this terminal and returns its exit code. The terminal sends SIGINT and
// SIGQUIT to the command, too; SIGTERM and SIGHUP are passed on.
func (a *app) runCommand(command []string) error {
	program := exec.Command(command[0], command[1:]...)
	program.Stdin, program.Stdout, program.Stderr = a.in, a.out.file, a.terminal.err
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	defer close(signals)
	defer signal.Stop(signals)
	if err := program.Start(); err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM || s == syscall.SIGHUP {
				_ = program.Process.Signal(s)
			}
		}
	}()
	return exitCode(program.Wait())
}

// exitCode is the exit code of a command as a shell reports it.
func exitCode(err error) error {
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return err
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitError(128 + int(status.Signal()))
	}
	return exitError(ended.ExitCode())
}

// shell is the command of up on a terminal without root.
func (a *app) shell() []string {
	fmt.Fprintln(a.terminal.err, "The lab exists only in this shell and ends with it. Try: kubectl netlab --local status; ip netns")
	return []string{cmp.Or(os.Getenv("SHELL"), "/bin/sh")}
}
