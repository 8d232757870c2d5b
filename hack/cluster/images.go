// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// keepImage copies an image's tar to where nodes that are added later find it.
func (d directory) keepImage(file string) (kept string, err error) {
	source, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer source.Close()
	copied, err := os.CreateTemp(d.images(), ".*")
	if err != nil {
		return "", err
	}
	defer copied.Close()
	kept = filepath.Join(d.images(), filepath.Base(file))
	if _, err := io.Copy(copied, source); err != nil {
		return "", errors.Join(fmt.Errorf("copy %s: %w", file, err), os.Remove(copied.Name()))
	}
	return kept, os.Rename(copied.Name(), kept)
}

// importImage hands an image's tar to the containerd of the machine that has process pid.
func importImage(ctx context.Context, pid int, file string) error {
	// The socket is on the machine's own /run.
	socket := fmt.Sprintf("/proc/%d/root/run/containerd/containerd.sock", pid)
	ctr := exec.CommandContext(ctx, "ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", file)
	if output, err := ctr.CombinedOutput(); err != nil {
		return fmt.Errorf("import %s: %w: %s", file, err, output)
	}
	return nil
}

// imageName is the name that containerd gives to the first image of a Docker archive.
func imageName(file string) (string, error) {
	archive, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer archive.Close()
	manifest, err := find(tar.NewReader(archive), "manifest.json")
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	var images []struct{ RepoTags []string }
	if err := json.NewDecoder(manifest).Decode(&images); err != nil {
		return "", fmt.Errorf("read manifest.json of %s: %w", file, err)
	}
	if len(images) == 0 || len(images[0].RepoTags) == 0 {
		return "", fmt.Errorf("%s holds no image with a name", file)
	}
	return fullName(images[0].RepoTags[0]), nil
}

func find(archive *tar.Reader, name string) (io.Reader, error) {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("there is no %s in it", name)
		}
		if err != nil {
			return nil, err
		}
		if header.Name == name {
			return archive, nil
		}
	}
}

// fullName adds what a short name leaves out. The part before the first slash is a registry
// only if it looks like a host.
func fullName(name string) string {
	first, _, qualified := strings.Cut(name, "/")
	switch {
	case !qualified:
		return "docker.io/library/" + name
	case strings.ContainsAny(first, ".:") || first == "localhost":
		return name
	default:
		return "docker.io/" + name
	}
}
