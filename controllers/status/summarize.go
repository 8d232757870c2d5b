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

// Limits of what a NetLab's status holds, so that it stays small however many nodes there are.
const (
	maxNodeSummaries = 16
	maxFailingProbes = 32
	maxNamesListed   = 3
)

// stalledAfter is how long a node may fail to build a lab before the lab counts as stalled.
const stalledAfter = 60 * time.Second

// Facts are what the controller knows about a lab at one moment.
type Facts struct {
	// lab has the status that was written before.
	NetLab   *v1alpha1.NetLab
	Problems lab.Problems
	// nodes are those that should carry the lab, by name.
	Nodes []NodeFacts
	Now   time.Time
}

// NodeFacts are what the controller knows about a lab on one node.
type NodeFacts struct {
	Name string
	// silent: no agent is there whose report could be believed.
	Silent bool
	// report is nil until the agent has reported on the lab's current generation.
	Report *v1alpha1.LabReport
}

// Summarize folds what is known about a lab into its status. It is pure; again is when to
// ask anew because time alone will change the answer, 0 if it will not.
//
//	situation                             Accepted       Realized                      Reachable                     Ready                     also
//	not seen yet (the CRD's default)      Unknown/Pending  …                           …                             Unknown/Pending           –
//	invalid spec                          False/Invalid  Unknown/NotAccepted           Unknown/NotAccepted           False/Invalid             Stalled
//	suspended                             True           Unknown/Suspended             Unknown/Suspended             Unknown/Suspended         –
//	no node selected                      True           False/NoNodesSelected         Unknown/NotRealized           False/NoNodesSelected     Stalled
//	building                              True           False/Progressing             Unknown/NotRealized           False/Progressing         Reconciling
//	a node cannot build                   True           False/<reason>                Unknown/NotRealized           False/<reason>            Reconciling, Stalled after 60 s
//	drift under Report                    True           False/Drifted                 as probed                     False/Drifted             Drifted
//	more than maxUnavailable silent       True           Unknown/NodesUnavailable      Unknown/NodesUnavailable      Unknown/NodesUnavailable  –
//	a node's kernel cannot be read        True           Unknown/ObservationFailed     Unknown/NotRealized           Unknown/ObservationFailed –
//	built, no probes                      True           True/Realized                 True/NoProbes                 True/Ready                –
//	built, first verdicts open            True           True/Realized                 Unknown/Pending               False/Progressing         Reconciling
//	built, probes could not ask           True           True/Realized                 Unknown/ProbeError            Unknown/ProbeError        –
//	a probe fails on any node             True           True/Realized                 False/<cause>                 False/<cause>             Stalled
//	built, every probe as expected        True           True/Realized                 True/AllProbesPass            True/Ready                –
//
// Over nodes, False beats Unknown beats True. A silent node within maxUnavailable has no say,
// but at least one node must have reported before anything is True.
func Summarize(f Facts) (status v1alpha1.NetLabStatus, again time.Duration) {
	v := judge(f)
	ready := v.Ready()
	conditions := []metav1.Condition{
		condition(v1alpha1.ConditionReady, ready),
		condition(v1alpha1.ConditionAccepted, v.Accepted),
		condition(v1alpha1.ConditionRealized, v.Realized),
		condition(v1alpha1.ConditionReachable, v.Reachable),
	}
	progress, again := progressOf(f, v, ready)
	conditions = append(conditions, progress...)
	if drifted, is := foldDrift(f); is {
		conditions = append(conditions, condition(v1alpha1.ConditionDrifted, drifted))
	}
	status = v1alpha1.NetLabStatus{
		ObservedGeneration: f.NetLab.Generation,
		Conditions:         dated(conditions, f),
		Nodes:              countNodes(f.Nodes),
	}
	if v.Accepted.Status == metav1.ConditionTrue && !f.NetLab.Spec.Suspend {
		status.NodeSummaries = summarizeNodes(f.Nodes)
		status.FailingProbes = failingProbes(f.Nodes)
	}
	return status, again
}

// judge picks the row of summarize's table.
func judge(f Facts) Conditions {
	switch {
	case len(f.Problems) > 0:
		return invalidVerdict(f.Problems)
	case f.NetLab.Spec.Suspend:
		return suspendedVerdict()
	case len(f.Nodes) == 0:
		return Conditions{
			Accepted:  Valid(),
			Realized:  False(v1alpha1.ReasonNoNodesSelected, "placement selects no node that runs an agent"),
			Reachable: Unknown(v1alpha1.ReasonNotRealized, "probes run only while the lab is realized"),
		}
	}
	return Conditions{Accepted: foldAccepted(f), Realized: foldRealized(f), Reachable: foldReachable(f)}
}

