// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/status"
)

// BenchmarkSummary sums up one lab of many that are on every node.
func BenchmarkSummary(b *testing.B) {
	for _, size := range []struct{ nodes, labs int }{{3, 100}, {100, 20}, {1000, 100}, {5000, 300}} {
		b.Run(fmt.Sprintf("%dx%d", size.nodes, size.labs), func(b *testing.B) {
			s, labs := fullHouse(size.nodes, size.labs)
			lab := labs[len(labs)/2]
			name := types.NamespacedName{Namespace: lab.Namespace, Name: lab.Name}
			b.ReportAllocs()
			for b.Loop() {
				facts, _ := s.gather(lab, s.memory.open(name, noon))
				status.Summarize(facts)
			}
		})
	}
}

// BenchmarkReportEvent finds out which lab of 100 a node reports something new on.
func BenchmarkReportEvent(b *testing.B) {
	_, labs := fullHouse(0, 100)
	before := v1alpha1.NetLabNodeStateStatus{Labs: reportsOn(labs)}
	after := v1alpha1.NetLabNodeStateStatus{Labs: slices.Clone(before.Labs)}
	after.Labs[50].ObservedGeneration++
	b.ReportAllocs()
	for b.Loop() {
		labsIn(before, after)
	}
}

// fullHouse is a cluster in which every lab is Ready on every node.
func fullHouse(nodes, labs int) (*Summary, []*v1alpha1.NetLab) {
	s := newSummary(nil, silence{})
	s.now = func() time.Time { return noon }
	var all []*v1alpha1.NetLab
	for i := range labs {
		lab := labtest.StoredPair()
		lab.Name, lab.UID = fmt.Sprintf("lab-%03d", i), types.UID(fmt.Sprintf("3f2504e0-4f89-41d3-9a0c-0305e82c3%03d", i))
		all = append(all, lab)
	}
	for i := range nodes {
		name := fmt.Sprintf("node-%04d", i)
		agent := pod(types.UID("pod-"+name), true, time.Hour)
		agent.Spec.NodeName = name
		s.roster.setNode(nodeWith(name, map[string]string{"pool": "lab", "zone": "a"}))
		s.roster.setPod(&agent, noon)
		s.roster.setNodeState(stateOf(name, from(agent.UID), reportsOn(all)...))
	}
	return s, all
}

func reportsOn(labs []*v1alpha1.NetLab) []v1alpha1.LabReport {
	var reports []v1alpha1.LabReport
	for _, lab := range labs {
		report := reportFor(lab, lab.Generation)
		report.Ready = v1alpha1.ReasonAllProbesPass
		reports = append(reports, report)
	}
	return reports
}
