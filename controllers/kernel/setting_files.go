// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// At most this many files and directories of settings are kept open.
const (
	maxSettingFiles = 65536
	maxSettingDirs  = 8192
)

// settingFiles are the open files and directories of one namespace's settings.
type settingFiles struct {
	// cookie identifies the network namespace; 0 where the kernel has none.
	cookie uint64
	// files are by state.Setting; 0 for one that is not open. keep says that there is room for all of them
	// in the cache.
	files [len(state.NamespaceSettings{})]int32
	keep  bool
	// dirs are by their path below settingsDir; keptDirs of them count in the cache.
	dirs     map[string]int
	keptDirs int
}

// settingCache keeps the files of namespaces' settings open from one session to the next. Reading an open
// file is one system call instead of three, of which opening is the longest. Where there is no room for a
// namespace's files, its directories are kept: all namespaces of a machine have a directory ipv4 below the one
// directory /proc/sys/net, and the kernel goes through them one by one to find this namespace's.
//
// Unlike a socket such a file does not keep its namespace alive: a setting belongs to the namespace, which
// takes it away when it ends, and reading it is ENOENT from then on. A settingCache is safe for concurrent use.
//
// There is one for the process, as there is one limit of its open files.
type settingCache struct {
	maxFiles, maxDirs int

	mu sync.Mutex
	// kept are by namespace. Those that a session has taken are not among them.
	kept map[string]*settingFiles
	// files and dirs count what is kept or taken.
	files, dirs int
}

var processSettings = sync.OnceValue(newSettingCache)

func newSettingCache() *settingCache {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		limit.Cur = 0
	}
	return &settingCache{
		maxFiles: int(min(maxSettingFiles, limit.Cur/2)),
		maxDirs:  int(min(maxSettingDirs, limit.Cur/4)),
		kept:     map[string]*settingFiles{},
	}
}

// take hands over what is kept of a namespace. Files of another network namespace that had the name
// before are closed.
func (c *settingCache) take(namespace string, cookie uint64) *settingFiles {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.kept[namespace]
	if f != nil && f.cookie == cookie {
		delete(c.kept, namespace)
	} else {
		c.drop(namespace)
		f = &settingFiles{cookie: cookie, dirs: map[string]int{}}
	}
	if !f.keep && cookie != 0 && c.files+filesPerNamespace <= c.maxFiles {
		f.keep = true
		c.files += filesPerNamespace
	}
	return f
}

// put takes back what take handed over, and what was opened since. Where another session was faster, its
// files stay.
func (c *settingCache) put(namespace string, f *settingFiles) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.kept[namespace]; there || f.cookie == 0 {
		c.close(f)
		return
	}
	if f.keep || c.dirs-f.keptDirs+len(f.dirs) > c.maxDirs {
		c.closeDirs(f)
	}
	c.dirs += len(f.dirs) - f.keptDirs
	f.keptDirs = len(f.dirs)
	c.kept[namespace] = f
}

// forget closes what is kept of a namespace that is not there any more.
func (c *settingCache) forget(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(namespace)
}

// drop needs the lock, as do close and closeDirs.
func (c *settingCache) drop(namespace string) {
	if f, ok := c.kept[namespace]; ok {
		delete(c.kept, namespace)
		c.close(f)
	}
}

func (c *settingCache) close(f *settingFiles) {
	for _, file := range f.files {
		if file != 0 {
			unix.Close(int(file)) //nolint:errcheck // opened for reading
		}
	}
	if f.keep {
		c.files -= filesPerNamespace
	}
	c.closeDirs(f)
}

func (c *settingCache) closeDirs(f *settingFiles) {
	for _, dir := range f.dirs {
		unix.Close(dir) //nolint:errcheck // opened for reading
	}
	c.dirs -= f.keptDirs
	f.keptDirs = 0
	clear(f.dirs)
}
