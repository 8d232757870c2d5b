// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// A lab is built on a node that did not exist when the lab was applied, and a node that goes
// for good is no longer counted.
func TestANewNodeGetsTheLabs(t *testing.T) {
	s := begin(t)
	ns, before := tenant(t, "new-node"), len(nodes(t))
	lab := routedPair(t, ns, "early")
	createReady(t, lab)

	const added = "node-new"
	start := time.Now()
	machinery(t, "node", "add", added)
	joined := time.Since(start)
	t.Cleanup(func() { removeNode(t, added) })
	eventually(t, patience, "the lab is Ready on the new node, too", func() error { return readyOn(t, lab, before+1) })
	s.counted("node joined in %.0f s, %.1f s later the lab is Ready on %s", joined.Seconds(), time.Since(start).Seconds()-joined.Seconds(), lab.Status.Nodes.Summary)
	if got := len(labNamespaces(t, added, ns, lab.Name)); got != namespacesOfRoutedPair {
		t.Errorf("%s has %d network namespaces of the lab", added, got)
	}

	removeNode(t, added)
	took := eventually(t, patience, "the lab is Ready without the node", func() error { return readyOn(t, lab, before) })
	s.counted("%.1f s after the node was removed it is Ready on %s", took.Seconds(), lab.Status.Nodes.Summary)
}

// readyOn says nil once the lab is Ready and on so many nodes.
func readyOn(t *testing.T, lab *v1alpha1.NetLab, nodes int) error {
	if err := says(t, lab, v1alpha1.ConditionReady, "True"); err != nil {
		return err
	}
	if got := lab.Status.Nodes; int(got.Selected) != nodes || int(got.Realized) != nodes {
		return fmt.Errorf("not on %d nodes: %+v", nodes, got)
	}
	return nil
}

// removeNode ends a node and takes it out of the cluster.
func removeNode(t *testing.T, name string) {
	t.Helper()
	node := &corev1.Node{}
	node.Name = name
	if gone(t, node) == nil {
		return
	}
	machinery(t, "node", "remove", name)
	if err := client.IgnoreNotFound(api.Delete(lasting(t), node)); err != nil {
		t.Error(err)
	}
}
