// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// Limits of what a NetLab's status holds: its size does not grow with the number of nodes.
const (
	maxNodeSummaries = 16
	maxNamesListed   = 3
	maxTextsListed   = 3
)

// stalledAfter is how long a node may fail to build a lab before the lab is Stalled.
const stalledAfter = 60 * time.Second

// Facts are what the controller knows about a lab at one moment.
type Facts struct {
	// NetLab has the status that was written last.
	NetLab   *v1alpha1.NetLab
	Problems lab.Problems
	// Nodes are the selected nodes that run an agent, by name.
	Nodes []NodeFacts
	Now   time.Time
}

// NodeFacts are what the controller knows about a lab on one node.
type NodeFacts struct {
	Name string
	// Unavailable: there is no current report of the node's agent.
	Unavailable bool
	// Report is nil until the agent has reported on the lab's current generation.
	Report *v1alpha1.LabReport
}

// Summarize folds the facts about a lab into its status. It is pure. The result may change with time
// alone: again is when to call it next, 0 for never.
//
//	situation                             Accepted       Realized                      Reachable                     Ready                     also
//	not seen yet (the CRD's default)      Unknown/Pending  …                           …                             Unknown/Pending           –
//	invalid spec                          False/Invalid  Unknown/NotAccepted           Unknown/NotAccepted           False/Invalid             Stalled
//	suspended                             True           Unknown/Suspended             Unknown/Suspended             Unknown/Suspended         –
//	no node selected                      True           False/NoNodesSelected         Unknown/NotRealized           False/NoNodesSelected     Stalled
//	building                              True           False/Progressing             Unknown/NotRealized           False/Progressing         Reconciling
//	a node cannot build                   True           False/<reason>                Unknown/NotRealized           False/<reason>            Reconciling, Stalled after 60 s
//	drift under Report                    True           False/Drifted                 as probed                     False/Drifted             Drifted
//	more than maxUnavailable unavailable  True           Unknown/NodesUnavailable      Unknown/NodesUnavailable      Unknown/NodesUnavailable  –
//	a node's kernel cannot be read        True           Unknown/ObservationFailed     Unknown/NotRealized           Unknown/ObservationFailed –
//	built, no probes                      True           True/Realized                 True/NoProbes                 True/Ready                –
//	built, first results pending          True           True/Realized                 Unknown/Pending               False/Progressing         Reconciling
//	built, a probe could not be sent      True           True/Realized                 Unknown/ProbeError            Unknown/ProbeError        –
//	a probe fails on any node             True           True/Realized                 False/<cause>                 False/<cause>             Stalled
//	built, every probe as expected        True           True/Realized                 True/AllProbesPass            True/Ready                –
//
// Over nodes, False beats Unknown, and Unknown beats True. An unavailable node within maxUnavailable
// does not count, but nothing is True until at least one node has reported.
func Summarize(f Facts) (status v1alpha1.NetLabStatus, again time.Duration) {
	c := f.conditions()
	ready := c.Ready()
	conditions := []metav1.Condition{
		condition(v1alpha1.ConditionReady, ready),
		condition(v1alpha1.ConditionAccepted, c.Accepted),
		condition(v1alpha1.ConditionRealized, c.Realized),
		condition(v1alpha1.ConditionReachable, c.Reachable),
	}
	progress, again := progressOf(f, c, ready)
	conditions = append(conditions, progress...)
	if drifted, is := foldDrift(f); is {
		conditions = append(conditions, condition(v1alpha1.ConditionDrifted, drifted))
	}
	status = v1alpha1.NetLabStatus{
		ObservedGeneration: f.NetLab.Generation,
		Ready:              ready.Status,
		Reason:             ready.Reason,
		Conditions:         dated(conditions, f),
		Nodes:              countNodes(f.Nodes),
	}
	if isTrue(c.Accepted) && !f.NetLab.Spec.Suspend {
		status.NodeSummaries = summarizeNodes(f.Nodes)
		status.NodeSummariesOmitted = int32(len(f.Nodes) - len(status.NodeSummaries))
		status.FailingProbes, status.FailingProbesOmitted = failingProbes(f.Nodes)
	}
	status.Probes = countProbes(f, c.Reachable, status.FailingProbes)
	return status, again
}

