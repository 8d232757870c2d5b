// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/netlab-dev/netlab/controllers/capture"
)

// captureTo records into a file, or one after the other. It leaves no new file, and an old one as it was, where
// there is nothing to write.
func (a *app) captureTo(ctx context.Context, f captureFlags, record func(context.Context, io.Writer) (capture.Summary, error)) (capture.Summary, error) {
	switch f.write {
	case "":
		return record(ctx, io.Discard)
	case "-":
		return record(ctx, a.out)
	}
	files := &captureFiles{path: f.write, rotate: f.size > 0, keep: f.files}
	if err := files.openFirst(); err != nil {
		return capture.Summary{}, err
	}
	rotator := capture.NewRotator(f.size, files.next)
	summary, err := record(ctx, rotator)
	return summary, errors.Join(err, rotator.Close(), files.close())
}

// captureFiles are those of one capture.
type captureFiles struct {
	path   string
	rotate bool
	// keep is how many are kept; 0 means all.
	keep  int
	first *captureFile
}

// openFirst finds out whether the file can be written before the capture begins.
func (f *captureFiles) openFirst() (err error) {
	f.first, err = openCaptureFile(f.name(1))
	return err
}

// name has the number in front of the extension.
func (f *captureFiles) name(number int) string {
	if !f.rotate {
		return f.path
	}
	extension := filepath.Ext(f.path)
	return fmt.Sprintf("%s-%05d%s", strings.TrimSuffix(f.path, extension), number, extension)
}

func (f *captureFiles) next(number int) (io.WriteCloser, error) {
	if number == 1 {
		return f.first, nil
	}
	if old := number - f.keep; f.keep > 0 && old > 0 {
		if err := os.Remove(f.name(old)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return openCaptureFile(f.name(number))
}

// close closes the first file if nothing was written.
func (f *captureFiles) close() error {
	if f.first.written {
		return nil
	}
	return f.first.Close()
}

// captureFile is a file that is truncated when there is something to write.
type captureFile struct {
	file    *os.File
	created bool
	written bool
	// regular files can be truncated; pipes and devices cannot. size is that of what was written.
	regular bool
	size    int64
}

func openCaptureFile(path string) (*captureFile, error) {
	_, err := os.Stat(path)
	created := errors.Is(err, os.ErrNotExist)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("write the capture: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &captureFile{file: file, created: created, regular: info.Mode().IsRegular()}, nil
}

// Write writes whole blocks. If there is no room for all of them, it leaves those from earlier calls.
func (f *captureFile) Write(b []byte) (int, error) {
	if err := f.begin(); err != nil {
		return 0, err
	}
	n, err := f.file.Write(b)
	if err != nil && f.regular {
		err = errors.Join(err, f.file.Truncate(f.size))
	}
	f.size += int64(n)
	return n, err
}

func (f *captureFile) begin() error {
	if f.written {
		return nil
	}
	f.written = true
	if !f.regular {
		return nil
	}
	return f.file.Truncate(0)
}

// Close removes a new file without content.
func (f *captureFile) Close() error {
	err := f.file.Close()
	if f.created && !f.written {
		err = errors.Join(err, os.Remove(f.file.Name()))
	}
	return err
}
