// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// settled is how old a directory's last change must be before its time tells it from the next one: no
// file system's clock is coarser than that.
const settled = 3 * time.Second

// listings remembers what is in directories for as long as they have not changed: each lab is looked
// for among all others, and reading a thousand names for each would take longer than looking at a
// small lab. It is safe for concurrent use.
type listings struct {
	mu    sync.Mutex
	known map[string]listing
}

// listing is the sorted names in a directory, and which state of it had them.
type listing struct {
	names []string
	of    directoryState
}

type directoryState struct {
	device, inode uint64
	changed       unix.Timespec
}

func newListings() *listings { return &listings{known: map[string]listing{}} }

// withPrefix lists what is in a directory whose name begins with prefix; nothing if there is none.
func (l *listings) withPrefix(dir, prefix string) ([]string, error) {
	names, err := l.names(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	first, _ := slices.BinarySearch(names, prefix)
	names = names[first:]
	for i, name := range names {
		if !strings.HasPrefix(name, prefix) {
			return names[:i], err
		}
	}
	return names, err
}

func (l *listings) names(dir string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var st unix.Stat_t
	begun := time.Now()
	if err := unix.Stat(dir, &st); err != nil {
		return nil, fmt.Errorf("stat %s: %w", dir, err)
	}
	state := directoryState{st.Dev, st.Ino, st.Mtim}
	if known, ok := l.known[dir]; ok && known.of == state {
		return known.names, nil
	}
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	if begun.Sub(time.Unix(st.Mtim.Unix())) > settled {
		l.known[dir] = listing{names, state}
	}
	return names, nil
}

func readNames(dir string) ([]string, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, err := file.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}
