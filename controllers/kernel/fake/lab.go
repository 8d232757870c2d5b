// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/netlab-dev/netlab/controllers/state"
)

// ErrBusy says that somebody else is writing to the lab.
var ErrBusy = errors.New("busy")

// agentLock is no lab's name: those have two parts.
const agentLock = "agent"

// Lock makes the caller the lab's only writer, or fails with ErrBusy.
func (k *Kernel) Lock(id state.Identity) (unlock func(), err error) {
	unlock, holder := k.lock(id.String())
	if holder != nil {
		return nil, fmt.Errorf("lock %s: %w", id, ErrBusy)
	}
	return unlock, nil
}

// AgentLock waits until no other agent runs on the machine.
func (k *Kernel) AgentLock(ctx context.Context) (unlock func(), err error) {
	for {
		unlock, holder := k.lock(agentLock)
		if holder == nil {
			return unlock, nil
		}
		select {
		case <-holder:
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", agentLock, ctx.Err())
		}
	}
}

// lock takes a lock; where somebody has it, holder is closed when it is released.
func (k *Kernel) lock(name string) (unlock func(), holder <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if taken, ok := k.locks[name]; ok {
		return nil, taken
	}
	released := make(chan struct{})
	k.locks[name] = released
	return sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.locks, name)
		close(released)
	}), nil
}

// Enter calls fn if there is such a namespace.
func (k *Kernel) Enter(namespace string, fn func() error) error {
	k.mu.Lock()
	err := missingNamespace(k.state, namespace)
	k.mu.Unlock()
	if err != nil {
		return fmt.Errorf("enter %s: %w", namespace, err)
	}
	return fn()
}

// SaveRecord keeps what a lab was built from.
func (k *Kernel) SaveRecord(id state.Identity, record []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records[id.String()] = slices.Clone(record)
	return nil
}

// LoadRecord returns what SaveRecord kept; without one the error is fs.ErrNotExist.
func (k *Kernel) LoadRecord(id state.Identity) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	record, ok := k.records[id.String()]
	if !ok {
		return nil, fmt.Errorf("record of %s: %w", id, fs.ErrNotExist)
	}
	return slices.Clone(record), nil
}

// Records lists the labs that have a record, sorted. Their Owner is empty.
func (k *Kernel) Records() ([]state.Identity, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var labs []state.Identity
	for name := range k.records {
		namespace, lab, _ := strings.Cut(name, "/")
		labs = append(labs, state.Identity{Namespace: namespace, Name: lab})
	}
	slices.SortFunc(labs, compareIdentities)
	return labs, nil
}

// DeleteRecord forgets a record, if there is one.
func (k *Kernel) DeleteRecord(id state.Identity) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.records, id.String())
	return nil
}
