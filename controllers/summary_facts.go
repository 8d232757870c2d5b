// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// reportGrace is how long a report outlives the readiness of the pod that wrote it, so that a
// rolling update of the agent does not turn labs Unknown.
const reportGrace = 30 * time.Second

// clusterFacts are what the controller knows about nodes and agents at one moment.
type clusterFacts struct {
	nodes  []metav1.PartialObjectMetadata
	pods   []corev1.Pod // of agents
	states []v1alpha1.NetLabNodeState
	// departed are agent pods that are gone, by node.
	departed map[string]departure
	now      time.Time
}

// departure is when an agent's pod was seen to go.
type departure struct {
	pod types.UID
	at  time.Time
}

// nodesFor lists, by name, the nodes that should carry a lab: those that its placement selects
// and that run an agent. An agent runs where a pod of it is scheduled or was until a moment
// ago, and where somebody started one by hand, whose report has no pod UID: that one counts
// while its Node exists, for there is no pod to tell whether it still runs.
//
// again is when time alone may change the answer, 0 if it will not.
func (c clusterFacts) nodesFor(lab *v1alpha1.NetLab, selector labels.Selector) (nodes []nodeFacts, again time.Duration) {
	for _, node := range c.nodes {
		if !selector.Matches(labels.Set(node.Labels)) {
			continue
		}
		agent := c.agentOn(node.Name)
		if !agent.present {
			continue
		}
		again = sooner(again, agent.again)
		nodes = append(nodes, agent.factsOf(lab, node.Name))
	}
	slices.SortFunc(nodes, func(a, b nodeFacts) int { return cmp.Compare(a.name, b.name) })
	return nodes, again
}

// agentFacts are what is known about the agent of one node.
type agentFacts struct {
	present bool
	// counts: its report may be believed.
	counts bool
	state  *v1alpha1.NetLabNodeState
	// again is when that may change, 0 if it will not.
	again time.Duration
}

// factsOf says what the agent has to say about a lab. Of a lab that did not fit its report it
// says nothing.
func (a agentFacts) factsOf(lab *v1alpha1.NetLab, node string) nodeFacts {
	if !a.counts {
		return nodeFacts{name: node, silent: true}
	}
	said := a.state.Status
	report := reportOn(lab, a.state)
	return nodeFacts{name: node, report: report, silent: report == nil && int(said.LabCount) > len(said.Labs)}
}

func (c clusterFacts) agentOn(node string) agentFacts {
	state := c.stateOf(node)
	if state != nil && startedByHand(state.Status.Agent) {
		return agentFacts{present: true, counts: true, state: state}
	}
	pods := c.podsOn(node)
	leave, gone := c.departed[node]
	grace := c.now.Sub(leave.at)
	facts := agentFacts{present: len(pods) > 0 || gone && grace < reportGrace, state: state}
	if len(pods) == 0 && facts.present {
		facts.again = reportGrace - grace
	}
	if state == nil || state.Status.Agent.PodUID == "" {
		return facts
	}
	until, backed := c.backed(state.Status.Agent.PodUID, pods, leave)
	switch left := until.Sub(c.now); {
	case backed:
		facts.counts = true
	case left > 0:
		facts.counts, facts.again = true, left
	}
	return facts
}

// backed reports whether a Ready pod stands behind a report, or else until when the report
// counts nevertheless.
func (c clusterFacts) backed(reporter types.UID, pods []*corev1.Pod, leave departure) (until time.Time, backed bool) {
	for _, pod := range pods {
		if pod.UID == reporter {
			ready, since := podReady(pod)
			return since.Add(reportGrace), ready
		}
	}
	if leave.pod == reporter {
		until = leave.at
	}
	// After a restart of the controller only the successor tells when the pod went.
	for _, pod := range pods {
		if pod.CreationTimestamp.After(until) {
			until = pod.CreationTimestamp.Time
		}
	}
	return until.Add(reportGrace), false
}

func podReady(pod *corev1.Pod) (ready bool, since time.Time) {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue, c.LastTransitionTime.Time
		}
	}
	return false, pod.CreationTimestamp.Time
}

// startedByHand reports whether an agent reports that runs in no pod.
func startedByHand(agent v1alpha1.AgentIdentity) bool {
	return agent.PodUID == "" && agent.Version != ""
}

func (c clusterFacts) stateOf(node string) *v1alpha1.NetLabNodeState {
	for i := range c.states {
		if c.states[i].Name == node {
			return &c.states[i]
		}
	}
	return nil
}

func (c clusterFacts) podsOn(node string) []*corev1.Pod {
	var list []*corev1.Pod
	for i := range c.pods {
		if c.pods[i].Spec.NodeName == node {
			list = append(list, &c.pods[i])
		}
	}
	return list
}

// reportOn returns the report on the lab's current generation, nil if there is none yet.
func reportOn(lab *v1alpha1.NetLab, state *v1alpha1.NetLabNodeState) *v1alpha1.LabReport {
	for i := range state.Status.Labs {
		report := &state.Status.Labs[i]
		if report.UID == lab.UID && report.ObservedGeneration == lab.Generation {
			return report
		}
	}
	return nil
}

// sooner is the shorter of two waits, where 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
