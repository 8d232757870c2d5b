// SPDX-License-Identifier: Apache-2.0

package apiclient

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// DefaultFieldManager is kubectl's: a lab that kubectl applies with --server-side has no other owner.
const DefaultFieldManager = "kubectl"

// ApplyOptions are kubectl's of the same names.
type ApplyOptions struct {
	FieldManager   string
	ForceConflicts bool
}

func (o ApplyOptions) list(more ...client.ApplyOption) []client.ApplyOption {
	list := append(more, client.FieldOwner(o.FieldManager))
	if o.ForceConflicts {
		list = append(list, client.ForceOwnership)
	}
	return list
}

// Applied is what an apply did, or would do. Before is nil for a lab that did not exist.
type Applied struct {
	Before, After *v1alpha1.NetLab
}

// Changed reports whether the stored lab is another one than before.
func (a Applied) Changed() bool {
	return a.Before == nil || a.Before.ResourceVersion != a.After.ResourceVersion
}

// Apply makes a lab what an object says, by server-side apply. If it is refused, no value of the lab has changed.
func (c *Client) Apply(ctx context.Context, object *unstructured.Unstructured, o ApplyOptions) (Applied, error) {
	before, err := c.before(ctx, object)
	if err != nil {
		return Applied{}, err
	}
	clientSide := before != nil && before.GetAnnotations()[lastApplied] != ""
	if clientSide {
		if err := c.adopt(ctx, before, o.FieldManager); err != nil {
			return Applied{}, fmt.Errorf("take over what kubectl apply without --server-side owns: %w", err)
		}
	}
	after := object.DeepCopy()
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(after), o.list()...); err != nil {
		return Applied{}, err
	}
	if clientSide {
		if err := c.keepLastApplied(ctx, object); err != nil {
			return Applied{}, fmt.Errorf("keep the annotation %s: %w", lastApplied, err)
		}
	}
	return applied(before, after)
}

// DryRun is what Apply would do. The API server checks and completes the lab, and stores nothing.
func (c *Client) DryRun(ctx context.Context, object *unstructured.Unstructured, o ApplyOptions) (Applied, error) {
	before, err := c.before(ctx, object)
	if err != nil {
		return Applied{}, err
	}
	after := object.DeepCopy()
	if before != nil && len(clientSideOwners(before)) > 0 {
		err = c.dryRunUpdate(ctx, before, after)
	} else {
		err = c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(after), o.list(client.DryRunAll)...)
	}
	if err != nil {
		return Applied{}, err
	}
	return applied(before, after)
}

// dryRunUpdate stands for an apply after adopt, which changes the stored lab: what is not in the
// object has no owner then.
func (c *Client) dryRunUpdate(ctx context.Context, before, after *unstructured.Unstructured) error {
	updated := before.DeepCopy()
	updated.Object["spec"] = after.Object["spec"]
	if err := c.client.Update(ctx, updated, client.DryRunAll); err != nil {
		return err
	}
	after.Object = updated.Object
	return nil
}

// before is nil if the lab does not exist.
func (c *Client) before(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	stored, err := c.get(ctx, client.ObjectKeyFromObject(object))
	switch {
	case NotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return stored, nil
}

func applied(before, after *unstructured.Unstructured) (a Applied, err error) {
	if before != nil {
		if a.Before, err = typed(before); err != nil {
			return Applied{}, err
		}
	}
	a.After, err = typed(after)
	return a, err
}
