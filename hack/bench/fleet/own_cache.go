// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// ownCache shows one agent of the shared cache what its own would hold: of Nodes and
// NetLabNodeStates its own.
type ownCache struct {
	cache.Cache
	node          string
	nodes, states *switchboard
}

// Start leaves the shared cache to its owner.
func (c *ownCache) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// GetInformer returns one that tells of the node's own objects only.
func (c *ownCache) GetInformer(ctx context.Context, o client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	informer, err := c.Cache.GetInformer(ctx, o, options...)
	if err != nil {
		return nil, err
	}
	switch o.(type) {
	case *metav1.PartialObjectMetadata:
		return &ownInformer{informer, c.node, c.nodes}, nil
	case *v1alpha1.NetLabNodeState:
		return &ownInformer{informer, c.node, c.states}, nil
	}
	return informer, nil
}

// ownInformer tells of objects of the node's name.
type ownInformer struct {
	cache.Informer
	node  string
	board *switchboard
}

// AddEventHandler connects it.
func (i *ownInformer) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.board.connect(i.node, handler), nil
}

// AddEventHandlerWithOptions connects it; the options are for logging.
func (i *ownInformer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, _ toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.board.connect(i.node, handler), nil
}

func nodeMetadata() *metav1.PartialObjectMetadata {
	node := &metav1.PartialObjectMetadata{}
	node.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
	return node
}
