// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const mountInfoFile = "/proc/self/mountinfo"

// longestMountLine is in bytes. An overlay file system names all its layers in one line.
const longestMountLine = 1 << 20

// Anywhere is the name that MountTable.Follow reports for the mounts that the directory itself lies on.
const Anywhere = ""

// MountTable notices mounts and unmounts on the files of a directory.
type MountTable struct {
	dir  string
	file *os.File
	conn syscall.RawConn
	seen mounts
}

// mounts are, by the file's name, the ids of the mounts on it and what they show.
type mounts map[string]string

// WatchMounts takes the first look, so that no change after it goes unnoticed. The file is
// polled, not read: the kernel wakes its pollers when a mount changes (EPOLLERR|EPOLLPRI
// besides an EPOLLIN that is always there).
func WatchMounts(dir string) (*MountTable, error) {
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
	seen, err := readMounts(dir)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &MountTable{dir: dir, file: file, conn: conn, seen: seen}, nil
}

// A look at 4,000 mounts takes milliseconds.
const (
	restPerLook = 4
	longestRest = 100 * time.Millisecond
)

// Close may be called more than once, and while Follow waits.
func (t *MountTable) Close() { _ = t.file.Close() }

// Follow calls report with the names that changed, again and again until the table is closed.
//
// It is one long Read: between two of them a wake-up would be lost, since the poller reports
// edges and a new Read forgets earlier ones.
//
// Each look reads the whole table, and a thousand labs that are built wake it thousands of times. So a look is followed
// by a pause in proportion; what changes meanwhile is seen at its end.
func (t *MountTable) Follow(report func(changed []string)) error {
	var failed error
	err := t.conn.Read(func(uintptr) (done bool) {
		var now mounts
		begun := time.Now()
		defer func() { time.Sleep(min(restPerLook*time.Since(begun), longestRest)) }()
		if now, failed = readMounts(t.dir); failed != nil {
			report([]string{Anywhere})
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

func readMounts(dir string) (mounts, error) {
	file, err := os.Open(mountInfoFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m := mounts{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, longestMountLine)
	for lines.Scan() {
		m.note(dir, lines.Text())
	}
	return m, lines.Err()
}

// note reads a line of proc_pid_mountinfo(5): id, parent, device, root, mount point, the rest.
func (m mounts) note(dir, line string) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) < 6 {
		return
	}
	point := fields[4]
	name, ok := strings.CutPrefix(point, dir+"/")
	if !ok {
		if !strings.HasPrefix(dir+"/", strings.TrimSuffix(point, "/")+"/") {
			return
		}
		name = Anywhere
	}
	m[strings.Clone(name)] += fields[0] + " " + fields[3] + "\n"
}

func (m mounts) changed(now mounts) []string {
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
