// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// maxReads is how often a read that met a change is begun again before it fails.
const maxReads = 30

// Observe returns what this machine holds of a lab, and what stands in its way. Names that
// want has and something else occupies are conflicts. An error means that nothing is known:
// nothing may be concluded from it, least of all that something is missing. It writes nothing.
func (k *Kernel) Observe(ctx context.Context, id state.Identity, want state.State) (state.Observation, error) {
	for attempt := 1; ; attempt++ {
		found, err := k.observeOnce(ctx, id, want)
		if attempt == maxReads || !changedMeanwhile(err) {
			return found, err
		}
		k.log.DebugContext(ctx, "observe again", "lab", id.String(), "because", err)
	}
}

// changedMeanwhile says that a read failed because a namespace came or went during it.
func changedMeanwhile(err error) bool {
	return errors.Is(err, netns.ErrNotMounted) || errors.Is(err, fs.ErrNotExist)
}

func (k *Kernel) observeOnce(ctx context.Context, id state.Identity, want state.State) (state.Observation, error) {
	o, err := k.read(ctx, id, want)
	if err != nil {
		return state.Observation{}, err
	}
	return o.result(), nil
}

// read reads the parts of a lab at the same time, each on a thread of its own. Which objects are the
// lab's is decided when all have been read.
func (k *Kernel) read(ctx context.Context, id state.Identity, want state.State) (*observer, error) {
	names, err := k.candidates(id, want)
	if err != nil {
		return nil, err
	}
	parts := split(id, want, names)
	defer func() {
		for _, o := range parts {
			o.close()
		}
	}()
	if err := k.readAll(ctx, parts); err != nil {
		return nil, err
	}
	for _, o := range parts[1:] {
		parts[0].merge(o)
	}
	return parts[0], parts[0].addRows()
}

// Reading is split over at most maxReaders threads with at least minNames each: the kernel lists links
// for one thread at a time (RTNL).
const (
	maxReaders = 4
	minNames   = 16
)

// split returns one observer or more, which share the names.
func split(id state.Identity, want state.State, names []string) []*observer {
	parts := min(maxReaders, runtime.GOMAXPROCS(0), 1+len(names)/minNames)
	observers := make([]*observer, parts)
	for i := range observers {
		observers[i] = newObserver(id, want, names[i*len(names)/parts:(i+1)*len(names)/parts])
	}
	return observers
}

// readAll fails if any part does.
func (k *Kernel) readAll(ctx context.Context, parts []*observer) error {
	failed := make([]error, len(parts))
	var reading sync.WaitGroup
	for i, o := range parts {
		reading.Go(func() {
			failed[i] = k.withSession(func(s *session) error {
				o.session = s
				defer func() { o.handles = s.release() }()
				return o.read(ctx)
			})
		})
	}
	reading.Wait()
	return errors.Join(failed...)
}

// observer collects one Observation, or a part of one.
type observer struct {
	id   state.Identity
	want state.State
	// names are those to look at, in order.
	names   []string
	session *session
	// handles stay open until the peers of veths are resolved.
	handles map[string]*handle
	found   state.Observation
	// snapshots are of the lab's namespaces, in order of name.
	snapshots []*snapshot
	nsids     nsids
	// last is what is known of the namespaces that are not among the names; nil if all are.
	last *state.Observation
}

func newObserver(id state.Identity, want state.State, names []string) *observer {
	return &observer{id: id, want: want, names: names, nsids: nsids{}, found: state.Observation{
		State:      state.State{},
		Carrier:    map[state.LinkID]bool{},
		Designated: map[state.LinkID]state.DesignatedPort{},
		Index:      map[state.LinkID]int{},
	}}
}

func (o *observer) read(ctx context.Context) error {
	for _, name := range o.names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.observeName(name); err != nil {
			return fmt.Errorf("observe %s: %w", name, err)
		}
	}
	return nil
}

// merge adds the rows and snapshots of a part; parts are merged in order of their names.
func (o *observer) merge(part *observer) {
	maps.Copy(o.found.State, part.found.State)
	o.found.Conflicts = append(o.found.Conflicts, part.found.Conflicts...)
	o.found.Unmanaged = append(o.found.Unmanaged, part.found.Unmanaged...)
	o.snapshots = append(o.snapshots, part.snapshots...)
}

