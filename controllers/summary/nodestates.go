// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
)

// nodeStates keeps one NetLabNodeState per Node, with the Node's name. Agents may only write the status,
// so no agent can create one for another node.
type nodeStates struct {
	client client.Client
}

// Reconcile creates the NetLabNodeState of a Node, or deletes the one whose Node is gone.
func (r *nodeStates) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	node, err := r.exists(ctx, request.NamespacedName, cluster.NodeMetadata())
	if err != nil {
		return reconcile.Result{}, err
	}
	state, err := r.exists(ctx, request.NamespacedName, &v1alpha1.NetLabNodeState{})
	if err != nil {
		return reconcile.Result{}, err
	}
	own := &v1alpha1.NetLabNodeState{}
	own.Name = request.Name
	switch {
	case node && !state:
		err = client.IgnoreAlreadyExists(r.client.Create(ctx, own))
	case !node && state:
		err = client.IgnoreNotFound(r.client.Delete(ctx, own))
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("create or delete NetLabNodeState %s: %w", own.Name, err)
	}
	return reconcile.Result{}, nil
}

func (r *nodeStates) exists(ctx context.Context, name types.NamespacedName, o client.Object) (bool, error) {
	err := r.client.Get(ctx, name, o)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("get %T %s: %w", o, name.Name, err)
	}
	return err == nil, nil
}
