// SPDX-License-Identifier: Apache-2.0

package fake

import (
	"context"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Event says that something in a network namespace changed; with an empty Namespace, that
// everything should be compared.
type Event struct{ Namespace string }

// watcher hands events to one reader. What a slow reader has not taken yet is kept, each
// namespace once.
type watcher struct {
	pending map[string]bool
	wake    chan struct{}
}

// Watch announces every change until ctx ends, then closes the channel.
func (k *Kernel) Watch(ctx context.Context) (<-chan Event, error) {
	w := &watcher{pending: map[string]bool{}, wake: make(chan struct{}, 1)}
	k.mu.Lock()
	k.watchers[w] = true
	k.mu.Unlock()
	events := make(chan Event)
	go k.serve(ctx, w, events)
	return events, nil
}

func (k *Kernel) serve(ctx context.Context, w *watcher, events chan<- Event) {
	defer close(events)
	defer k.forget(w)
	for {
		for _, namespace := range k.take(w) {
			select {
			case events <- Event{Namespace: namespace}:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (k *Kernel) take(w *watcher) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	pending := slices.Sorted(maps.Keys(w.pending))
	clear(w.pending)
	return pending
}

func (k *Kernel) forget(w *watcher) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.watchers, w)
}

// Follow does nothing: every namespace is followed from its beginning.
func (k *Kernel) Follow(namespace string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return missingNamespace(k.state, namespace)
}

// Reap finds no namespace that outlives its deletion.
func (k *Kernel) Reap(ctx context.Context) (held []string, err error) { return nil, ctx.Err() }

// LoseEvents tells everybody who watches that events were lost: compare everything.
func (k *Kernel) LoseEvents() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.notify("")
}

// notify is called with the lock held.
func (k *Kernel) notify(namespaces ...string) {
	for w := range k.watchers {
		for _, namespace := range namespaces {
			w.pending[namespace] = true
		}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// namespacesThatDiffer lists, sorted, the namespaces in which two States differ.
func namespacesThatDiffer(a, b state.State) []string {
	differ := map[string]bool{}
	for _, s := range []state.State{a, b} {
		for name := range s {
			differ[name] = !a[name].Equal(b[name])
		}
	}
	maps.DeleteFunc(differ, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(differ))
}