// conditions picks the row of Summarize's table.
func (f Facts) conditions() Conditions {
	switch {
	case len(f.Problems) > 0:
		return invalid(f.Problems)
	case f.NetLab.Spec.Suspend:
		return suspended()
	case len(f.Nodes) == 0:
		return Conditions{
			Accepted:  Valid(),
			Realized:  False(v1alpha1.ReasonNoNodesSelected, "placement selects no node that runs an agent"),
			Reachable: notRealized(),
		}
	}
	return Conditions{Accepted: foldAccepted(f), Realized: foldRealized(f), Reachable: foldReachable(f)}
}

// foldAccepted is False for a spec that the controller finds valid only if an agent of another version
// refuses it.
func foldAccepted(f Facts) v1alpha1.Finding {
	refused := findingsOf(f.Nodes, metav1.ConditionFalse, acceptedOn)
	if len(refused) > 0 {
		return worst(refused)
	}
	return Valid()
}

func foldRealized(f Facts) v1alpha1.Finding {
	if falseOn := findingsOf(f.Nodes, metav1.ConditionFalse, realizedOn); len(falseOn) > 0 {
		return withOtherNodes(worst(falseOn))
	}
	if f.tooManyUnavailable() {
		return f.nodesUnavailable()
	}
	if unknownOn := findingsOf(f.Nodes, metav1.ConditionUnknown, realizedOn); len(unknownOn) > 0 {
		return worst(unknownOn)
	}
	return True(v1alpha1.ReasonRealized, matchesSpec+" on "+f.reportingNodes())
}

// withOtherNodes adds the fix that only a cluster has.
func withOtherNodes(realized v1alpha1.Finding) v1alpha1.Finding {
	if realized.Reason == v1alpha1.ReasonKernelFeatureMissing {
		realized.Message += "; or select other nodes with spec.placement"
	}
	return realized
}

func foldReachable(f Facts) v1alpha1.Finding {
	if falseOn := findingsOf(f.Nodes, metav1.ConditionFalse, reachableOn); len(falseOn) > 0 {
		return worst(falseOn)
	}
	if f.tooManyUnavailable() {
		return f.nodesUnavailable()
	}
	if unknownOn := findingsOf(f.Nodes, metav1.ConditionUnknown, reachableOn); len(unknownOn) > 0 {
		return worst(unknownOn)
	}
	if len(f.NetLab.Spec.Probes) == 0 {
		return noProbes(f.NetLab)
	}
	return allProbesPass()
}

// foldDrift reports whether a node differs from the spec under driftPolicy Report.
func foldDrift(f Facts) (v1alpha1.Finding, bool) {
	var drifted []nodeFinding
	for _, found := range findingsOf(f.Nodes, metav1.ConditionFalse, realizedOn) {
		if found.Reason == v1alpha1.ReasonDrifted && !f.NetLab.Spec.Suspend {
			drifted = append(drifted, found)
		}
	}
	if len(drifted) == 0 {
		return v1alpha1.Finding{}, false
	}
	finding := worst(drifted)
	finding.Status = metav1.ConditionTrue
	return finding, true
}

// nodeFinding is a finding with its node.
type nodeFinding struct {
	v1alpha1.Finding
	node string
}

// findingsOf lists the findings of available nodes with the given status.
func findingsOf(nodes []NodeFacts, status metav1.ConditionStatus, on func(NodeFacts) v1alpha1.Finding) []nodeFinding {
	var list []nodeFinding
	for _, n := range nodes {
		if n.Unavailable {
			continue
		}
		if finding := on(n); finding.Status == status {
			list = append(list, nodeFinding{finding, n.Name})
		}
	}
	return list
}

func acceptedOn(n NodeFacts) v1alpha1.Finding {
	if n.Report == nil {
		return Valid()
	}
	return ConditionsIn(n.Report).Accepted
}

func realizedOn(n NodeFacts) v1alpha1.Finding {
	if n.Report == nil {
		return False(v1alpha1.ReasonProgressing, "not built yet")
	}
	return ConditionsIn(n.Report).Realized
}

func reachableOn(n NodeFacts) v1alpha1.Finding {
	if n.Report == nil {
		return notRealized()
	}
	return ConditionsIn(n.Report).Reachable
}

