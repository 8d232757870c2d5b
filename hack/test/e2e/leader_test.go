// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// With two controllers, one takes over at once when the other stops.
func TestAnotherControllerTakesOver(t *testing.T) {
	s := begin(t)
	ns := tenant(t, "leader")
	if len(podsOf(t, "netlab-controller")) < 2 {
		scaleController(t, 2)
		t.Cleanup(func() { scaleController(t, 1) })
	}
	old := leader(t)
	start := time.Now()
	kubectl(t, "-n", system, "delete", "pod", old, "--wait=false")
	lab := routedPair(t, ns, "after")
	createReady(t, lab)
	took := time.Since(start)
	s.counted("leader deleted: a lab applied then is Ready after %.1f s", took.Seconds())
	eventually(t, soon, "another one leads", func() error {
		if now := leader(t); now == old {
			return fmt.Errorf("%s holds the Lease", now)
		}
		return nil
	})
}

func scaleController(t *testing.T, replicas int) {
	t.Helper()
	kubectl(t, "-n", system, "scale", "deployment/netlab-controller", fmt.Sprintf("--replicas=%d", replicas))
	if err := rolledOut(); err != nil {
		t.Fatal(err)
	}
}

// leader is the pod that holds the controllers' Lease, whose holder is named POD_something.
func leader(t *testing.T) (pod string) {
	t.Helper()
	lease := &coordinationv1.Lease{}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: system, Name: "netlab-controller"}, lease); err != nil {
		t.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	pod, _, _ = strings.Cut(*lease.Spec.HolderIdentity, "_")
	return pod
}
