// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"cmp"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/status"
)

// reportGrace is how long a report counts after its pod stopped being Ready: a rolling update of the agent
// does not turn labs Unknown.
const reportGrace = 30 * time.Second

// agentFacts are what is known of the agent of one node.
type agentFacts struct {
	present bool
	// counts: its report is current.
	counts bool
	state  *v1alpha1.NetLabNodeState
	// again is when that may change with time alone, 0 for never.
	again time.Duration
}

// factsOf returns the facts about a lab on the agent's node. If the report had no room for all labs, a
// missing one is Unavailable, not unbuilt.
func (a agentFacts) factsOf(lab *v1alpha1.NetLab, node string) status.NodeFacts {
	if !a.counts {
		return status.NodeFacts{Name: node, Unavailable: true}
	}
	said := a.state.Status
	report := reportOn(lab, a.state)
	return status.NodeFacts{Name: node, Report: report, Unavailable: report == nil && int(said.LabCount) > len(said.Labs)}
}

// agent is called with the roster's lock held.
func (e *rosterEntry) agent(now time.Time) agentFacts {
	if e.state != nil && startedByHand(e.state.Status.Agent) {
		return agentFacts{present: true, counts: true, state: e.state}
	}
	grace := now.Sub(e.lastDeleted.at)
	facts := agentFacts{present: len(e.pods) > 0 || grace < reportGrace, state: e.state}
	if len(e.pods) == 0 && facts.present {
		facts.again = reportGrace - grace
	}
	if e.state == nil || e.state.Status.Agent.PodUID == "" {
		return facts
	}
	until, backed := e.backed()
	switch left := until.Sub(now); {
	case backed:
		facts.counts = true
	case left > 0:
		facts.counts, facts.again = true, left
	}
	return facts
}

// backed reports whether a Ready pod backs the report. If not, the report counts until then.
func (e *rosterEntry) backed() (until time.Time, backed bool) {
	reporter := e.state.Status.Agent.PodUID
	for _, pod := range e.pods {
		if pod.uid == reporter {
			return pod.since.Add(reportGrace), pod.ready
		}
	}
	if e.lastDeleted.pod == reporter {
		until = e.lastDeleted.at
	}
	// After a restart of the controller only the next pod's creation shows when the old one went.
	for _, pod := range e.pods {
		if pod.created.After(until) {
			until = pod.created
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

// startedByHand reports whether the reporting agent runs outside a pod.
func startedByHand(agent v1alpha1.AgentIdentity) bool {
	return agent.PodUID == "" && agent.Version != ""
}

// reportOn returns the report on the lab's current generation, or nil. Reports are sorted by name.
func reportOn(lab *v1alpha1.NetLab, state *v1alpha1.NetLabNodeState) *v1alpha1.LabReport {
	reports := state.Status.Labs
	i := sort.Search(len(reports), func(i int) bool {
		return cmp.Or(cmp.Compare(reports[i].Namespace, lab.Namespace), cmp.Compare(reports[i].Name, lab.Name)) >= 0
	})
	if i == len(reports) || reports[i].UID != lab.UID || reports[i].ObservedGeneration != lab.Generation || !status.HasConditions(&reports[i]) {
		return nil
	}
	return &reports[i]
}

// sooner is the shorter of two delays, where 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
