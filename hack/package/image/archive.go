// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// archive writes a tar that is an OCI layout and, for a single image, a Docker archive, too.
// Nothing is written twice: layers of the same digest appear once.
type archive struct {
	w        *tar.Writer
	modified time.Time
	written  map[v1.Hash]bool
}

// writeImage writes one image. The name is as users write it: NAME:TAG or REGISTRY/NAME:TAG.
func writeImage(path, name string, image v1.Image, modified time.Time) error {
	return writeArchive(path, modified, func(a *archive) error {
		if err := a.image(image); err != nil {
			return err
		}
		if err := a.layout(name, image); err != nil {
			return err
		}
		return a.dockerManifest(name, image)
	})
}

// writeIndex writes the images of all architectures. Docker archives cannot hold more than one.
func writeIndex(path, name string, index v1.ImageIndex, modified time.Time) error {
	return writeArchive(path, modified, func(a *archive) error {
		if err := a.index(index); err != nil {
			return err
		}
		return a.layout(name, index)
	})
}

func writeArchive(path string, modified time.Time, fill func(*archive) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	a := &archive{w: tar.NewWriter(file), modified: modified, written: map[v1.Hash]bool{}}
	if err := fill(a); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := a.w.Close(); err != nil {
		return err
	}
	return file.Close()
}

// index writes an index and the images it names.
func (a *archive) index(index v1.ImageIndex) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range manifest.Manifests {
		image, err := index.Image(d.Digest)
		if err != nil {
			return err
		}
		if err := a.image(image); err != nil {
			return err
		}
	}
	return a.raw(index)
}

// image writes an image's layers, configuration and manifest.
func (a *archive) image(image v1.Image) error {
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		if err := a.layer(l); err != nil {
			return err
		}
	}
	config, err := partial.ConfigLayer(image)
	if err != nil {
		return err
	}
	if err := a.layer(config); err != nil {
		return err
	}
	return a.raw(image)
}

func (a *archive) layer(l v1.Layer) error {
	digest, err := l.Digest()
	if err != nil {
		return err
	}
	content, err := l.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	return a.blob(digest, data)
}

// manifest is what an image and an index have in common.
type manifest interface {
	partial.Describable
	RawManifest() ([]byte, error)
}

func (a *archive) raw(m manifest) error {
	digest, err := m.Digest()
	if err != nil {
		return err
	}
	data, err := m.RawManifest()
	if err != nil {
		return err
	}
	return a.blob(digest, data)
}

func (a *archive) blob(digest v1.Hash, data []byte) error {
	if a.written[digest] {
		return nil
	}
	a.written[digest] = true
	return a.file(blobPath(digest), data)
}

func blobPath(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

func (a *archive) file(path string, data []byte) error {
	err := a.w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(data)), ModTime: a.modified, Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	_, err = a.w.Write(data)
	return err
}

func (a *archive) json(path string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return a.file(path, data)
}

// layout writes the two files that make the blobs an OCI layout. containerd takes the image's
// name from its own annotation, other tools the tag from OCI's.
func (a *archive) layout(name string, root manifest) error {
	named, err := normalize(name)
	if err != nil {
		return err
	}
	descriptor, err := partial.Descriptor(root)
	if err != nil {
		return err
	}
	descriptor.Annotations = map[string]string{
		"io.containerd.image.name":          named.String(),
		"org.opencontainers.image.ref.name": named.Tag(),
	}
	if err := a.json("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}); err != nil {
		return err
	}
	return a.json("index.json", v1.IndexManifest{
		SchemaVersion: 2,
		MediaType:     types.OCIImageIndex,
		Manifests:     []v1.Descriptor{*descriptor},
	})
}

// dockerManifest writes the file that makes the blobs a Docker archive.
func (a *archive) dockerManifest(name string, image v1.Image) error {
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	entry := struct {
		Config   string
		RepoTags []string
		Layers   []string
	}{Config: blobPath(manifest.Config.Digest), RepoTags: []string{name}}
	for _, l := range manifest.Layers {
		entry.Layers = append(entry.Layers, blobPath(l.Digest))
	}
	return a.json("manifest.json", []any{entry})
}

// normalize spells a name out as container runtimes do: docker.io/library/NAME:TAG.
func normalize(name string) (reference.NamedTagged, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, fmt.Errorf("the image name %q: %w", name, err)
	}
	tagged, ok := named.(reference.NamedTagged)
	if !ok {
		return nil, fmt.Errorf("the image name %q has no tag", name)
	}
	return tagged, nil
}
