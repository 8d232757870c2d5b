// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever opens a lab's namespaces does not wait for room for them.
func TestThereIsRoomForFiles(t *testing.T) {
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &most); err != nil {
		t.Fatal(err)
	}
	newKernel(t, Options{})
	eventually(t, "there is room", func() bool { return room(t) >= int(min(most.Cur, roomForFiles)) })
}

// room is how many files the process may open before the kernel makes room for more.
func room(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "FDSize:")
	n, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(after, "\n", 2)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
