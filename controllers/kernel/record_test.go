// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
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

// Whatever lies where a record, what is left of one, or a lock belongs: nothing waits for it, the error names it,
// and what can be removed goes with the record.
func TestWhatIsNoFileKeepsNobodyWaiting(t *testing.T) {
	for name, put := range map[string]string{
		"a FIFO":              "mkfifo PATH",
		"a symlink to a FIFO": "mkfifo PATH.fifo && ln -s PATH.fifo PATH",
		"a symlink":           "ln -s /etc/hostname PATH",
		"a directory":         "mkdir PATH",
		"a socket":            "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"PATH\")'",
		"a huge file":         "truncate -s 1G PATH",
		"a full one":          "head -c 17M /dev/zero >PATH",
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, Options{})
			t.Cleanup(func() { sh(t, "rm -rf "+recordDir+"/* "+lockDir+"/*") })
			record := recordDir + "/default.routed-pair.json"
			sh(t, strings.ReplaceAll(put, "PATH", record))
			if _, err := k.LoadRecord(tutorial); err == nil || !strings.Contains(err.Error(), record+" is ") {
				t.Errorf("LoadRecord: %v", err)
			}
			if err := k.DeleteRecord(tutorial); err != nil {
				t.Errorf("DeleteRecord: %v", err)
			}
			sh(t, strings.ReplaceAll(put, "PATH", unfinished(record)))
			if err := k.SaveRecord(tutorial, []byte("new")); err != nil {
				t.Errorf("SaveRecord: %v", err)
			}
			if got, err := k.LoadRecord(tutorial); err != nil || string(got) != "new" {
				t.Errorf("after SaveRecord: %q, %v", got, err)
			}
			sh(t, strings.ReplaceAll(put, "PATH", lockDir+"/default.routed-pair.lock"))
			unlock, err := k.Lock(tutorial)
			if isFile := strings.Contains(name, "file") || strings.Contains(name, "full"); isFile == (err != nil) {
				t.Errorf("Lock: %v", err)
			}
			if err == nil {
				unlock()
			}
		})
	}
}

// On a read-only /run labs can be looked at. What has to write says why it cannot.
func TestAReadOnlyRun(t *testing.T) {
	k := newKernel(t, Options{Symlinks: true})
	perform(t, k, create(ns1), symlink(ns1), loUp(ns1))
	for _, without := range []string{"", "umount " + NamespaceDir + "/*; rm -rf " + BaseDir + "/*; umount " + NamespaceDir + "; rm -rf " + BaseDir} {
		sh(t, without)
		sh(t, "mount -o remount,bind,ro /run 2>/dev/null || mount --bind /run /run && mount -o remount,bind,ro /run")
		readOnly, err := New(Options{Symlinks: true})
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		labs, err := readOnly.Labs(t.Context())
		if want := without == ""; err != nil || len(labs) > 0 != want {
			t.Errorf("Labs: %v, %v", labs, err)
		}
		if _, err := readOnly.Observe(t.Context(), tutorial, state.State{}); err != nil {
			t.Errorf("Observe: %v", err)
		}
		if _, err := readOnly.Lock(tutorial); !errors.Is(err, unix.EROFS) {
			t.Errorf("Lock: %v", err)
		}
		if err := readOnly.SaveRecord(tutorial, nil); !errors.Is(err, unix.EROFS) {
			t.Errorf("SaveRecord: %v", err)
		}
		if err := readOnly.Cleanup(); err != nil {
			t.Errorf("Cleanup: %v", err)
		}
		sh(t, "mount -o remount,bind,rw /run")
	}
}
