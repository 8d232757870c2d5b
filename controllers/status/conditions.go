// SPDX-License-Identifier: Apache-2.0

package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Conditions is what a lab's status says, over all nodes or on one.
type Conditions struct {
	Accepted, Realized, Reachable v1alpha1.Finding
}

// WriteInto makes a verdict part of a report, in one word where all is as it should be: a report
// on many labs is sent whole whenever one of them has news.
func (v Conditions) WriteInto(report *v1alpha1.LabReport) {
	report.Ready, report.Findings = "", nil
	if v.positive() {
		report.Ready = v.Reachable.Reason
		return
	}
	report.Findings = &v1alpha1.Findings{
		Accepted: brief(v.Accepted), Realized: brief(v.Realized), Reachable: brief(v.Reachable),
	}
}

func (v Conditions) positive() bool {
	return v.Accepted.Status == metav1.ConditionTrue && v.Realized.Status == metav1.ConditionTrue &&
		v.Reachable.Status == metav1.ConditionTrue
}

// brief leaves out the message of what is as it should be: the summary words that anew.
func brief(f v1alpha1.Finding) v1alpha1.Finding {
	if f.Status == metav1.ConditionTrue {
		f.Message = ""
	}
	return f
}

// ConditionsIn reads what writeInto has written.
func ConditionsIn(report *v1alpha1.LabReport) Conditions {
	if found := report.Findings; found != nil {
		return Conditions{found.Accepted, found.Realized, found.Reachable}
	}
	return Conditions{
		Accepted:  True(v1alpha1.ReasonValid, ""),
		Realized:  True(v1alpha1.ReasonRealized, ""),
		Reachable: True(report.Ready, ""),
	}
}

// HasConditions is false of what an agent of another version wrote, of which the API server has kept
// nothing but the name.
func HasConditions(report *v1alpha1.LabReport) bool {
	return report.Ready != "" || report.Findings != nil
}
