// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// understandsEscapes reports whether a terminal does what escape sequences say.
func understandsEscapes(*os.File) bool { return os.Getenv("TERM") != "dumb" }

// notifyResize notifies of every change of the terminal's size, and closes changes once stopped.
func notifyResize(changes chan<- struct{}) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	go func() {
		defer close(changes)
		for range signals {
			notify(changes)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}
