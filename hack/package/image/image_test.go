// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// make writes images for this machine's architecture as the command line does.
func makeImages(t *testing.T, args ...string) string {
	t.Helper()
	out := t.TempDir()
	all := append([]string{"-out", out, "-version", "v1.2.3", "-arch", runtime.GOARCH}, args...)
	if err := run(t.Context(), parse(flag.NewFlagSet("image", flag.PanicOnError), all)); err != nil {
		t.Fatal(err)
	}
	return out
}

func archiveOf(dir, name string) string {
	return filepath.Join(dir, name+"-"+runtime.GOARCH+".tar")
}

func TestAnImageIsOneStaticProgram(t *testing.T) {
	dir := makeImages(t, "-images", "agent,controller,pause")
	for _, tc := range []struct{ name, user string }{
		{"netlab-agent", ""},
		{"netlab-controller", "65532:65532"},
		{"netlab-pause", "65532:65532"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			image := readDockerArchive(t, archiveOf(dir, tc.name))
			config := configOf(t, image)
			if config.Config.User != tc.user {
				t.Errorf("runs as %q, want %q", config.Config.User, tc.user)
			}
			if want := []string{"/" + tc.name}; !slices.Equal(config.Config.Entrypoint, want) {
				t.Errorf("runs %q, want %q", config.Config.Entrypoint, want)
			}
			if got := config.Config.Labels["org.opencontainers.image.version"]; got != "v1.2.3" {
				t.Errorf("says it is version %q", got)
			}
			files := filesOf(t, image)
			if len(files) != 1 || files[tc.name] == nil {
				t.Fatalf("holds %q, want only %s", names(files), tc.name)
			}
			if header := files[tc.name].header; header.Uid != 0 || header.Mode != 0o755 {
				t.Errorf("%s belongs to %d, mode %o", tc.name, header.Uid, header.Mode)
			}
		})
	}
}

func TestOneArchiveServesDockerAndOCI(t *testing.T) {
	path := archiveOf(makeImages(t, "-images", "pause", "-registry", "ghcr.io/someone"), "netlab-pause")
	docker, err := configOfName(readDockerArchive(t, path))
	if err != nil {
		t.Fatal(err)
	}
	index := readLayout(t, path)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if oci, err := configOfName(image); err != nil || oci != docker {
		t.Errorf("OCI: %s (%v), Docker: %s", oci, err, docker)
	}
	want := map[string]string{
		"io.containerd.image.name":          "ghcr.io/someone/netlab-pause:v1.2.3",
		"org.opencontainers.image.ref.name": "v1.2.3",
	}
	for key, name := range want {
		if got := manifest.Manifests[0].Annotations[key]; got != name {
			t.Errorf("%s is %q, want %q", key, got, name)
		}
	}
	tags, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil || !slices.Equal(tags[0].RepoTags, []string{"ghcr.io/someone/netlab-pause:v1.2.3"}) {
		t.Errorf("Docker's tags: %v (%v)", tags, err)
	}
}

// kubelets write short names out; containerd finds an image only under that name.
func TestAShortNameIsWrittenOut(t *testing.T) {
	path := archiveOf(makeImages(t, "-images", "pause"), "netlab-pause")
	manifest, err := readLayout(t, path).IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := manifest.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/library/netlab-pause:v1.2.3" {
		t.Errorf("containerd will call it %q", got)
	}
}

func TestTheSameSourceGivesTheSameBytes(t *testing.T) {
	first := sums(t, makeImages(t))
	t.Setenv("TMPDIR", t.TempDir())
	second := sums(t, makeImages(t))
	if len(first) != 8 {
		t.Errorf("%d files, want an archive and a bill of materials for each of 4 images", len(first))
	}
	for name, sum := range first {
		if second[name] != sum {
			t.Errorf("%s differs", name)
		}
	}
}

func TestBothArchitecturesInOneArchive(t *testing.T) {
	b, err := newBuilder(options{root: "../../..", version: "v1.2.3", arches: "amd64,arm64"})
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(b.work)
	pause, err := choose("pause")
	if err != nil {
		t.Fatal(err)
	}
	images, err := b.build(t.Context(), pause[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "both.tar")
	if err := writeIndex(path, "netlab-pause:v1.2.3", allArches(images), b.created); err != nil {
		t.Fatal(err)
	}
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for _, d := range nestedIndex(t, readLayout(t, path)) {
		want, known := machines[d.platform.Architecture]
		if got := machineOf(t, filesOf(t, d.image)["netlab-pause"]); !known || got != want {
			t.Errorf("%s: the program is for %s", d.platform, got)
		}
		delete(machines, d.platform.Architecture)
	}
	if len(machines) != 0 {
		t.Errorf("missing: %v", machines)
	}
}

func TestTheToolboxHasAShellAndItsPrograms(t *testing.T) {
	image := readDockerArchive(t, archiveOf(makeImages(t, "-images", "toolbox"), "netlab-toolbox"))
	files := filesOf(t, image)
	for _, program := range []string{"sh", "ip", "ping", "nc", "wget", "cat"} {
		link := files["bin/"+program]
		if link == nil || link.header.Linkname != "busybox" {
			t.Errorf("there is no %s", program)
		}
	}
}

func TestWhatCannotRunIsRefused(t *testing.T) {
	if err := checkStatic("/bin/ls"); err == nil || !strings.Contains(err.Error(), "dynamically") {
		t.Errorf("a dynamic program: %v", err)
	}
	if _, err := choose("agent,agnet"); err == nil || !strings.Contains(err.Error(), `"agnet"; there are agent,controller`) {
		t.Errorf("a wrong name: %v", err)
	}
	if _, err := sourceDate("yesterday"); err == nil {
		t.Error("SOURCE_DATE_EPOCH=yesterday was accepted")
	}
}

type file struct {
	header  *tar.Header
	content []byte
}

func readDockerArchive(t *testing.T, path string) v1.Image {
	t.Helper()
	image, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// readLayout unpacks an archive and reads it as an OCI layout.
func readLayout(t *testing.T, path string) v1.ImageIndex {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, file := range filesIn(t, f) {
		target := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, file.content, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

type platformImage struct {
	platform *v1.Platform
	image    v1.Image
}

// nestedIndex returns the images of the only index in a layout.
func nestedIndex(t *testing.T, outer v1.ImageIndex) []platformImage {
	t.Helper()
	manifest, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if manifest, err = inner.IndexManifest(); err != nil {
		t.Fatal(err)
	}
	var all []platformImage
	for _, d := range manifest.Manifests {
		image, err := inner.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, platformImage{d.Platform, image})
	}
	return all
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func configOfName(image v1.Image) (v1.Hash, error) { return image.ConfigName() }

// filesOf lists the files of an image's only layer.
func filesOf(t *testing.T, image v1.Image) map[string]*file {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers (%v), want 1", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	return filesIn(t, content)
}

func filesIn(t *testing.T, r io.Reader) map[string]*file {
	t.Helper()
	files := map[string]*file{}
	for reader := tar.NewReader(r); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name] != nil {
			t.Errorf("%s is there twice", header.Name)
		}
		files[header.Name] = &file{header, content}
	}
}

func names(files map[string]*file) []string {
	var all []string
	for name := range files {
		all = append(all, name)
	}
	return all
}

func machineOf(t *testing.T, program *file) elf.Machine {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(program.content))
	if err != nil {
		t.Fatal(err)
	}
	return f.Machine
}

func sums(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	all := map[string][sha256.Size]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = sha256.Sum256(content)
	}
	return all
}
