// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// switchboard tells each agent what a shared informer says of objects of its node's name, as the
// API server does for a watch with a field selector. Were every agent told everything, and left
// out the rest, a thousand reports would be a million events.
type switchboard struct {
	registration toolscache.ResourceEventHandlerRegistration

	mu       sync.Mutex
	there    map[string]any
	handlers map[string][]toolscache.ResourceEventHandler
}

func newSwitchboard(ctx context.Context, c cache.Cache, of client.Object) (*switchboard, error) {
	informer, err := c.GetInformer(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("watch %T: %w", of, err)
	}
	s := &switchboard{there: map[string]any{}, handlers: map[string][]toolscache.ResourceEventHandler{}}
	if s.registration, err = informer.AddEventHandler(s); err != nil {
		return nil, fmt.Errorf("watch %T: %w", of, err)
	}
	return s, nil
}

// nameOf is the object's, also of one whose deletion was missed.
func nameOf(object any) string {
	if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		return gone.Key // of cluster-scoped objects it is the name
	}
	return object.(client.Object).GetName()
}

// OnAdd passes it on.
func (s *switchboard) OnAdd(object any, initially bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(object)
	s.there[name] = object
	for _, handler := range s.handlers[name] {
		handler.OnAdd(object, initially)
	}
}

// OnUpdate passes it on.
func (s *switchboard) OnUpdate(before, after any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(after)
	s.there[name] = after
	for _, handler := range s.handlers[name] {
		handler.OnUpdate(before, after)
	}
}

// OnDelete passes it on.
func (s *switchboard) OnDelete(object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(object)
	delete(s.there, name)
	for _, handler := range s.handlers[name] {
		handler.OnDelete(object)
	}
}

// connect tells the handler of the node what is there, and from then on what happens.
func (s *switchboard) connect(node string, handler toolscache.ResourceEventHandler) toolscache.ResourceEventHandlerRegistration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[node] = append(s.handlers[node], handler)
	if object, ok := s.there[node]; ok {
		handler.OnAdd(object, true)
	}
	return s.registration
}
