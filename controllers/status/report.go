// SPDX-License-Identifier: Apache-2.0

package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// SameStatus reports whether two statuses of a node are equal.
func SameStatus(a, b v1alpha1.NetLabNodeStateStatus) bool {
	return a.Agent == b.Agent && a.LabCount == b.LabCount && a.ReadyCount == b.ReadyCount &&
		slices.EqualFunc(a.Labs, b.Labs, func(x, y v1alpha1.LabReport) bool { return SameReport(&x, &y) })
}

// SameReport compares field by field: reflection would take most of the controller's time while
// many nodes report.
func SameReport(a, b *v1alpha1.LabReport) bool {
	return a.Namespace == b.Namespace && a.Name == b.Name && a.UID == b.UID &&
		a.ObservedGeneration == b.ObservedGeneration &&
		a.Ready == b.Ready && sameFindings(a.Findings, b.Findings) &&
		slices.Equal(a.Drift, b.Drift) && a.DriftOmitted == b.DriftOmitted && slices.Equal(a.FailingProbes, b.FailingProbes)
}

func sameFindings(a, b *v1alpha1.Findings) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// NameOf is the name of the lab.
func NameOf(report *v1alpha1.LabReport) types.NamespacedName {
	return types.NamespacedName{Namespace: report.Namespace, Name: report.Name}
}
