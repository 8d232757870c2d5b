// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	root, out, version, registry, images, arches, busybox string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parse(flag.CommandLine, os.Args[1:])); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func parse(flags *flag.FlagSet, args []string) options {
	var o options
	flags.StringVar(&o.root, "root", "../../..", "the root of the repository")
	flags.StringVar(&o.out, "out", "../../../bin/images", "where the archives go")
	flags.StringVar(&o.version, "version", "dev", "what the programs say of themselves, and the tag")
	flags.StringVar(&o.registry, "registry", "", "what the names begin with: ghcr.io/netlab-dev gives ghcr.io/netlab-dev/netlab-agent")
	flags.StringVar(&o.images, "images", everyName(), "which images")
	flags.StringVar(&o.arches, "arch", "amd64,arm64", "for which architectures (toolbox: always that of busybox)")
	flags.StringVar(&o.busybox, "busybox", "/bin/busybox", "the static busybox of the toolbox")
	_ = flags.Parse(args) // flag.CommandLine exits by itself
	return o
}

func run(ctx context.Context, o options) error {
	chosen, err := choose(o.images)
	if err != nil {
		return err
	}
	b, err := newBuilder(o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for _, d := range chosen {
		images, err := b.build(ctx, d)
		if err != nil {
			return err
		}
		if err := b.save(o, d, images); err != nil {
			return err
		}
	}
	return nil
}

func newBuilder(o options) (*builder, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	created, err := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "netlab-image-")
	return &builder{
		root: root, work: work, version: o.version, created: created, busybox: o.busybox,
		arches: strings.Split(o.arches, ","),
	}, err
}

// sourceDate reads what https://reproducible-builds.org/docs/source-date-epoch describes.
func sourceDate(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is no number of seconds: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// save writes the archives and bills of materials and says which.
func (b *builder) save(o options, d description, images []built) error {
	name := d.name + ":" + b.version
	if o.registry != "" {
		name = o.registry + "/" + name
	}
	for _, i := range images {
		base := filepath.Join(o.out, d.name+"-"+i.arch)
		if err := writeImage(base+".tar", name, i.image, b.created); err != nil {
			return err
		}
		bom, err := materials(d, b.version, i.program)
		if err != nil {
			return err
		}
		if err := writeMaterials(base+".cdx.json", bom); err != nil {
			return err
		}
		report(base+".tar", name, i.image)
	}
	if !d.shared || len(images) == 1 {
		return nil
	}
	path := filepath.Join(o.out, d.name+".tar")
	index := allArches(images)
	report(path, name, index)
	return writeIndex(path, name, index, b.created)
}

func report(path, name string, m manifest) {
	digest, _ := m.Digest() // computed before
	fmt.Printf("%s\t%s@%s\n", path, name, digest)
}
