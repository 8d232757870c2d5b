// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// A crash while a record is written leaves the one before as it was, and nothing that the
// lab's deletion does not take away.
func TestARecordIsWrittenAsAWholeOrNotAtAll(t *testing.T) {
	k := newKernel(t, Options{})
	if err := k.SaveRecord(tutorial, []byte("first")); err != nil {
		t.Fatal(err)
	}
	path := recordDir + "/default.routed-pair.json"
	write(t, unfinished(path), "sec")
	if got, err := k.LoadRecord(tutorial); err != nil || string(got) != "first" {
		t.Errorf("after a crash: %q, %v", got, err)
	}
	if labs, err := k.Records(); err != nil || len(labs) != 1 {
		t.Errorf("records of %v, %v", labs, err)
	}
	if err := k.DeleteRecord(tutorial); err != nil {
		t.Fatal(err)
	}
	if _, err := k.LoadRecord(tutorial); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after deleting: %v", err)
	}
	if left, err := os.ReadDir(recordDir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
