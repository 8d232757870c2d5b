// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// builder makes images of one version.
type builder struct {
	root    string // of the repository
	work    string // where programs are built
	version string
	created time.Time
	busybox string
	arches  []string
}

// built is an image for one architecture.
type built struct {
	arch    string
	image   v1.Image
	program string // the file here that the image's program is
}

// build makes an image for every architecture it can be made for.
func (b *builder) build(ctx context.Context, d description) ([]built, error) {
	if d.name == busyboxImage {
		return b.buildToolbox(ctx, d)
	}
	var all []built
	for _, arch := range b.arches {
		binary, err := b.compile(ctx, d, arch)
		if err != nil {
			return nil, err
		}
		if err := checkStatic(binary); err != nil {
			return nil, err
		}
		config := v1.Config{User: d.user, Entrypoint: []string{"/" + d.name}}
		image, err := b.assemble(d, arch, config, program(d.name, binary))
		if err != nil {
			return nil, fmt.Errorf("assemble %s for %s: %w", d.name, arch, err)
		}
		all = append(all, built{arch, image, binary})
	}
	return all, nil
}

func (b *builder) buildToolbox(ctx context.Context, d description) ([]built, error) {
	arch, err := busyboxArch(b.busybox)
	if err != nil {
		return nil, err
	}
	if arch != runtime.GOARCH {
		return nil, fmt.Errorf("%s is for %s: its commands cannot be listed here", b.busybox, arch)
	}
	entries, err := toolbox(ctx, b.busybox)
	if err != nil {
		return nil, err
	}
	config := v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/bin", "HOME=/root"}}
	image, err := b.assemble(d, arch, config, entries)
	return []built{{arch, image, b.busybox}}, err
}

// assemble makes an image of a single layer.
func (b *builder) assemble(d description, arch string, config v1.Config, entries []entry) (v1.Image, error) {
	files, err := layer(entries, b.created)
	if err != nil {
		return nil, err
	}
	config.Labels = labels(d, b.version)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(base, &v1.ConfigFile{
		Architecture: arch,
		OS:           "linux",
		Created:      v1.Time{Time: b.created},
		Config:       config,
		RootFS:       v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{
		Layer:   files,
		History: v1.History{Created: v1.Time{Time: b.created}, CreatedBy: "hack/package/image"},
	})
}

// labels are the annotations of the OCI specification that registries show.
func labels(d description, version string) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       d.name,
		"org.opencontainers.image.description": d.title,
		"org.opencontainers.image.version":     version,
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.source":      "https://github.com/netlab-dev/netlab",
	}
}

// allArches is one index over the images of several architectures.
func allArches(images []built) v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        b.image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: b.arch}},
		})
	}
	return index
}
