// SPDX-License-Identifier: Apache-2.0

package apiclient

import (
	"context"
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

const (
	// lastApplied is what kubectl apply without --server-side compares a file with.
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
	// lastAppliedManager is kubectl's field manager of that annotation.
	lastAppliedManager = "kubectl-last-applied"
	// adoptAttempts is how often adopt tries while others write the lab.
	adoptAttempts = 5
)

// adopt takes over what kubectl apply without --server-side owns, as kubectl apply --server-side does. A field
// with two owners stays when one of them leaves it out: without adopt, an edited file would remove nothing.
func (c *Client) adopt(ctx context.Context, stored *unstructured.Unstructured, manager string) error {
	owners := clientSideOwners(stored)
	for attempt := 1; ; attempt++ {
		stored, err := c.get(ctx, client.ObjectKeyFromObject(stored))
		if err != nil {
			return err
		}
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(stored, owners, manager)
		if err != nil || patch == nil {
			return err
		}
		err = c.client.Patch(ctx, stored, client.RawPatch(types.JSONPatchType, patch))
		if err == nil || !apierrors.IsConflict(err) || attempt == adoptAttempts {
			return err
		}
	}
}

// clientSideOwners are the field managers of kubectl apply without --server-side.
func clientSideOwners(stored *unstructured.Unstructured) sets.Set[string] {
	owners := sets.New[string]()
	annotation := fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "annotations", lastApplied))
	for _, entry := range csaupgrade.FindFieldsOwners(stored.GetManagedFields(), metav1.ManagedFieldsOperationUpdate, annotation) {
		owners.Insert(entry.Manager)
	}
	return owners
}

// keepLastApplied keeps the annotation up to date: the next kubectl apply without --server-side needs it to find
// what was taken out of the file. It comes after the apply: of one that is refused, the annotation must not tell.
func (c *Client) keepLastApplied(ctx context.Context, object *unstructured.Unstructured) error {
	encoded, err := json.Marshal(object)
	if err != nil {
		return err
	}
	annotated := newObject()
	annotated.SetNamespace(object.GetNamespace())
	annotated.SetName(object.GetName())
	annotated.SetAnnotations(map[string]string{lastApplied: string(encoded) + "\n"})
	return c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(annotated), client.FieldOwner(lastAppliedManager), client.ForceOwnership)
}
