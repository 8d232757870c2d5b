// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Phases of a run, in their order.
const (
	phaseBuild    = "build"
	phaseCompare  = "compare"
	phaseEdit     = "edit"
	phaseRepair   = "repair"
	phaseStorm    = "repair in a storm"
	phaseTearDown = "tear-down"
)

// cost is what one phase took.
type cost struct {
	Wall, CPU time.Duration
}

// result is what one process measured.
type result struct {
	Phases           map[string]cost
	Namespaces, Labs int
	// CompileAndDiff is what computing the plan took, of a contender that does.
	CompileAndDiff time.Duration
	// Observing and Applying are what these took of the build, of a contender that does both.
	Observing, Applying time.Duration
	// Peak is the largest memory of a process, in bytes; Kernel what the kernel holds for the lab.
	Peak, Kernel int64
	// Watching is the resident memory of a process that has compared everything and waits for changes.
	Watching int64
	// others is the CPU time of processes that still run.
	others func() time.Duration
}

// markDir does not exist: looking for a file in it leaves a line in a trace.
const markDir = "/netlab-bench/"

// timed runs a phase and notes what it took.
func (r *result) timed(phase string, do func() error) error {
	os.Stat(markDir + phase) //nolint:errcheck // only the call matters
	cpu, start := r.usedCPU(), time.Now()
	err := do()
	r.Phases[phase] = cost{Wall: time.Since(start), CPU: r.usedCPU() - cpu}
	os.Stat(markDir + "end") //nolint:errcheck // only the call matters
	if err != nil {
		return fmt.Errorf("%s: %w", phase, err)
	}
	return nil
}

// usedCPU is the time of this process, of its children that ended, and of the given other processes.
func (r *result) usedCPU() time.Duration {
	var sum time.Duration
	if r.others != nil {
		sum = r.others()
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

// peak is the largest resident set that this process or one of its children had.
func peak() int64 {
	var most int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			most = max(most, u.Maxrss<<10)
		}
	}
	return most
}

// resident is the memory that this process has now.
func resident() (int64, error) {
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, pages int64
	_, err = fmt.Sscan(string(content), &size, &pages)
	return pages * int64(os.Getpagesize()), err
}

// kernelMemory is what the kernel has for itself. Others on the machine change it too.
func kernelMemory() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	var sum int64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kilobytes int64
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch key {
		case "Slab", "Percpu", "KernelStack", "PageTables", "VmallocUsed":
			if _, err := fmt.Sscan(value, &kilobytes); err == nil {
				sum += kilobytes << 10
			}
		}
	}
	return sum
}

// cpuOf is the CPU time of another process and of its children that ended; 0 when it has ended.
func cpuOf(pid int) time.Duration {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(after)
	const userTime, ticks = 11, 100 // of proc_pid_stat(5); USER_HZ
	if len(fields) < userTime+4 {
		return 0
	}
	var sum time.Duration
	for _, field := range fields[userTime : userTime+4] {
		n, _ := strconv.Atoi(field)
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}
