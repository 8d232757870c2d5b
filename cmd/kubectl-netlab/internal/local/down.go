// SPDX-License-Identifier: Apache-2.0

package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Remains are what there is of a lab after it was removed.
type Remains struct {
	// Held are network namespaces that a process or a socket still uses. They have no name and no links
	// to others, and end with the last user.
	Held []string
	// Unmanaged describes objects with names of the lab that NetLab did not create and leaves alone.
	Unmanaged []string
}

// Down removes everything of a lab from the machine. It finds the lab by the owner labels in the kernel
// and needs no description. ErrNotFound: there is neither a network namespace nor a record.
func (m *Machine) Down(ctx context.Context, namespace, name string) (Remains, error) {
	id := Identity(namespace, name)
	unlock, err := m.kernel.Lock(id)
	if err != nil {
		return Remains{}, err
	}
	defer unlock()
	exists, err := m.claim(ctx, id)
	if err != nil {
		return Remains{}, err
	}
	recorded := m.recorded(id)
	if !exists && !recorded {
		return Remains{}, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	m.options.Progress("removing " + id.String())
	unmanaged, err := m.remove(ctx, id)
	if err != nil {
		return Remains{}, err
	}
	if recorded {
		err = m.kernel.DeleteRecord(id)
	}
	held, reapErr := m.kernel.Reap(ctx)
	return Remains{Held: held, Unmanaged: unmanaged}, errors.Join(err, reapErr)
}

// recorded reports whether there is a record to remove, readable or not.
func (m *Machine) recorded(id state.Identity) bool {
	_, err := m.record(id)
	return !errors.Is(err, fs.ErrNotExist)
}

func (m *Machine) remove(ctx context.Context, id state.Identity) (unmanaged []string, err error) {
	out, err := converge.Remove(ctx, m.kernel, id)
	if err != nil {
		return nil, fmt.Errorf("remove %s: %w", id, err)
	}
	if len(out.Left) > 0 {
		return nil, fmt.Errorf("remove %s: %d operations remain, the first is %s", id, len(out.Left), out.Left[0])
	}
	return out.Unmanaged, nil
}

// Labs lists the labs that this package built on the machine, sorted: in all namespaces or,
// unless it is empty, in one. A lab may have a record and no namespaces, after a crash.
func (m *Machine) Labs(ctx context.Context, namespace string) ([]state.Identity, error) {
	marked, err := m.kernel.Labs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the labs of this machine: %w", err)
	}
	records, err := m.kernel.Records()
	if err != nil {
		return nil, fmt.Errorf("list the records of this machine: %w", err)
	}
	found := map[state.Identity]bool{}
	for _, id := range marked {
		found[id] = !id.Owner.IsAgent()
	}
	for _, id := range records {
		id.Owner = state.LocalOwner(id.Namespace, id.Name)
		found[id] = found[id] || m.recorded(id)
	}
	maps.DeleteFunc(found, func(id state.Identity, ours bool) bool {
		return !ours || namespace != "" && id.Namespace != namespace
	})
	return slices.SortedFunc(maps.Keys(found), func(a, b state.Identity) int {
		return cmp.Compare(a.String(), b.String())
	}), nil
}
