// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// compile builds a static program and returns its path. -buildvcs=false and -trimpath keep the
// building machine out of it.
func (b *builder) compile(ctx context.Context, d description, arch string) (string, error) {
	out := filepath.Join(b.work, d.name+"-"+arch)
	// #nosec G204 -- the arguments come from the catalog
	cmd := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join(b.root, d.module),
		"-buildvcs=false", "-trimpath", "-ldflags", "-s -w -X main.version="+b.version, "-o", out, d.pkg)
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build %s for %s: %w", d.pkg, arch, err)
	}
	return out, nil
}

// checkStatic refuses what would need a loader or libraries, which the image does not have.
func checkStatic(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically; Debian has a static one in busybox-static", path)
		}
	}
	return nil
}