// Ready is the one answer to "is the lab there and reachable?": the worst of the three, the
// earlier one where two are equally bad. An open first verdict is work under way, not doubt.
func (v Conditions) Ready() v1alpha1.Finding {
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, f := range []v1alpha1.Finding{v.Accepted, v.Realized, v.Reachable} {
			if f.Status != status {
				continue
			}
			if f.Reason == v1alpha1.ReasonPending {
				return False(v1alpha1.ReasonProgressing, f.Message)
			}
			return f
		}
	}
	return True(v1alpha1.ReasonReady, v.Realized.Message+"; "+v.Reachable.Message)
}

// foldAccepted differs from the controller's own judgement only where an agent is of another version.
func foldAccepted(f Facts) v1alpha1.Finding {
	refused := findingsOf(f.Nodes, metav1.ConditionFalse, acceptedOn)
	if len(refused) > 0 {
		return worst(refused)
	}
	return Valid()
}

func foldRealized(f Facts) v1alpha1.Finding {
	if refutedOn := findingsOf(f.Nodes, metav1.ConditionFalse, realizedOn); len(refutedOn) > 0 {
		return worst(refutedOn)
	}
	if f.tooSilent() {
		return f.nodesUnavailable()
	}
	if unknownOn := findingsOf(f.Nodes, metav1.ConditionUnknown, realizedOn); len(unknownOn) > 0 {
		return worst(unknownOn)
	}
	return True(v1alpha1.ReasonRealized, "as described on "+f.reportingNodes())
}

func foldReachable(f Facts) v1alpha1.Finding {
	if refutedOn := findingsOf(f.Nodes, metav1.ConditionFalse, reachableOn); len(refutedOn) > 0 {
		return worst(refutedOn)
	}
	if f.tooSilent() {
		return f.nodesUnavailable()
	}
	if unknownOn := findingsOf(f.Nodes, metav1.ConditionUnknown, reachableOn); len(unknownOn) > 0 {
		return worst(unknownOn)
	}
	if len(f.NetLab.Spec.Probes) == 0 {
		return True(v1alpha1.ReasonNoProbes, "the lab has no probes")
	}
	return True(v1alpha1.ReasonAllProbesPass, "every probe has the expected outcome")
}

// foldDrift reports whether a node holds something else than described and was told to leave it.
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

// nodeFinding is a finding and the node it was made on.
type nodeFinding struct {
	v1alpha1.Finding
	node string
}

// findingsOf lists what the nodes that have a say report, where it has the given status.
func findingsOf(nodes []NodeFacts, status metav1.ConditionStatus, on func(NodeFacts) v1alpha1.Finding) []nodeFinding {
	var list []nodeFinding
	for _, n := range nodes {
		if n.Silent {
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
		return False(v1alpha1.ReasonProgressing, "being built")
	}
	return ConditionsIn(n.Report).Realized
}

func reachableOn(n NodeFacts) v1alpha1.Finding {
	if n.Report == nil {
		return Unknown(v1alpha1.ReasonNotRealized, "probes run only while the lab is realized")
	}
	return ConditionsIn(n.Report).Reachable
}

// reasonsByWeight decides which of several nodes' reasons is the lab's: first what somebody has
// to do something about, last what will pass by itself. Reasons that are not here are causes of
// failing probes and weigh the same.
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

// worst makes one finding of several nodes': the weightiest reason, the first node's message,
// and the names of the other nodes with that reason.
func worst(found []nodeFinding) v1alpha1.Finding {
	weight := func(f nodeFinding) int { return slices.Index(reasonsByWeight, f.Reason) }
	first := slices.MinFunc(found, func(a, b nodeFinding) int { return cmp.Compare(weight(a), weight(b)) })
	var others []string
	for _, f := range found {
		if f.Reason == first.Reason && f.node != first.node {
			others = append(others, f.node)
		}
	}
	finding := first.Finding
	finding.Message = first.node + ": " + finding.Message
	if len(others) > 0 {
		finding.Message += " (also on " + nameNodes(others) + ")"
	}
	return finding
}

// tooSilent reports whether so many nodes are silent that the others cannot speak for the lab.
func (f Facts) tooSilent() bool {
	silent := len(f.silentNodes())
	return silent == len(f.Nodes) || silent > f.allowedSilent()
}

// allowedSilent is placement.maxUnavailable as a number of nodes; percentages are rounded down.
func (f Facts) allowedSilent() int {
	if f.NetLab.Spec.Placement == nil || f.NetLab.Spec.Placement.MaxUnavailable == nil {
		return 0
	}
	allowed, err := intstr.GetScaledValueFromIntOrPercent(f.NetLab.Spec.Placement.MaxUnavailable, len(f.Nodes), false)
	if err != nil {
		return 0
	}
	return allowed
}

func (f Facts) silentNodes() []string {
	var names []string
	for _, n := range f.Nodes {
		if n.Silent {
			names = append(names, n.Name)
		}
	}
	return names
}

func (f Facts) nodesUnavailable() v1alpha1.Finding {
	return Unknown(v1alpha1.ReasonNodesUnavailable, "no word from the agent on "+nameNodes(f.silentNodes()))
}

func (f Facts) reportingNodes() string {
	silent := f.silentNodes()
	if len(silent) == 0 {
		return CountOf(len(f.Nodes), "node")
	}
	return fmt.Sprintf("%d of %s, no word from %s", len(f.Nodes)-len(silent), CountOf(len(f.Nodes), "node"), nameNodes(silent))
}

// progressOf says whether the lab is on its way (Reconciling) or waits for somebody to act (Stalled).
func progressOf(f Facts, v Conditions, ready v1alpha1.Finding) (conditions []metav1.Condition, again time.Duration) {
	stalled := v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: ready.Reason, Message: ready.Message}
	reconciling := v1alpha1.Finding{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonProgressing, Message: ready.Message}
	switch {
	case ready.Status != metav1.ConditionFalse || ready.Reason == v1alpha1.ReasonDrifted:
		return nil, 0
	case ready.Reason == v1alpha1.ReasonProgressing:
		return []metav1.Condition{condition(v1alpha1.ConditionReconciling, reconciling)}, 0
	case cannotBuild(v.Realized):
		if wait := untilStalled(f); wait > 0 {
			return []metav1.Condition{condition(v1alpha1.ConditionReconciling, reconciling)}, wait
		}
	}
	return []metav1.Condition{condition(v1alpha1.ConditionStalled, stalled)}, 0
}

