// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test program itself is process 1 of the new process namespace.
func TestMain(m *testing.M) {
	if os.Getpid() == 1 {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestItEndsWhenToldAndReapsOrphans(t *testing.T) {
	pause := exec.Command("/proc/self/exe")
	pause.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := pause.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pause.Process.Pid
	waitFor(t, "it to be a program of its own", func() bool { return listens(pid) })
	// Shells in its namespace leave children behind, which end a moment later.
	for range 20 {
		shell := exec.Command("nsenter", "--target", fmt.Sprint(pid), "--user", "--preserve-credentials", "--pid", "sh", "-c", "(sleep 0.02 &)")
		if out, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	waitFor(t, "every orphan to be reaped", func() bool { return children(t, pid) == "" })
	if err := pause.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := pause.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// listens: process 1 only gets the signals it handles.
func listens(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	var caught uint64
	for line := range strings.Lines(string(status)) {
		if mask, ok := strings.CutPrefix(line, "SigCgt:"); ok {
			fmt.Sscanf(strings.TrimSpace(mask), "%x", &caught)
		}
	}
	return caught&(1<<(syscall.SIGTERM-1)) != 0
}

// children lists the processes whose parent it is, ended ones included.
func children(t *testing.T, pid int) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=,stat=,comm=", "--ppid", fmt.Sprint(pid)).Output()
	if err != nil && len(out) > 0 {
		t.Fatal(err)
	}
	return string(out)
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}
