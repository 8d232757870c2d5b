// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Labs lists, sorted, the labs of which this machine has namespaces, or files left of some.
// Their marks say whose they are; what has none, or one for another name, is not listed.
func (k *Kernel) Labs(ctx context.Context) ([]state.Identity, error) {
	entries, err := os.ReadDir(NamespaceDir)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	labs := map[state.Identity]bool{}
	err = k.withSession(func(s *session) error {
		for _, entry := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			id, ok, err := s.identify(entry.Name())
			if err != nil {
				return fmt.Errorf("observe %s: %w", entry.Name(), err)
			}
			if ok {
				labs[id] = true
			}
		}
		return nil
	})
	return sortedLabs(labs), err
}

// identify says which lab a namespace belongs to.
func (s *session) identify(name string) (id state.Identity, ok bool, err error) {
	namespace, lab, node, ok := state.SplitNetworkNamespace(name)
	if !ok {
		return state.Identity{}, false, nil
	}
	file, err := s.inspect(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, netns.ErrNotMounted) {
		return state.Identity{}, false, nil
	}
	if err := errors.Join(err, s.close(name)); err != nil {
		return state.Identity{}, false, err
	}
	owner, marked, ok := state.ParseLabel(file.mark)
	return state.Identity{Namespace: namespace, Name: lab, Owner: owner}, ok && marked == node, nil
}

func sortedLabs(labs map[state.Identity]bool) []state.Identity {
	var list []state.Identity
	for id := range labs {
		list = append(list, id)
	}
	slices.SortFunc(list, func(a, b state.Identity) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Owner, b.Owner))
	})
	return list
}
