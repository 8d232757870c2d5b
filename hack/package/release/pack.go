// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// packed is a file of an archive.
type packed struct {
	name    string
	mode    int64
	content []byte
}

// pack makes a tar.gz whose bytes depend on nothing but the files. Chart.yaml comes first, where
// Helm looks for it; the others are sorted.
func pack(files []packed) ([]byte, error) {
	slices.SortFunc(files, func(a, b packed) int {
		isChart := func(p packed) int { return strings.Count(p.name, "/Chart.yaml") }
		return cmp.Or(isChart(b)-isChart(a), strings.Compare(a.name, b.name))
	})
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := errors.Join(w.Close(), zipped.Close())
	return out.Bytes(), err
}

// packZip makes a zip whose bytes depend on nothing but the files.
func packZip(files []packed) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate} // without a time
		header.SetMode(fs.FileMode(f.mode))
		file, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
