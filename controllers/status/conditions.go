// SPDX-License-Identifier: Apache-2.0

package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Conditions are the three conditions of a lab, over all nodes or on one. Ready follows from them.
type Conditions v1alpha1.Findings

// Ready is False if one of the three is False, else Unknown if one is Unknown, else True. The first
// of those that decide gives reason and message. Waiting for the first result of a probe, or for a
// spanning tree, is work under way: it makes Ready False/Progressing, not Unknown.
func (c Conditions) Ready() v1alpha1.Finding {
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, f := range []v1alpha1.Finding{c.Accepted, c.Realized, c.Reachable} {
			if f.Status != status {
				continue
			}
			if f.Reason == v1alpha1.ReasonPending || status == metav1.ConditionUnknown && f.Reason == v1alpha1.ReasonSpanningTree {
				return False(v1alpha1.ReasonProgressing, f.Message)
			}
			return f
		}
	}
	return True(v1alpha1.ReasonReady, c.Realized.Message+"; "+c.Reachable.Message)
}

// WriteInto sets the conditions of a report. Three conditions that are True take one word: an agent
// sends its whole report whenever one lab changes.
func (c Conditions) WriteInto(report *v1alpha1.LabReport) {
	report.Ready, report.Findings = "", nil
	if isTrue(c.Accepted) && isTrue(c.Realized) && isTrue(c.Reachable) {
		report.Ready = c.Reachable.Reason
		return
	}
	report.Findings = &v1alpha1.Findings{
		Accepted: withoutTrueMessage(c.Accepted), Realized: withoutTrueMessage(c.Realized), Reachable: withoutTrueMessage(c.Reachable),
	}
}

// withoutTrueMessage removes the message of a True finding. Summarize words it for all nodes.
func withoutTrueMessage(f v1alpha1.Finding) v1alpha1.Finding {
	if isTrue(f) {
		f.Message = ""
	}
	return f
}

// ConditionsIn returns what WriteInto wrote.
func ConditionsIn(report *v1alpha1.LabReport) Conditions {
	if report.Findings != nil {
		return Conditions(*report.Findings)
	}
	return Conditions{
		Accepted:  True(v1alpha1.ReasonValid, ""),
		Realized:  True(v1alpha1.ReasonRealized, ""),
		Reachable: True(report.Ready, ""),
	}
}

// HasConditions is false for a report of an agent of another version, whose fields the API server
// has pruned.
func HasConditions(report *v1alpha1.LabReport) bool {
	return report.Ready != "" || report.Findings != nil
}
