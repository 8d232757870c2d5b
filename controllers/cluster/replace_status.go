// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ReplaceStatus replaces the object's whole status. A merge patch would keep fields that are empty now,
// and omit zeros that the schema requires. With a version, the write fails with a conflict if the object
// has another one.
func ReplaceStatus(ctx context.Context, c client.Client, o client.Object, status any, version string) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	operations := []operation{{"add", "/status", status}}
	if version != "" {
		operations = append(operations, operation{"replace", "/metadata/resourceVersion", version})
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return fmt.Errorf("encode the status: %w", err)
	}
	return c.Status().Patch(ctx, o, client.RawPatch(types.JSONPatchType, patch))
}
