// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A run that fails for lack of memory reports that, and the memory of each process, in every phase.
func TestARunEndsBeforeTheMemoryDoes(t *testing.T) {
	for _, c := range []struct {
		name string
		left []int64
		ends bool
	}{
		{"enough", []int64{9 << 30, 2 << 30, 1 << 30}, false},
		{"too little", []int64{9 << 30, 1<<30 - 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks := len(c.left) + 1
				ctx, end := context.WithCancelCause(t.Context())
				defer end(nil)
				go guardMemory(ctx, end, func() (left int64, err error) {
					left = c.left[0]
					c.left = c.left[min(1, len(c.left)-1):]
					return left, nil
				}, func() takers { return takers{apiServer: usage{peak: 12e9}} })
				for range looks {
					synctest.Wait()
					time.Sleep(memoryLook)
				}
				err := ended(ctx)
				if ends := err != nil; ends != c.ends {
					t.Fatalf("ended: %v", err)
				}
				if c.ends && (!strings.Contains(err.Error(), "API server 12.0 GB") || !strings.Contains(err.Error(), "fewer nodes or labs")) {
					t.Errorf("it says %q", err)
				}
			})
		})
	}
}

// The files in /proc are read as the kernel writes them.
func TestWhatAProcessTakes(t *testing.T) {
	taken, err := usageOf(os.Getpid())
	left, errLeft := available()
	if err := errors.Join(err, errLeft); err != nil || taken.peak < 1<<20 || left < 1<<20 {
		t.Errorf("this process takes %+v, %d bytes are left: %v", taken, left, err)
	}
	if _, err := kibibytes("MemTotal: 8 kB\n", "MemAvailable:"); err == nil {
		t.Error("a line that is not there was read")
	}
}
