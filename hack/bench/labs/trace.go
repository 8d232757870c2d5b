// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"io"
	"strings"
)

// countCalls counts the system calls of a trace by phase, without those of the Go runtime for
// itself. A call that was interrupted by another thread's is two lines, of which the second one does
// not count.
func countCalls(trace io.Reader) (map[string]int, error) {
	calls := map[string]int{}
	phase := "end"
	lines := bufio.NewScanner(trace)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if _, after, ok := strings.Cut(line, `"`+markDir); ok {
			phase, _, _ = strings.Cut(after, `"`)
			continue
		}
		if name := callOf(line); name != "" && !runtimeCalls[name] {
			calls[phase]++
		}
	}
	delete(calls, "end")
	return calls, lines.Err()
}

// callOf is the name of the call in a line "PID name(arguments) = result"; empty if none begins
// there. While another has the lock of the kernel's network configuration, some settings are
// written over and over, by the kernel itself; only the last time counts.
func callOf(line string) string {
	before, _, ok := strings.Cut(line, "(")
	if fields := strings.Fields(before); ok && len(fields) == 2 && !strings.Contains(line, "resumed>") && !strings.Contains(line, "ERESTARTNOINTR") {
		return fields[1]
	}
	return ""
}

// runtimeCalls are what the Go runtime does for itself, the more of them the slower strace is.
var runtimeCalls = map[string]bool{
	"futex": true, "nanosleep": true, "epoll_pwait": true, "sched_yield": true, "tgkill": true, "getpid": true,
	"rt_sigreturn": true, "rt_sigprocmask": true, "madvise": true, "mmap": true, "munmap": true, "restart_syscall": true,
}
