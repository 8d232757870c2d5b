// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Two tenants call their labs the same and use the same addresses. What one does to its lab, the
// other's does not notice, on any node.
func TestTwoTenantsNeverTouch(t *testing.T) {
	s := beginBeside(t)
	mine, yours, all := tenant(t, "mine"), tenant(t, "yours"), nodes(t)
	lab, other := routedPair(t, mine, "same"), routedPair(t, yours, "same")
	createReady(t, lab, other)
	before := map[string]string{}
	for _, node := range all {
		before[node] = links(t, node, yours, "same")
	}
	stream := startStream(t, all[0], yours, "same", pairPath)

	lab.Spec.Links[0].MTU = 1400
	if err := api.Update(t.Context(), lab); err != nil {
		t.Fatal(err)
	}
	becomesReady(t, lab)
	if err := api.Delete(t.Context(), lab); err != nil {
		t.Fatal(err)
	}
	eventually(t, soon, "the first lab is gone", func() error {
		for _, node := range all {
			if left := labNamespaces(t, node, mine, "same"); len(left) > 0 {
				return fmt.Errorf("%s has %v", node, left)
			}
		}
		return nil
	})

	changed := 0
	for _, node := range all {
		if links(t, node, yours, "same") != before[node] {
			changed++
		}
	}
	tally := stream.end(t)
	s.counted("one edited and deleted, the other: links changed on %d of %d nodes, %d packets sent, %d lost", changed, len(all), tally.Sent, tally.Lost)
	if changed > 0 || tally.Lost > 0 || tally.Sent == 0 {
		t.Error("the other tenant's lab has noticed")
	}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(other), other); err != nil || !isReady(other) {
		t.Errorf("the other tenant's lab: %v, %+v", err, other.Status.Conditions)
	}
}
