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

// settled is for how long a directory's time of change must have been the same before it tells this state from the next:
// no file system's clock is coarser than that. The time itself is not compared with a clock, which may have been set.
const settled = 3 * time.Second

// listings remembers what is in directories for as long as they have not changed: each lab is looked
// for among all others, and reading a thousand names for each would take longer than looking at a
// small lab. It is safe for concurrent use.
type listings struct {
	mu    sync.Mutex
	known map[string]listing
	now   func() time.Time
}

// listing is a state of a directory, and its sorted names once it has settled.
type listing struct {
	names   []string
	of      directoryState
	first   time.Time // when this state was first seen
	settled bool
}

type directoryState struct {
	device, inode uint64
	changed       unix.Timespec
}

func newListings() *listings { return &listings{known: map[string]listing{}, now: time.Now} }

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
	begun := l.now()
	if err := unix.Stat(dir, &st); err != nil {
		return nil, fmt.Errorf("stat %s: %w", dir, err)
	}
	state := directoryState{st.Dev, st.Ino, st.Mtim}
	known := l.known[dir]
	switch {
	case known.of != state:
		known = listing{of: state, first: begun}
	case known.settled:
		return known.names, nil
	}
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	if begun.Sub(known.first) > settled {
		known.names, known.settled = names, true
	}
	l.known[dir] = known
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
