// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"strings"
	"testing"
)

// kind cannot run here, but its nodes can be matched: everything a node mounts is shared, and
// /run is a tmpfs. What is applied to kind is applied to such nodes.
func TestTheOverlayForKindRunsWhereMountsAreLikeKinds(t *testing.T) {
	s := begin(t)
	ns, all := tenant(t, "kind"), nodes(t)
	for _, node := range all {
		got := on(t, node, "findmnt", "--first-only", "--noheadings", "--raw", "--output", "FSTYPE,PROPAGATION", "/run")
		if strings.TrimSpace(got) != "tmpfs shared" {
			t.Errorf("/run of %s is %s; with kind it is a tmpfs, shared", node, got)
		}
	}
	t.Cleanup(func() { reinstall(t) })
	kubectl(t, "apply", "-k", "../../../config/overlays/kind")
	if err := rolledOut(); err != nil {
		t.Fatal(err)
	}
	createReady(t, routedPair(t, ns, "on-kind"))
	for _, node := range all {
		if pod := agentOn(t, node); pod.Spec.Containers[0].ImagePullPolicy != "Never" {
			t.Errorf("the agent of %s is not that of the overlay", node)
		}
		inLab(t, node, ns+".on-kind.ns1", "ping", "-c", "1", "-W", "5", "198.51.100.1")
	}
	s.counted("the overlay's agents run on %d of %d nodes with /run a shared tmpfs; ns1 reaches ns2 on each", len(all), len(all))
}