// reasonsByWeight orders the reasons of several nodes: first those that need a user or an
// administrator, last those that pass without one. Reasons that are not listed are causes of failing
// probes and come before all others.
var reasonsByWeight = []string{
	v1alpha1.ReasonConflict,
	v1alpha1.ReasonKernelFeatureMissing,
	v1alpha1.ReasonLimitExceeded,
	v1alpha1.ReasonKernelError,
	v1alpha1.ReasonDrifted,
	v1alpha1.ReasonObservationFailed,
	v1alpha1.ReasonProbeError,
	v1alpha1.ReasonNotAccepted,
	v1alpha1.ReasonProgressing,
	v1alpha1.ReasonNotRealized,
	v1alpha1.ReasonPending,
	v1alpha1.ReasonSuspended,
}

// worst folds the findings of several nodes into one: the first reason by weight, and the messages of the
// nodes with it. Nodes with equal messages share one.
func worst(found []nodeFinding) v1alpha1.Finding {
	weight := func(f nodeFinding) int { return slices.Index(reasonsByWeight, f.Reason) }
	first := slices.MinFunc(found, func(a, b nodeFinding) int { return cmp.Compare(weight(a), weight(b)) })
	var messages []string
	on := map[string][]string{}
	for _, f := range found {
		if f.Reason != first.Reason {
			continue
		}
		if len(on[f.Message]) == 0 {
			messages = append(messages, f.Message)
		}
		on[f.Message] = append(on[f.Message], f.node)
	}
	finding := first.Finding
	finding.Message = foldMessages(messages, on)
	return finding
}

// foldMessages names the nodes of each message.
func foldMessages(messages []string, on map[string][]string) string {
	var parts []string
	for _, message := range messages[:min(len(messages), maxTextsListed)] {
		part := on[message][0] + ": " + Shorten(message, maxMessageBytes/maxTextsListed)
		if others := on[message][1:]; len(others) > 0 {
			part += " (also on " + nameNodes(others) + ")"
		}
		parts = append(parts, part)
	}
	more := 0
	for _, message := range messages[len(parts):] {
		more += len(on[message])
	}
	if more > 0 {
		parts = append(parts, "other messages from "+CountOf(more, "more node"))
	}
	return strings.Join(parts, "; ")
}

// tooManyUnavailable reports whether the available nodes are too few to decide for the lab.
func (f Facts) tooManyUnavailable() bool {
	n := len(f.unavailableNodes())
	return n == len(f.Nodes) || n > f.maxUnavailable()
}

// maxUnavailable is placement.maxUnavailable as a number of nodes; percentages are rounded down.
func (f Facts) maxUnavailable() int {
	if f.NetLab.Spec.Placement == nil || f.NetLab.Spec.Placement.MaxUnavailable == nil {
		return 0
	}
	allowed, err := intstr.GetScaledValueFromIntOrPercent(f.NetLab.Spec.Placement.MaxUnavailable, len(f.Nodes), false)
	if err != nil {
		return 0
	}
	return allowed
}

func (f Facts) unavailableNodes() []string {
	var names []string
	for _, n := range f.Nodes {
		if n.Unavailable {
			names = append(names, n.Name)
		}
	}
	return names
}

func (f Facts) nodesUnavailable() v1alpha1.Finding {
	return Unknown(v1alpha1.ReasonNodesUnavailable, "no report from the agent on "+nameNodes(f.unavailableNodes()))
}

func (f Facts) reportingNodes() string {
	missing := f.unavailableNodes()
	if len(missing) == 0 {
		return CountOf(len(f.Nodes), "node")
	}
	return fmt.Sprintf("%d of %s (no report from %s)", len(f.Nodes)-len(missing), CountOf(len(f.Nodes), "node"), nameNodes(missing))
}

// progressOf decides between Reconciling (work goes on) and Stalled (a user or an administrator must act).
func progressOf(f Facts, c Conditions, ready v1alpha1.Finding) (conditions []metav1.Condition, again time.Duration) {
	stalled := v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message}
	reconciling := v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgressing, Message: ready.Message}
	switch {
	case ready.Status != metav1.ConditionFalse || ready.Reason == v1alpha1.ReasonDrifted:
		return nil, 0
	case ready.Reason == v1alpha1.ReasonProgressing:
		return []metav1.Condition{condition(v1alpha1.ConditionReconciling, reconciling)}, 0
	case cannotBuild(c.Realized):
		if wait := untilStalled(f); wait > 0 {
			return []metav1.Condition{condition(v1alpha1.ConditionReconciling, reconciling)}, wait
		}
	}
	return []metav1.Condition{condition(v1alpha1.ConditionStalled, stalled)}, 0
}

