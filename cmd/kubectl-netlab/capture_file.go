// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/netlab-dev/netlab/controllers/capture"
)

// captureTo records into a file. It leaves no new file, and an old one as it was, where there is nothing to
// write.
func (a *app) captureTo(ctx context.Context, path string, record func(context.Context, io.Writer) (capture.Summary, error)) (capture.Summary, error) {
	switch path {
	case "":
		return record(ctx, io.Discard)
	case "-":
		return record(ctx, a.out)
	}
	file, err := openCaptureFile(path)
	if err != nil {
		return capture.Summary{}, err
	}
	summary, err := record(ctx, file)
	return summary, errors.Join(err, file.close())
}

// captureFile is a file that is truncated when there is something to write.
type captureFile struct {
	*os.File
	path    string
	created bool
	written bool
}

func openCaptureFile(path string) (*captureFile, error) {
	_, err := os.Stat(path)
	created := errors.Is(err, os.ErrNotExist)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("write the capture: %w", err)
	}
	return &captureFile{File: file, path: path, created: created}, nil
}

func (f *captureFile) Write(b []byte) (int, error) {
	if !f.written {
		f.written = true
		if err := f.truncate(); err != nil {
			return 0, err
		}
	}
	return f.File.Write(b)
}

// truncate does nothing for pipes and devices.
func (f *captureFile) truncate() error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return f.Truncate(0)
}

func (f *captureFile) close() error {
	err := f.Close()
	if f.created && !f.written {
		err = errors.Join(err, os.Remove(f.path))
	}
	return err
}
