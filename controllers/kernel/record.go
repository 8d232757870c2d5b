// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

const recordSuffix = ".json"

// SaveRecord keeps what a caller wants to know of a lab as long as this machine runs. It
// replaces an earlier record as a whole or not at all.
func (k *Kernel) SaveRecord(id state.Identity, record []byte) error {
	path, err := labPath(recordDir, id, recordSuffix)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(recordDir, 0o755); err != nil {
		return err
	}
	err = writePlain(unfinished(path), record)
	if err == nil {
		err = os.Rename(unfinished(path), path)
	}
	if err != nil {
		return fmt.Errorf("save the record of %s: %w", id, err)
	}
	return nil
}

// unfinished is the name of a record until all of it is written. It is a fixed one, so that
// what a crash leaves is overwritten by the next SaveRecord or removed by DeleteRecord.
func unfinished(path string) string { return path + ".unfinished" }

// LoadRecord returns what SaveRecord kept; the error is fs.ErrNotExist if that is nothing.
func (k *Kernel) LoadRecord(id state.Identity) ([]byte, error) {
	path, err := labPath(recordDir, id, recordSuffix)
	if err != nil {
		return nil, err
	}
	return readPlain(path, maxRecord)
}

// DeleteRecord forgets what SaveRecord kept, if anything.
func (k *Kernel) DeleteRecord(id state.Identity) error {
	path, err := labPath(recordDir, id, recordSuffix)
	if err != nil {
		return err
	}
	return errors.Join(ignoreMissing(os.Remove(unfinished(path))), ignoreMissing(os.Remove(path)))
}

// Records lists the labs that have a record, sorted by namespace and name. A record does
// not say who owns the lab: Owner is empty.
func (k *Kernel) Records() ([]state.Identity, error) {
	entries, err := os.ReadDir(recordDir)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	labs := map[state.Identity]bool{}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), recordSuffix)
		namespace, lab, isPair := strings.Cut(name, ".")
		if id := (state.Identity{Namespace: namespace, Name: lab}); ok && isPair && checkName(id.NetworkNamespace("x")) == nil {
			labs[id] = true
		}
	}
	return sortedLabs(labs), nil
}

// labPath is a lab's file in a directory. Names no lab can have are refused.
func labPath(dir string, id state.Identity, suffix string) (string, error) {
	if err := checkName(id.NetworkNamespace("x")); err != nil {
		return "", fmt.Errorf("%q is not the name of a lab", id)
	}
	return dir + "/" + id.Namespace + "." + id.Name + suffix, nil
}
