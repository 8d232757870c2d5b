// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// maxReads is how often a read that met a change is begun again before it fails.
const maxReads = 30

// Observe returns what this machine holds of a lab, and what stands in its way. Names that
// want has and something else occupies are conflicts. An error means that nothing is known:
// nothing may be concluded from it, least of all that something is missing. It writes nothing.
func (k *Kernel) Observe(ctx context.Context, id topology.Identity, want topology.State) (topology.Observation, error) {
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
	return errors.Is(err, errNotMounted) || errors.Is(err, fs.ErrNotExist)
}

func (k *Kernel) observeOnce(ctx context.Context, id topology.Identity, want topology.State) (topology.Observation, error) {
	var found topology.Observation
	err := k.visit(func(v *visit) error {
		o := newObserver(v, id, want)
		if err := o.observe(ctx); err != nil {
			return err
		}
		found = o.result()
		return nil
	})
	return found, err
}

// observer collects one Observation.
type observer struct {
	visit *visit
	id    topology.Identity
	want  topology.State
	found topology.Observation
	// interiors are the lab's namespaces in order of name.
	interiors []*interior
	nsids     nsids
}

func newObserver(v *visit, id topology.Identity, want topology.State) *observer {
	return &observer{visit: v, id: id, want: want, nsids: nsids{}, found: topology.Observation{
		State:   topology.NewState(),
		Carrier: map[topology.LinkID]bool{},
		Index:   map[topology.LinkID]int{},
	}}
}

func (o *observer) observe(ctx context.Context) error {
	names, err := o.candidates()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.observeName(name); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
	}
	return o.observeInteriors()
}

func (o *observer) result() topology.Observation {
	slices.Sort(o.found.Foreign)
	slices.SortFunc(o.found.Conflicts, func(a, b topology.Conflict) int { return strings.Compare(a.Name, b.Name) })
	return o.found
}

// candidates are the names the lab has, could have left, or wants.
func (o *observer) candidates() ([]string, error) {
	names := map[string]bool{}
	for name := range o.want.Namespaces {
		names[name] = true
	}
	for _, dir := range []string{NamespaceDir, SymlinkDir} {
		there, err := o.visit.listings.withPrefix(dir, o.id.Prefix())
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
			o.found.State.Namespaces[name] = topology.Namespace{Symlink: true}
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !file.ours(o.id.Owner.Mark(topology.NodeOf(name))) {
		o.othersAt(NamespaceDir+"/"+name, file.String(), isWanted)
		return nil
	}
	o.found.State.Namespaces[name] = topology.Namespace{Mark: file.mark, Mounted: file.mounted, Symlink: link.ours}
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
	o.found.Conflicts = append(o.found.Conflicts, topology.Conflict{Name: name, Found: what})
}

func (o *observer) foreign(format string, args ...any) {
	o.found.Foreign = append(o.found.Foreign, fmt.Sprintf(format, args...))
}
