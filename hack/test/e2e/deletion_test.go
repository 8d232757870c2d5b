// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Deleting never waits for an agent: a lab, its namespace, everything. An agent that was down
// meanwhile cleans up when it is back.
func TestWhatIsDeletedWhileAnAgentIsDownIsGoneWhenItIsBack(t *testing.T) {
	s := begin(t)
	one, whole, rest := tenant(t, "delete-lab"), tenant(t, "delete-namespace"), tenant(t, "delete-all")
	all := nodes(t)
	labs := []*v1alpha1.NetLab{
		routedPair(t, one, "single"), routedPair(t, whole, "taken-along"), routedPair(t, rest, "a"), routedPair(t, rest, "b"),
	}
	createReady(t, labs...)

	node := all[len(all)-1]
	agent := agentOn(t, node)
	t.Cleanup(func() { machinery(t, "node", "kubelet-start", node) })
	machinery(t, "node", "kubelet-stop", node)
	kill(t, agent)
	start := time.Now()
	kubectl(t, "delete", "netlab", "single", "-n", one, "--timeout=30s")
	kubectl(t, "delete", "namespace", whole, "--timeout=60s")
	kubectl(t, "delete", "netlab", "--all", "--all-namespaces", "--timeout=30s")
	s.counted("lab, namespace and everything deleted in %.1f s while the agent of %s was down", time.Since(start).Seconds(), node)

	for _, other := range all[:len(all)-1] {
		eventually(t, soon, "nothing is left on "+other, func() error { return leftOn(t, other, "") })
	}
	kept := 0
	for _, lab := range labs {
		kept += len(labNamespaces(t, node, lab.Namespace, lab.Name))
	}
	if kept != len(labs)*namespacesOfRoutedPair {
		t.Errorf("%s has %d network namespaces: its agent was not down", node, kept)
	}

	machinery(t, "node", "kubelet-start", node)
	nextAgent(t, agent)
	took := eventually(t, soon, "nothing is left on "+node, func() error { return leftOn(t, node, "") })
	s.counted("%d network namespaces of %d labs were left on %s; all gone %.1f s after its agent was back", kept, len(labs), node, took.Seconds())
}
