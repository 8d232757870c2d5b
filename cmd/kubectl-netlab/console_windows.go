// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// understandsEscapes makes a console do what escape sequences say, which those before Windows 10
// cannot and later ones have to be told.
func understandsEscapes(console *os.File) bool {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if os.Getenv("TERM") == "dumb" || windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// resizeTick is how soon a new size of the console is seen: Windows has no signal for it.
const resizeTick = 250 * time.Millisecond

// notifyResize notifies whenever the console's size may have changed, and closes changes once
// stopped.
func notifyResize(changes chan<- struct{}) (stop func()) {
	stopped := make(chan struct{})
	go func() {
		defer close(changes)
		ticker := time.NewTicker(resizeTick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				notify(changes)
			case <-stopped:
				return
			}
		}
	}()
	return func() { close(stopped) }
}
