// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// effort is how much processor time programs have taken, on all nodes together.
type effort struct {
	at      time.Time
	machine time.Duration            // of all processes, the kernel's threads included
	of      map[string]time.Duration // by name, of which the kernel has the first 15 bytes
}

// toldPrograms are those whose effort is printed.
var toldPrograms = []string{"netlab-agent", "netlab-controller"[:15], "kube-apiserver", "etcd", "stories"}

func effortNow() effort {
	e := effort{at: time.Now(), of: map[string]time.Duration{}}
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		if i >= 1 && i <= 3 || i == 6 || i == 7 { // user, nice, system, irq, softirq; see proc(5)
			e.machine += ticks(field)
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file) // of a program that has ended there is nothing
		_, rest, _ := strings.Cut(string(text), "(")
		name, rest, _ := strings.Cut(rest, ") ")
		if fields := strings.Fields(rest); len(fields) > 12 {
			e.of[name] += ticks(fields[11]) + ticks(fields[12]) // utime, stime
		}
	}
	return e
}

// ticks reads a time of /proc, in hundredths of a second (USER_HZ).
func ticks(field string) time.Duration {
	n, _ := strconv.ParseInt(field, 10, 64)
	return time.Duration(n) * 10 * time.Millisecond
}

// since tells what was taken after an earlier time.
func (e effort) since(earlier effort) string {
	var parts []string
	for _, name := range toldPrograms {
		parts = append(parts, fmt.Sprintf("%s %.1f s", name, (e.of[name]-earlier.of[name]).Seconds()))
	}
	wall := e.at.Sub(earlier.at) * time.Duration(runtime.NumCPU())
	return fmt.Sprintf("processors busy for %.1f of %.1f s, by %s", (e.machine - earlier.machine).Seconds(), wall.Seconds(), strings.Join(parts, ", "))
}
