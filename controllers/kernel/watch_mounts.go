// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const mountInfoFile = "/proc/self/mountinfo"

// mountTable notices namespaces that are mounted or unmounted under NamespaceDir.
type mountTable struct {
	file *os.File
	conn syscall.RawConn
	seen namespaceMounts
}

// namespaceMounts are, by name, what is mounted for a namespace: the mounts' ids and what they show.
// anywhere stands for the mounts that NamespaceDir lies on.
type namespaceMounts map[string]string

// openMountTable takes the first look, so that no change after it goes unnoticed. The file is
// polled, not read: the kernel wakes whoever polls it when a mount changes (EPOLLERR|EPOLLPRI
// beside an EPOLLIN that is always there).
func openMountTable() (*mountTable, error) {
	fd, err := openRetry(mountInfoFile, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", mountInfoFile, err)
	}
	file := os.NewFile(uintptr(fd), mountInfoFile)
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	seen, err := readNamespaceMounts()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &mountTable{file: file, conn: conn, seen: seen}, nil
}

// close may be called more than once, and while follow waits.
func (t *mountTable) close() { _ = t.file.Close() }

// follow calls report with the names that changed, again and again until the table is closed.
//
// It is one long Read: between two of them a wake-up would be lost, since the poller reports
// edges and a new Read forgets earlier ones.
func (t *mountTable) follow(report func(changed []string)) error {
	var failed error
	err := t.conn.Read(func(uintptr) (done bool) {
		var now namespaceMounts
		if now, failed = readNamespaceMounts(); failed != nil {
			report([]string{anywhere})
			return true
		}
		if changed := t.seen.changed(now); len(changed) > 0 {
			t.seen = now
			report(changed)
		}
		return false
	})
	return errors.Join(err, failed)
}

func readNamespaceMounts() (namespaceMounts, error) {
	content, err := os.ReadFile(mountInfoFile)
	if err != nil {
		return nil, err
	}
	m := namespaceMounts{}
	for line := range strings.Lines(string(content)) {
		m.note(line)
	}
	return m, nil
}

// note reads a line of proc_pid_mountinfo(5): id, parent, device, root, mount point, the rest.
func (m namespaceMounts) note(line string) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) < 6 {
		return
	}
	point := fields[4]
	name, ok := strings.CutPrefix(point, NamespaceDir+"/")
	if !ok {
		if !strings.HasPrefix(NamespaceDir+"/", strings.TrimSuffix(point, "/")+"/") {
			return
		}
		name = anywhere
	}
	m[name] += fields[0] + " " + fields[3] + "\n"
}

func (m namespaceMounts) changed(now namespaceMounts) []string {
	var names []string
	for name, was := range m {
		if now[name] != was {
			names = append(names, name)
		}
	}
	for name := range now {
		if _, known := m[name]; !known {
			names = append(names, name)
		}
	}
	return names
}
