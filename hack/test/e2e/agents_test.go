// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// agents are the agents' pods that are not on their way out, by node name.
func agents(t *testing.T) []corev1.Pod { return podsOf(t, "netlab-agent") }

func podsOf(t *testing.T, program string) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	err := api.List(lasting(t), &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/name": program})
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	slices.SortFunc(list, func(a, b corev1.Pod) int { return cmp.Compare(a.Spec.NodeName, b.Spec.NodeName) })
	if len(list) == 0 {
		t.Fatalf("there is no pod of %s in %s", program, system)
	}
	return list
}

// nodes are the names of the nodes that run an agent, sorted. A pod outlives a removed node
// until somebody notices.
func nodes(t *testing.T) []string {
	t.Helper()
	var exist corev1.NodeList
	if err := api.List(lasting(t), &exist); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range agents(t) {
		name := pod.Spec.NodeName
		if slices.ContainsFunc(exist.Items, func(n corev1.Node) bool { return n.Name == name }) {
			names = append(names, name)
		}
	}
	return slices.Compact(names)
}

func agentOn(t *testing.T, node string) corev1.Pod {
	t.Helper()
	pods := agents(t)
	i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Spec.NodeName == node })
	if i < 0 {
		t.Fatalf("no agent on %s", node)
	}
	return pods[i]
}

// restarts counts how often a pod's container was started again.
func restarts(pod corev1.Pod) int32 {
	if len(pod.Status.ContainerStatuses) == 0 {
		return 0
	}
	return pod.Status.ContainerStatuses[0].RestartCount
}

// reportsFor says nil once the node's report is from that pod.
func reportsFor(t *testing.T, pod corev1.Pod) error {
	state := &v1alpha1.NetLabNodeState{}
	if err := api.Get(lasting(t), client.ObjectKey{Name: pod.Spec.NodeName}, state); err != nil {
		return err
	}
	if state.Status.Agent.PodUID != pod.UID {
		return fmt.Errorf("the report of %s is from pod %s, not from %s", pod.Spec.NodeName, state.Status.Agent.PodUID, pod.UID)
	}
	return nil
}

func podReady(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