func (o *observer) close() {
	for _, h := range o.handles {
		h.close()
	}
}

// result is what was found. Namespaces that are as wanted share their rows with want, so that both
// together are kept once.
func (o *observer) result() state.Observation {
	for _, snap := range o.snapshots {
		if wanted := o.want[snap.handle.name]; wanted.Equal(snap.rows) {
			o.found.State[snap.handle.name] = wanted
		}
	}
	slices.Sort(o.found.Unmanaged)
	slices.SortFunc(o.found.Conflicts, func(a, b state.Conflict) int { return strings.Compare(a.Name, b.Name) })
	return o.found
}

// candidates are the names the lab has, could have left, or wants, in order.
func (k *Kernel) candidates(id state.Identity, want state.State) ([]string, error) {
	names := map[string]bool{}
	for name := range want {
		names[name] = true
	}
	for _, dir := range []string{NamespaceDir, SymlinkDir} {
		there, err := k.listings.withPrefix(dir, id.Prefix())
		if err != nil {
			return nil, err
		}
		for _, name := range there {
			if checkName(name) == nil {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// observeName looks at the file and the symlink of a name.
func (o *observer) observeName(name string) error {
	link, err := inspectSymlink(name)
	if err != nil {
		return err
	}
	wanted, isWanted := o.want[name]
	if link.found != "" {
		o.othersAt(SymlinkDir+"/"+name, link.found, wanted.Symlink)
	}
	file, snap, err := o.readName(name)
	if !file.mounted {
		o.session.cache.forget(name)
		o.session.neighbours.forget(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// A symlink with our target and nothing behind it is a leftover of ours.
		if link.ours {
			o.found.State[name] = state.Namespace{Symlink: true}
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !file.ours(o.mark(name)) {
		o.othersAt(NamespaceDir+"/"+name, file.String(), isWanted)
		return nil
	}
	rows := state.NewNamespace()
	rows.Label, rows.Mounted, rows.Symlink = file.mark, file.mounted, link.ours
	if snap != nil {
		rows.Settings = snap.settings
		snap.rows = rows
		o.snapshots = append(o.snapshots, snap)
	}
	o.found.State[name] = rows
	return nil
}

// mark is what the lab's namespace of that name is marked with.
func (o *observer) mark(name string) string { return o.id.Owner.Label(state.NodeOf(name)) }

// readName reads the file of a name and, if it is the lab's namespace, the namespace. A read that met a change
// is begun again, on a new socket: the old one may hold the rest of an answer.
func (o *observer) readName(name string) (namespaceFile, *snapshot, error) {
	for attempt := 1; ; attempt++ {
		file, snap, err := o.readOnce(name)
		if !errors.Is(err, rtnl.ErrInterrupted) || attempt == maxReads {
			return file, snap, err
		}
		if err := o.session.close(name); err != nil {
			return file, nil, err
		}
	}
}

func (o *observer) readOnce(name string) (namespaceFile, *snapshot, error) {
	file, err := o.session.inspectFile(name)
	if err != nil || !file.mounted {
		return file, nil, err
	}
	snap := newSnapshot(o.session.handles[name])
	snap.isSwitch = len(o.want[name].Bridges) > 0
	if err := snap.readLinks(); err != nil {
		return file, nil, err
	}
	file.mark = snap.loopback().alias
	if !file.ours(o.mark(name)) {
		return file, nil, nil
	}
	return file, snap, snap.read(o.want[name].Neighbours)
}

// othersAt notes what somebody else has at a path of the lab's: in the way, or merely there.
func (o *observer) othersAt(path, what string, wanted bool) {
	if wanted {
		o.conflict(path, what)
		return
	}
	o.foreign("%s: %s", path, what)
}

func (o *observer) conflict(name, what string) {
	o.found.Conflicts = append(o.found.Conflicts, state.Conflict{Name: name, Found: what})
}

func (o *observer) foreign(format string, args ...any) {
	o.found.Unmanaged = append(o.found.Unmanaged, fmt.Sprintf(format, args...))
}
