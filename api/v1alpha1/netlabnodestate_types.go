// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// NetLabNodeState is the report of one cluster node about its labs. It has the
// name of the node. The controller creates and deletes it; only the agent of
// that node writes its status.
//
// It has no ages, round-trip times or counters, which are metrics: while
// nothing changes, the agent writes nothing.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=nlns
// +kubebuilder:printcolumn:name="Labs",type=integer,JSONPath=`.status.labCount`
// +kubebuilder:printcolumn:name="Ready",type=integer,JSONPath=`.status.readyCount`
// +kubebuilder:printcolumn:name="Agent",type=string,JSONPath=`.status.agent.version`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NetLabNodeState struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status is the report of the node's agent. It has at most 512 KiB of JSON: a
	// larger report loses first the lists in drift, then the messages of
	// failingProbes, then the last labs.
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

// NetLabNodeStateStatus is the report of an agent.
type NetLabNodeStateStatus struct {
	// agent identifies the agent that wrote the report.
	// +optional
	Agent AgentIdentity `json:"agent,omitempty"`
	// labCount is the number of labs of the agent. It exceeds the length of labs
	// if some did not fit into the report.
	// +optional
	LabCount int32 `json:"labCount"`
	// readyCount is the number of labs that are ready on the node.
	// +optional
	ReadyCount int32 `json:"readyCount"`
	// labs has one report for each lab, sorted by namespace and name. At most
	// 4096; labCount has the number of all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4096
	Labs []LabReport `json:"labs,omitempty"`
}

// AgentIdentity identifies an agent.
type AgentIdentity struct {
	// podUID is the UID of the agent's pod. It is empty for an agent that runs
	// outside of a pod.
	// +optional
	PodUID types.UID `json:"podUID,omitempty"`
	// version is the version of the agent.
	// +optional
	Version string `json:"version,omitempty"`
}

// LabReport is the state of one lab on one cluster node. A lab that is ready
// there has the field ready; any other lab has the field findings.
type LabReport struct {
	// namespace is the namespace of the NetLab.
	Namespace string `json:"namespace"`
	// name is the name of the NetLab.
	Name string `json:"name"`
	// uid is the UID of the NetLab.
	UID types.UID `json:"uid"`
	// observedGeneration is the generation of the spec that this report describes.
	ObservedGeneration int64 `json:"observedGeneration"`
	// ready is present if Accepted, Realized and Reachable are True on this node.
	// Its value is the reason of Reachable: AllProbesPass or NoProbes.
	// +optional
	Ready string `json:"ready,omitempty"`
	// findings is present if one of Accepted, Realized and Reachable is not True
	// on this node.
	// +optional
	Findings *Findings `json:"findings,omitempty"`
	// drift lists up to 8 commands that would remove the differences between
	// kernel and spec. It is present only with driftPolicy: Report.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Drift []string `json:"drift,omitempty"`
	// driftOmitted is the number of differences that drift has no room for.
	// +optional
	DriftOmitted int32 `json:"driftOmitted,omitempty"`
	// failingProbes lists the probes without the expected outcome on this node, at
	// most once per address family.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=512
	FailingProbes []ProbeReport `json:"failingProbes,omitempty"`
}

// Findings are the three conditions of a lab on one cluster node.
type Findings struct {
	// accepted indicates whether the spec is valid.
	Accepted Finding `json:"accepted"`
	// realized indicates whether the node's kernel holds the lab as the spec
	// describes it.
	Realized Finding `json:"realized"`
	// reachable indicates whether every probe has its expected outcome on this
	// node.
	Reachable Finding `json:"reachable"`
}

// Finding is a condition without its time.
type Finding struct {
	// status is True, False or Unknown.
	Status metav1.ConditionStatus `json:"status"`
	// reason is one of the reasons of the condition of the same name in the status
	// of a NetLab.
	Reason string `json:"reason"`
	// message explains the reason. It is empty if status is True.
	// +optional
	Message string `json:"message,omitempty"`
}

// ProbeReport is a probe without the expected outcome on this node.
type ProbeReport struct {
	// name is the name of the probe.
	Name string `json:"name"`
	// family is the address family in which the probe fails.
	Family Family `json:"family"`
	// reason is the diagnosed cause, one of the reasons for Reachable=False.
	Reason string `json:"reason"`
	// message explains the cause and has the fix.
	Message string `json:"message"`
}
