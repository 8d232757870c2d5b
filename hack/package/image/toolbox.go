// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os/exec"
	"strings"
)

// busyboxArch is the architecture a busybox was built for, in Go's words; that is the only one
// its image can be made for.
func busyboxArch(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("the toolbox needs a static busybox (Debian: busybox-static): %w", err)
	}
	defer file.Close()
	switch file.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	default:
		return "", fmt.Errorf("%s is for %s; images are for amd64 and arm64", path, file.Machine)
	}
}

// toolbox is a busybox and a symlink for each of its commands.
func toolbox(ctx context.Context, busybox string) ([]entry, error) {
	if err := checkStatic(busybox); err != nil {
		return nil, err
	}
	list, err := exec.CommandContext(ctx, busybox, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", busybox, err)
	}
	entries := []entry{
		{path: "bin", mode: 0o755},
		{path: "bin/busybox", mode: 0o755, source: busybox},
		{path: "root", mode: 0o700},
		{path: "tmp", mode: 0o1777},
	}
	for command := range strings.FieldsSeq(string(list)) {
		if command != "busybox" {
			entries = append(entries, entry{path: "bin/" + command, target: "busybox"})
		}
	}
	return entries, nil
}
