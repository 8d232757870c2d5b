// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"

	"golang.org/x/sys/unix"
)

// maxSettingsDirs bounds how many directories of settings are kept open: six for a namespace.
const maxSettingsDirs = 8192

// settingsDirs keeps the directories of namespaces' settings open from one session to the next. All
// namespaces of a machine have a directory ipv4 below the one directory /proc/sys/net, and the kernel
// goes through them one by one to find this namespace's: with a thousand of them that took longer
// than all the rest of a look at a namespace.
//
// Unlike a socket such a directory does not keep its namespace alive. Once the namespace has ended,
// nothing is found in it any more. It is safe for concurrent use.
type settingsDirs struct {
	// most is how many may be open.
	most int

	mu sync.Mutex
	// open are the directories by namespace.
	open  map[string]keptDirs
	count int
}

// keptDirs are the directories of one network namespace.
type keptDirs struct {
	// owner is the cookie of the network namespace.
	owner uint64
	// dirs are by their path below /proc/sys/net.
	dirs map[string]int
}

func newSettingsDirs() *settingsDirs {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		files.Cur = 0
	}
	return &settingsDirs{most: int(min(maxSettingsDirs, files.Cur/4)), open: map[string]keptDirs{}}
}

// copy returns a file of its own for a directory that is kept: nobody can close it under the caller.
// What was kept of another network namespace with the same name is no answer.
func (s *settingsDirs) copy(namespace string, owner uint64, path string) (dir int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.open[namespace]
	if dir, ok = kept.dirs[path]; !ok || kept.owner != owner {
		return -1, false
	}
	dir, err := unix.FcntlInt(uintptr(dir), unix.F_DUPFD_CLOEXEC, 0)
	return dir, err == nil
}

// take keeps an open directory for later sessions and reports it, if it is not kept already and there is
// room. Without an owner nothing is kept.
func (s *settingsDirs) take(namespace string, owner uint64, path string, dir int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[namespace].owner != owner {
		s.drop(namespace)
	}
	if _, there := s.open[namespace].dirs[path]; there || owner == 0 || s.count >= s.most {
		return false
	}
	if s.open[namespace].dirs == nil {
		s.open[namespace] = keptDirs{owner, map[string]int{}}
	}
	s.open[namespace].dirs[path] = dir
	s.count++
	return true
}

// forget closes what is kept of a namespace that is not there any more.
func (s *settingsDirs) forget(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(namespace)
}

// drop needs the lock.
func (s *settingsDirs) drop(namespace string) {
	for _, dir := range s.open[namespace].dirs {
		unix.Close(dir) //nolint:errcheck // opened for reading
		s.count--
	}
	delete(s.open, namespace)
}