// cannotBuild reports whether a node tried to build the lab and failed.
func cannotBuild(realized v1alpha1.Finding) bool {
	switch realized.Reason {
	case v1alpha1.ReasonConflict, v1alpha1.ReasonKernelFeatureMissing, v1alpha1.ReasonKernelError, v1alpha1.ReasonLimitExceeded:
		return true
	}
	return false
}

// untilStalled is the time left before a lab that cannot be built is Stalled. The clock starts when
// Reconciling turns True, and again with each generation.
func untilStalled(f Facts) time.Duration {
	before := f.NetLab.Status.Conditions
	if c := meta.FindStatusCondition(before, v1alpha1.ConditionStalled); c != nil && c.ObservedGeneration == f.NetLab.Generation {
		return 0
	}
	since := f.Now
	if c := meta.FindStatusCondition(before, v1alpha1.ConditionReconciling); c != nil && c.ObservedGeneration == f.NetLab.Generation {
		since = c.LastTransitionTime.Time
	}
	return min(stalledAfter, max(0, stalledAfter-f.Now.Sub(since)))
}

// fromAfter reports whether a condition began so long after now that the clock has been set back: until the time
// comes again, nothing would be stalled. Clocks of two controllers may differ a little.
func fromAfter(c *metav1.Condition, now time.Time) bool {
	return c.LastTransitionTime.After(now.Add(stalledAfter))
}

func condition(kind string, f v1alpha1.Finding) metav1.Condition {
	return metav1.Condition{Type: kind, Status: f.Status, Reason: f.Reason, Message: shortened(f.Message)}
}

// dated sets the generation and the transition time of each condition. The time of Reconciling also
// changes with each generation: untilStalled reads it.
func dated(conditions []metav1.Condition, f Facts) []metav1.Condition {
	for i := range conditions {
		c := &conditions[i]
		c.ObservedGeneration = f.NetLab.Generation
		c.LastTransitionTime = metav1.NewTime(f.Now.Truncate(time.Second))
		before := meta.FindStatusCondition(f.NetLab.Status.Conditions, c.Type)
		if before == nil || before.Status != c.Status || f.NetLab.Status.ObservedGeneration < 0 || fromAfter(before, f.Now) {
			continue
		}
		if c.Type != v1alpha1.ConditionReconciling || before.ObservedGeneration == c.ObservedGeneration {
			c.LastTransitionTime = before.LastTransitionTime
		}
	}
	return conditions
}

func countNodes(nodes []NodeFacts) v1alpha1.NodeCounts {
	counts := v1alpha1.NodeCounts{Selected: int32(len(nodes))}
	ready := 0
	for _, n := range nodes {
		if n.Unavailable {
			counts.Unknown++
			continue
		}
		realized, reachable := isTrue(realizedOn(n)), isTrue(reachableOn(n))
		counts.Realized += CountTrue(realized)
		counts.Reachable += CountTrue(reachable)
		if realized && reachable {
			ready++
		}
	}
	counts.Summary = fmt.Sprintf("%d/%d", ready, len(nodes))
	return counts
}

// CountTrue is 1 for true.
func CountTrue(is bool) int32 {
	if is {
		return 1
	}
	return 0
}

// summarizeNodes lists nodes that are False, then Unknown, then True, each by name.
func summarizeNodes(nodes []NodeFacts) []v1alpha1.NodeSummary {
	summaries := make([]v1alpha1.NodeSummary, 0, min(len(nodes), maxNodeSummaries))
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown, metav1.ConditionTrue} {
		for _, n := range nodes {
			if len(summaries) == maxNodeSummaries {
				return summaries
			}
			if ready := readyOn(n); ready.Status == status {
				summaries = append(summaries, v1alpha1.NodeSummary{
					Name: n.Name, Ready: ready.Status, Reason: ready.Reason, Message: shortened(ready.Message),
				})
			}
		}
	}
	return summaries
}

func readyOn(n NodeFacts) v1alpha1.Finding {
	if n.Unavailable {
		return Unknown(v1alpha1.ReasonNodesUnavailable, "no report from the agent")
	}
	ready := Conditions{acceptedOn(n), realizedOn(n), reachableOn(n)}.Ready()
	if isTrue(ready) {
		ready.Message = ""
	}
	return ready
}

func nameNodes(names []string) string {
	if len(names) <= maxNamesListed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %s", strings.Join(names[:maxNamesListed], ", "), CountOf(len(names)-maxNamesListed, "more node"))
}