// cannotBuild reports whether a node tried to build the lab and did not succeed.
func cannotBuild(realized v1alpha1.Finding) bool {
	switch realized.Reason {
	case v1alpha1.ReasonConflict, v1alpha1.ReasonKernelFeatureMissing, v1alpha1.ReasonKernelError, v1alpha1.ReasonLimitExceeded:
		return true
	}
	return false
}

// untilStalled is how long the lab may still fail to be built before it is stalled. The clock
// starts when Reconciling turns True, anew for each generation.
func untilStalled(f Facts) time.Duration {
	before := f.NetLab.Status.Conditions
	if c := meta.FindStatusCondition(before, v1alpha1.ConditionStalled); c != nil && c.ObservedGeneration == f.NetLab.Generation {
		return 0
	}
	since := f.Now
	if c := meta.FindStatusCondition(before, v1alpha1.ConditionReconciling); c != nil && c.ObservedGeneration == f.NetLab.Generation {
		since = c.LastTransitionTime.Time
	}
	return max(0, stalledAfter-f.Now.Sub(since))
}

func condition(kind string, f v1alpha1.Finding) metav1.Condition {
	return metav1.Condition{Type: kind, Status: f.Status, Reason: f.Reason, Message: shortened(f.Message)}
}

// dated fills in the generation and when each condition got its status. Reconciling also
// starts anew with each generation: its age is what untilStalled reads.
func dated(conditions []metav1.Condition, f Facts) []metav1.Condition {
	for i := range conditions {
		c := &conditions[i]
		c.ObservedGeneration = f.NetLab.Generation
		c.LastTransitionTime = metav1.NewTime(f.Now.Truncate(time.Second))
		before := meta.FindStatusCondition(f.NetLab.Status.Conditions, c.Type)
		if before == nil || before.Status != c.Status || f.NetLab.Status.ObservedGeneration < 0 {
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
		if n.Silent {
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

func isTrue(f v1alpha1.Finding) bool { return f.Status == metav1.ConditionTrue }

func CountTrue(is bool) int32 {
	if is {
		return 1
	}
	return 0
}

// summarizeNodes lists the worst nodes first, and nodes that are equally bad by name.
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
	if n.Silent {
		return Unknown(v1alpha1.ReasonNodesUnavailable, "no word from the agent")
	}
	ready := Conditions{acceptedOn(n), realizedOn(n), reachableOn(n)}.Ready()
	if isTrue(ready) {
		ready.Message = ""
	}
	return ready
}

func failingProbes(nodes []NodeFacts) []v1alpha1.FailingProbe {
	var list []v1alpha1.FailingProbe
	for _, n := range nodes {
		if n.Silent || n.Report == nil {
			continue
		}
		for _, p := range n.Report.FailingProbes {
			if len(list) == maxFailingProbes {
				return list
			}
			list = append(list, v1alpha1.FailingProbe{
				Node: n.Name, Name: p.Name, Family: p.Family, Reason: p.Reason, Message: shortened(p.Message),
			})
		}
	}
	return list
}

func nameNodes(names []string) string {
	if len(names) <= maxNamesListed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %s", strings.Join(names[:maxNamesListed], ", "), CountOf(len(names)-maxNamesListed, "more node"))
}

func CountOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
