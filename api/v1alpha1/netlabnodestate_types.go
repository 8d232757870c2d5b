// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// NetLabNodeState is what the agent of one node reports about its labs. It has the
// node's name; only that node's agent writes its status. It carries no ages, round-trip
// times or counters, so that a quiet lab writes nothing: those are metrics.
//
// It is not in the category netlab: kubectl takes that word for the category before it takes it
// for the singular of NetLab, and with two resources in it "kubectl get netlab NAME" would fail.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=nlns
// +kubebuilder:printcolumn:name="Labs",type=integer,JSONPath=`.status.labCount`
// +kubebuilder:printcolumn:name="Agent",type=string,JSONPath=`.status.agent.version`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NetLabNodeState struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Status NetLabNodeStateStatus `json:"status,omitempty"`
}

// NetLabNodeStateList is a list of NetLabNodeStates.
//
// +kubebuilder:object:root=true
type NetLabNodeStateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NetLabNodeState `json:"items"`
}

// NetLabNodeStateStatus is one agent's report.
type NetLabNodeStateStatus struct {
	// Who reports.
	// +optional
	Agent AgentIdentity `json:"agent,omitempty"`
	// How many labs the agent has, also those that did not fit the list.
	// +optional
	LabCount int32 `json:"labCount,omitempty"`
	// One entry per lab, by namespace and name.
	// +optional
	// +listType=atomic
	Labs []LabReport `json:"labs,omitempty"`
}

// AgentIdentity says which agent a report is from.
type AgentIdentity struct {
	// The UID of the agent's pod; empty for an agent that runs outside the cluster.
	// +optional
	PodUID types.UID `json:"podUID,omitempty"`
	// The agent's version.
	// +optional
	Version string `json:"version,omitempty"`
}

// LabReport is one lab on one node. It says either why the lab is ready there or what was found
// instead. Nearly all of what nodes say is that labs are ready, so that is one word: an API server
// keeps the reports of the last minutes in memory, as objects with a map for every pair of braces.
type LabReport struct {
	// The NetLab's namespace.
	Namespace string `json:"namespace"`
	// The NetLab's name.
	Name string `json:"name"`
	// The NetLab's UID.
	UID types.UID `json:"uid"`
	// The generation this report speaks of.
	ObservedGeneration int64 `json:"observedGeneration"`
	// Set where the lab is accepted, realized and reachable: the reason of the last,
	// AllProbesPass or NoProbes.
	// +optional
	Ready string `json:"ready,omitempty"`
	// What was found where the lab is not ready.
	// +optional
	Findings *Findings `json:"findings,omitempty"`
	// Differences left alone under driftPolicy Report, as ip commands; at most 8.
	// +optional
	// +listType=atomic
	Drift []string `json:"drift,omitempty"`
	// Probes that do not have the expected outcome.
	// +optional
	// +listType=atomic
	FailingProbes []ProbeReport `json:"failingProbes,omitempty"`
}

// Findings are what one look at a lab on one node found.
type Findings struct {
	// Whether the spec is one that can be built.
	Accepted Finding `json:"accepted"`
	// Whether a fresh look at the kernel found the lab as described.
	Realized Finding `json:"realized"`
	// Whether every probe has the expected outcome.
	Reachable Finding `json:"reachable"`
}

// Finding is a condition without time: status, reason and message.
type Finding struct {
	// True, False or Unknown.
	Status metav1.ConditionStatus `json:"status"`
	// A reason documented in conditions.go.
	Reason string `json:"reason"`
	// The same for people; left out where the status is True.
	// +optional
	Message string `json:"message,omitempty"`
}

// ProbeReport is a probe that fails on this node.
type ProbeReport struct {
	// The probe.
	Name string `json:"name"`
	// The family in which it fails.
	Family Family `json:"family"`
	// The diagnosed cause, a reason of the Reachable condition.
	Reason string `json:"reason"`
	// The cause and the cure, for people.
	Message string `json:"message"`
}
