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
	o, err := k.look(ctx, id, want)
	if err != nil {
		return state.Observation{}, err
	}
	return o.result(), nil
}

// look reads the parts of a lab at the same time, each on a thread of its own, and says whose each thing
// is when all have been read.
func (k *Kernel) look(ctx context.Context, id state.Identity, want state.State) (*observer, error) {
	names, err := k.candidates(id, want)
	if err != nil {
		return nil, err
	}
	parts := inParts(id, want, names)
	defer func() {
		for _, o := range parts {
			o.close()
		}
	}()
	if err := k.readAll(ctx, parts); err != nil {
		return nil, err
	}
	for _, o := range parts[1:] {
		parts[0].absorb(o)
	}
	return parts[0], parts[0].observeInteriors()
}

// Reading is split over at most mostReaders threads, of which each has at least fewestNames to read:
// listing links can only be done by one at a time on a machine.
const (
	mostReaders = 4
	fewestNames = 16
)

// inParts returns one observer or more, among which the names are split.
func inParts(id state.Identity, want state.State, names []string) []*observer {
	parts := min(mostReaders, runtime.GOMAXPROCS(0), 1+len(names)/fewestNames)
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
			failed[i] = k.visit(func(v *visit) error {
				o.visit = v
				defer func() { o.doors = v.release() }()
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
	names []string
	visit *visit
	// doors stay open until it is known whose each thing is.
	doors map[string]*door
	found state.Observation
	// interiors are the lab's namespaces in order of name.
	interiors []*interior
	nsids     nsids
}

func newObserver(id state.Identity, want state.State, names []string) *observer {
	return &observer{id: id, want: want, names: names, nsids: nsids{}, found: state.Observation{
		State:   state.NewState(),
		Carrier: map[state.LinkID]bool{},
		Index:   map[state.LinkID]int{},
	}}
}

func (o *observer) read(ctx context.Context) error {
	for _, name := range o.names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.observeName(name); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
	}
	return nil
}

// absorb takes what another one has read, which comes after what was taken before.
func (o *observer) absorb(part *observer) {
	maps.Copy(o.found.State.Namespaces, part.found.State.Namespaces)
	maps.Copy(o.found.State.Sysctls, part.found.State.Sysctls)
	o.found.Conflicts = append(o.found.Conflicts, part.found.Conflicts...)
	o.found.Foreign = append(o.found.Foreign, part.found.Foreign...)
	o.interiors = append(o.interiors, part.interiors...)
}

func (o *observer) close() {
	for _, d := range o.doors {
		d.close()
	}
}

func (o *observer) result() state.Observation {
	slices.Sort(o.found.Foreign)
	slices.SortFunc(o.found.Conflicts, func(a, b state.Conflict) int { return strings.Compare(a.Name, b.Name) })
	return o.found
}

// candidates are the names the lab has, could have left, or wants, in order.
func (k *Kernel) candidates(id state.Identity, want state.State) ([]string, error) {
	names := map[string]bool{}
	for name := range want.Namespaces {
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
	wanted, isWanted := o.want.Namespaces[name]
	if link.found != "" {
		o.othersAt(SymlinkDir+"/"+name, link.found, wanted.Symlink)
	}
	file, err := o.visit.inspect(name)
	if !file.mounted {
		o.visit.kept.forget(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// A symlink with our target and nothing behind it is a leftover of ours.
		if link.ours {
			o.found.State.Namespaces[name] = state.Namespace{Symlink: true}
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !file.ours(o.id.Owner.Mark(state.NodeOf(name))) {
		o.othersAt(NamespaceDir+"/"+name, file.String(), isWanted)
		return nil
	}
	o.found.State.Namespaces[name] = state.Namespace{Mark: file.mark, Mounted: file.mounted, Symlink: link.ours}
	if !file.mounted {
		return nil
	}
	return o.readInterior(name)
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
	o.found.Foreign = append(o.found.Foreign, fmt.Sprintf(format, args...))
}
