// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is a file, directory or symlink of an image, owned by root.
type entry struct {
	path   string // without a leading slash
	mode   int64
	source string // of a file: where it is here
	target string // of a symlink
}

// program is an image's only file, in the root directory.
func program(name, source string) []entry {
	return []entry{{path: name, mode: 0o755, source: source}}
}

// layer packs entries, sorted by path so that directories precede what is in them.
func layer(entries []entry, modified time.Time) (v1.Layer, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	for _, e := range entries {
		if err := e.write(w, modified); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

func (e entry) write(w *tar.Writer, modified time.Time) error {
	header := &tar.Header{Name: e.path, Mode: e.mode, ModTime: modified, Format: tar.FormatPAX}
	var content []byte
	switch {
	case e.target != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.target, 0o777
	case e.source != "":
		var err error
		if content, err = os.ReadFile(e.source); err != nil {
			return err
		}
		header.Typeflag, header.Size = tar.TypeReg, int64(len(content))
	default:
		header.Typeflag, header.Name = tar.TypeDir, e.path+"/"
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}
