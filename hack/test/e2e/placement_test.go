// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// poolLabel is what these stories place labs by.
const poolLabel = "e2e.netlab.dev/pool"

// What the status says is what the kernels say: a lab without a selector is on every node, one
// with a selector only where it matches, and it leaves a node that loses its label.
func TestALabIsOnTheNodesItSelects(t *testing.T) {
	s := beginBeside(t)
	ns, all := tenant(t, "placement"), nodes(t)
	everywhere := routedPair(t, ns, "everywhere")
	createReady(t, everywhere)
	s.counted("without a selector in the kernels of %d of %d nodes", len(carriers(t, everywhere)), len(all))
	if got := carriers(t, everywhere); !slices.Equal(got, all) {
		t.Errorf("without a selector the lab is on %v of %v", got, all)
	}

	chosen := all[len(all)-1]
	label(t, chosen, "lab")
	placed := onNodesWith(routedPair(t, ns, "placed"), poolLabel, "lab")
	createReady(t, placed)
	if got := carriers(t, placed); !slices.Equal(got, []string{chosen}) || placed.Status.Nodes.Selected != 1 {
		t.Errorf("selected %s, the lab is on %v, its status says %+v", chosen, got, placed.Status.Nodes)
	}
	s.counted("with a selector only on %s", chosen)

	label(t, chosen, "")
	took := eventually(t, soon, "the lab has left "+chosen, func() error { return isOn(t, placed) })
	if err := says(t, everywhere, v1alpha1.ConditionReady, "True"); err != nil {
		t.Error(err)
	}
	s.counted("%.1f s after the label went it had left", took.Seconds())
}

// carriers are the nodes whose kernels have all of a lab's namespaces, sorted.
func carriers(t *testing.T, lab *v1alpha1.NetLab) []string {
	t.Helper()
	var list []string
	for _, node := range nodes(t) {
		if len(labNamespaces(t, node, lab.Namespace, lab.Name)) == namespacesOfRoutedPair {
			list = append(list, node)
		}
	}
	return list
}

// isOn says nil once the nodes that have anything of the lab are exactly these.
func isOn(t *testing.T, lab *v1alpha1.NetLab, want ...string) error {
	var has []string
	for _, node := range nodes(t) {
		if len(labNamespaces(t, node, lab.Namespace, lab.Name)) > 0 {
			has = append(has, node)
		}
	}
	if !slices.Equal(has, want) {
		return fmt.Errorf("lab %s is on %v, not on %v", lab.Name, has, want)
	}
	return nil
}

// label gives a node the pool's label until the story ends; an empty value takes it away.
func label(t *testing.T, name, value string) {
	t.Helper()
	set := `"` + value + `"`
	if value == "" {
		set = "null"
	} else {
		t.Cleanup(func() { label(t, name, "") })
	}
	node := &corev1.Node{}
	node.Name = name
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, poolLabel, set)
	if err := api.Patch(lasting(t), node, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatalf("label node %s: %v", name, err)
	}
}
