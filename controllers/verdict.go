// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// verdict is what a lab's status says, over all nodes or on one.
type verdict struct {
	accepted, realized, reachable v1alpha1.Finding
}

// writeInto makes a verdict part of a report, in one word where all is as it should be: a report
// on many labs is sent whole whenever one of them has news.
func (v verdict) writeInto(report *v1alpha1.LabReport) {
	report.Ready, report.Findings = "", nil
	if v.positive() {
		report.Ready = v.reachable.Reason
		return
	}
	report.Findings = &v1alpha1.Findings{
		Accepted: brief(v.accepted), Realized: brief(v.realized), Reachable: brief(v.reachable),
	}
}

func (v verdict) positive() bool {
	return v.accepted.Status == metav1.ConditionTrue && v.realized.Status == metav1.ConditionTrue &&
		v.reachable.Status == metav1.ConditionTrue
}

// brief leaves out the message of what is as it should be: the summary words that anew.
func brief(f v1alpha1.Finding) v1alpha1.Finding {
	if f.Status == metav1.ConditionTrue {
		f.Message = ""
	}
	return f
}

// verdictIn reads what writeInto has written.
func verdictIn(report *v1alpha1.LabReport) verdict {
	if found := report.Findings; found != nil {
		return verdict{found.Accepted, found.Realized, found.Reachable}
	}
	return verdict{
		accepted:  confirmed(v1alpha1.ReasonValid, ""),
		realized:  confirmed(v1alpha1.ReasonRealized, ""),
		reachable: confirmed(report.Ready, ""),
	}
}

// hasVerdict is false of what an agent of another version wrote, of which the API server has kept
// nothing but the name.
func hasVerdict(report *v1alpha1.LabReport) bool { return report.Ready != "" || report.Findings != nil }
