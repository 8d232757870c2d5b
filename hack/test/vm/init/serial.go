// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// tcsbrk waits, with an argument other than 0, until everything written has been sent (tcdrain).
const tcsbrk = 0x5409

// openRaw opens a serial line that passes bytes on as they are.
func openRaw(name string) (*os.File, error) {
	line, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	var settings syscall.Termios
	if err := control(line, syscall.TCGETS, uintptr(unsafe.Pointer(&settings))); err != nil {
		return nil, err
	}
	settings.Oflag &^= syscall.OPOST
	return line, control(line, syscall.TCSETS, uintptr(unsafe.Pointer(&settings)))
}

// drain waits until the line has sent what was written to it.
func drain(line *os.File) error { return control(line, tcsbrk, 1) }

func control(line *os.File, request, argument uintptr) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, line.Fd(), request, argument); errno != 0 {
		return fmt.Errorf("set up %s: %w", line.Name(), errno)
	}
	return nil
}
