// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

const (
	// AgentNamespace is where config/default puts the agents.
	AgentNamespace = "netlab-system"
	// AgentProgram is the agent in its image.
	AgentProgram = "/netlab-agent"

	agentSelector  = "app.kubernetes.io/name=netlab-agent"
	agentContainer = "agent"
)

// Agent returns the pod of the agent on a node or, if that is empty, on the first node, by
// name, that reports the lab and has an agent which is ready. Nodes on which the lab is Ready
// come before others.
func (c *Cluster) Agent(ctx context.Context, namespace string, lab *v1alpha1.NetLab, node string) (*corev1.Pod, error) {
	nodes := []string{node}
	if node == "" {
		nodes = reporting(lab)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("no node reports %s/%s: check status %s, or choose a node with --node", lab.Namespace, lab.Name, lab.Name)
	}
	for _, node := range nodes {
		pod, err := c.agentOn(ctx, namespace, node)
		if pod != nil || err != nil {
			return pod, err
		}
	}
	return nil, fmt.Errorf("no agent is ready in namespace %s on %s; nodes that run the lab: %s",
		namespace, strings.Join(nodes, ", "), strings.Join(orNone(reporting(lab)), ", "))
}

func orNone(names []string) []string {
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

// reporting are the nodes that know the lab, those first on which it is Ready, then by name.
func reporting(lab *v1alpha1.NetLab) []string {
	var nodes []v1alpha1.NodeSummary
	for _, n := range lab.Status.NodeSummaries {
		if n.Ready != metav1.ConditionUnknown {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b v1alpha1.NodeSummary) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
	})
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name
	}
	return names
}

func rank(n v1alpha1.NodeSummary) int {
	if n.Ready == metav1.ConditionTrue {
		return 0
	}
	return 1
}

// agentOn is nil if no agent on the node is ready.
func (c *Cluster) agentOn(ctx context.Context, namespace, node string) (*corev1.Pod, error) {
	pods, err := c.core.Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: agentSelector, FieldSelector: "spec.nodeName=" + node,
	})
	if err != nil {
		return nil, explainForbidden(fmt.Errorf("find the agent on %s: %w", node, err))
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.DeletionTimestamp == nil && ready(pod) {
			return pod, nil
		}
	}
	return nil, nil
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// Ask runs netlab-agent's ask in an agent's pod; see package remote.
func (c *Cluster) Ask(ctx context.Context, agent *corev1.Pod, args []string, s Streams) error {
	return c.Exec(ctx, agent, agentContainer, append([]string{AgentProgram, "ask"}, args...), s)
}

// image is that of the agent.
func image(agent *corev1.Pod) string {
	for _, container := range agent.Spec.Containers {
		if container.Name == agentContainer {
			return container.Image
		}
	}
	return ""
}
