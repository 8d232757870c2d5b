// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// maxRecord is more than the largest lab takes.
const maxRecord = 16 << 20

// openPlain opens a file under /run/netlab for which anything may lie there: it neither follows a symlink nor
// waits for the other end of a FIFO or for a device.
func openPlain(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0o644)
	if err != nil {
		return nil, notPlain(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notPlain(path, fs.ErrInvalid)
	}
	if err != nil {
		file.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return file, nil
}

// notPlain names what is at a path if it is no file; otherwise the error is that of opening it.
func notPlain(path string, err error) error {
	if found, lookErr := foundInstead(path); lookErr == nil && found != "" {
		return fmt.Errorf("%s is %s, not a file: remove it", path, found)
	}
	return err
}

// readPlain reads a file of at most so many bytes.
func readPlain(path string, most int64) ([]byte, error) {
	file, err := openPlain(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("%s is larger than %d MiB: remove it", path, most>>20)
	}
	return content, err
}

// writePlain writes a new file. What is left there of an earlier one is removed first.
func writePlain(path string, content []byte) error {
	if err := ignoreMissing(os.Remove(path)); err != nil {
		return err
	}
	file, err := openPlain(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}
