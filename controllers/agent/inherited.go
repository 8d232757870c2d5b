// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// inherit keeps what the agent before this one has reported. It is called with the lock held.
func (r *reporter) inherit(labs []v1alpha1.LabReport) {
	r.inherited = map[types.NamespacedName]v1alpha1.LabReport{}
	for _, report := range labs {
		name := types.NamespacedName{Namespace: report.Namespace, Name: report.Name}
		if own, inspected := r.labs[name]; !inspected || isPending(own) {
			r.inherited[name] = report
		}
	}
	r.dropGone()
}

// expect sets the labs that exist when the agent starts.
func (r *reporter) expect(labs []types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected = labs
	r.dropGone()
}

// dropGone drops what was inherited about labs that do not exist any more. It is called with the lock held.
func (r *reporter) dropGone() {
	if r.expected != nil {
		maps.DeleteFunc(r.inherited, func(name types.NamespacedName, _ v1alpha1.LabReport) bool { return !slices.Contains(r.expected, name) })
	}
}

// current are the reports to write: those of this agent, and what it has inherited about labs that it has not inspected yet,
// or whose probes have no result yet. Otherwise each restart would take back for a moment what is still true. It is called
// with the lock held.
func (r *reporter) current() map[types.NamespacedName]v1alpha1.LabReport {
	if len(r.inherited) == 0 {
		return r.labs
	}
	all := maps.Clone(r.inherited)
	for name, own := range r.labs {
		if before, ok := all[name]; !ok || before.UID != own.UID || before.ObservedGeneration != own.ObservedGeneration {
			all[name] = own
		}
	}
	return all
}
