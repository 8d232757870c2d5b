// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc, the same on every Linux.
const clockTick = 10 * time.Millisecond

// usage is what a process has taken so far.
type usage struct {
	cpu time.Duration
	// peak is of resident memory, in bytes.
	peak int64
}

// usageOf reads what a process has taken.
func usageOf(pid int) (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return usage{}, fmt.Errorf("read what a process takes: %w", err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return usage{}, fmt.Errorf("read what a process takes: %w", err)
	}
	// What follows the program's name, which may hold spaces, begins with field 3.
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return usage{}, fmt.Errorf("read what a process takes: %s/stat has too few fields", dir)
	}
	user, _ := strconv.ParseInt(fields[14-3], 10, 64)
	system, _ := strconv.ParseInt(fields[15-3], 10, 64)
	peak, err := kibibytes(string(status), "VmHWM:")
	return usage{cpu: time.Duration(user+system) * clockTick, peak: peak}, err
}

// kibibytes finds a line of /proc that gives so many kB, and returns bytes.
func kibibytes(text, name string) (int64, error) {
	_, after, _ := strings.Cut("\n"+text, "\n"+name)
	figure, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kib, err := strconv.ParseInt(figure, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s %w", name, err)
	}
	return kib << 10, nil
}

// programUsage is what the program of that name has taken. Only processes of the sandbox are seen.
func programUsage(name string) (usage, error) {
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return usage{}, err
	}
	for _, path := range names {
		comm, _ := os.ReadFile(path) // it may have ended
		if strings.TrimSpace(string(comm)) != name {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return usage{}, err
		}
		return usageOf(pid)
	}
	return usage{}, fmt.Errorf("read what %s takes: it does not run", name)
}

// takers are what shares the machine, in the order of the table.
type takers struct {
	apiServer, etcd, controller, agents usage
}

func (c *apiServer) takers() (t takers, err error) {
	if t.apiServer, err = programUsage("kube-apiserver"); err != nil {
		return t, err
	}
	if t.etcd, err = programUsage("etcd"); err != nil {
		return t, err
	}
	t.controller, _ = c.controller.taken()
	t.agents, err = usageOf(os.Getpid())
	return t, err
}

func (t takers) String() string {
	return fmt.Sprintf("API server %s, etcd %s, controller %s, simulated agents %s",
		size(int(t.apiServer.peak)), size(int(t.etcd.peak)), size(int(t.controller.peak)), size(int(t.agents.peak)))
}
