// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/apiclient"
)

// goal is what a command waits for.
type goal struct {
	condition string
	status    metav1.ConditionStatus
	deleted   bool
}

var goalReady = goal{condition: v1alpha1.ConditionReady, status: metav1.ConditionTrue}

const goalDelete = "delete"

// awaitedConditions are those that wait takes; the others are present only while they are True.
var awaitedConditions = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionAccepted, v1alpha1.ConditionRealized, v1alpha1.ConditionReachable,
	v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionDrifted,
}

// parseGoal reads the value of --for as kubectl wait does. "condition=" may be left out.
func parseGoal(text string) (goal, error) {
	if text == goalDelete {
		return goal{deleted: true}, nil
	}
	name, status, given := strings.Cut(strings.TrimPrefix(text, "condition="), "=")
	if !given {
		status = string(metav1.ConditionTrue)
	}
	is := func(word string) func(string) bool {
		return func(known string) bool { return strings.EqualFold(known, word) }
	}
	condition := slices.IndexFunc(awaitedConditions, is(name))
	statuses := []string{string(metav1.ConditionTrue), string(metav1.ConditionFalse), string(metav1.ConditionUnknown)}
	wanted := slices.IndexFunc(statuses, is(status))
	if condition < 0 || wanted < 0 {
		return goal{}, fmt.Errorf("--for %s: use delete or [condition=]CONDITION[=True|False|Unknown] with CONDITION one of %s", text, strings.Join(awaitedConditions, ", "))
	}
	return goal{condition: awaitedConditions[condition], status: metav1.ConditionStatus(statuses[wanted])}, nil
}

func (g goal) String() string {
	switch {
	case g.deleted:
		return "deleted"
	case g.status == metav1.ConditionTrue:
		return g.condition
	}
	return g.condition + "=" + string(g.status)
}

func (g goal) reached(seen apiclient.Seen) bool {
	if g.deleted || seen.Deleted {
		return g.deleted && seen.Deleted
	}
	found := condition(seen.NetLab, g.condition)
	if meta.FindStatusCondition(seen.Status.Conditions, g.condition) == nil && observed(seen.NetLab) {
		found.Status = metav1.ConditionFalse // absent unless True
	}
	return found.Status == g.status && (g.status != metav1.ConditionUnknown || observed(seen.NetLab))
}

// hopeless reports whether the goal is that something becomes True that does not without a change by a
// person, and every node has said so.
func (g goal) hopeless(lab *v1alpha1.NetLab) bool {
	return !g.deleted && g.status == metav1.ConditionTrue && slices.Contains(awaitedConditions[:4], g.condition) &&
		condition(lab, g.condition).Status != metav1.ConditionTrue && final(lab)
}

// finalReasons are those of Ready that stay without a change by a person, but are not Stalled.
var finalReasons = []string{
	v1alpha1.ReasonSuspended, v1alpha1.ReasonConflict, v1alpha1.ReasonKernelFeatureMissing, v1alpha1.ReasonLimitExceeded, v1alpha1.ReasonDrifted,
}

func final(lab *v1alpha1.NetLab) bool {
	ready := condition(lab, v1alpha1.ConditionReady)
	stalled := condition(lab, v1alpha1.ConditionStalled).Status == metav1.ConditionTrue
	return (stalled || slices.Contains(finalReasons, ready.Reason)) && !slices.ContainsFunc(lab.Status.NodeSummaries, inProgress)
}

func inProgress(n v1alpha1.NodeSummary) bool {
	return n.Reason == v1alpha1.ReasonProgressing || n.Reason == v1alpha1.ReasonPending
}

// observed reports whether the status describes the spec as it is.
func observed(lab *v1alpha1.NetLab) bool { return lab.Status.ObservedGeneration == lab.Generation }
