// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"unsafe"
)

// keyboard are the signals a terminal sends to its whole foreground process group.
var keyboard = []os.Signal{syscall.SIGINT, syscall.SIGQUIT}

// caught holds signals that are meant for the program inside.
type caught chan os.Signal

// catchSignals must come before the process is started: a signal that arrives in between
// is forwarded afterwards.
func catchSignals() caught {
	c := make(caught, 16)
	signal.Notify(c, append(keyboard, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)...)
	return c
}

func (c caught) stop() {
	signal.Stop(c)
	close(c)
}

// forward passes signals on, except those that a terminal has already sent to everybody.
func (c caught) forward(to *os.Process) {
	for s := range c {
		if slices.Contains(keyboard, s) && inForeground() {
			continue
		}
		_ = to.Signal(s) // it may have ended
	}
}

// inForeground reports whether this process belongs to its terminal's foreground process group.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, tty.Fd(), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0 && int(group) == syscall.Getpgrp()
}
