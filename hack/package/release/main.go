// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/mod/semver"
)

// home is where sources and releases are.
const home = "https://github.com/netlab-dev/netlab"

// release is a version and where its parts come from and go.
type release struct {
	root, out         string
	version, registry string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, parts := parse(flag.CommandLine, os.Args[1:])
	if err := r.make(ctx, parts); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func parse(flags *flag.FlagSet, args []string) (release, []string) {
	var r release
	flags.StringVar(&r.root, "root", "../../..", "the root of the repository")
	flags.StringVar(&r.out, "out", "../../../bin/release", "where the files go")
	flags.StringVar(&r.version, "version", "dev", "the version, and the images' tag")
	flags.StringVar(&r.registry, "registry", "ghcr.io/netlab-dev", "where the images are; empty for images that are only on the nodes")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: release [flags] [install] [chart] [plugin]   (default: all)")
		flags.PrintDefaults()
	}
	_ = flags.Parse(args) // flag.CommandLine exits by itself
	return r, flags.Args()
}

// make makes the parts that are named, or all.
func (r release) make(ctx context.Context, parts []string) error {
	if len(parts) == 0 {
		parts = []string{"install", "chart", "plugin"}
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	for _, part := range parts {
		if err := r.part(ctx, part); err != nil {
			return fmt.Errorf("make %s: %w", part, err)
		}
	}
	return nil
}

func (r release) part(ctx context.Context, name string) error {
	switch name {
	case "install":
		return r.install()
	case "chart":
		path, err := r.chart()
		if err == nil {
			fmt.Println(filepath.Clean(path))
		}
		return err
	case "plugin":
		return r.plugin(ctx)
	default:
		return fmt.Errorf("there is no such part; there are install, chart and plugin")
	}
}

// semver is the version as Helm and Krew want it, with a v. What is no release, such as a
// commit's name, comes before every release.
func (r release) semver() string {
	if semver.IsValid(r.version) && strings.Count(r.version, ".") >= 2 {
		return r.version
	}
	return "v0.0.0-build." + strings.Map(func(c rune) rune {
		if strings.ContainsRune("._+", c) {
			return '-'
		}
		return c
	}, "g"+r.version)
}
