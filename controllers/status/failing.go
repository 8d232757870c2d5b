// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Limits of the list of failing probes. A lab has at most 256 probes, each in two families.
const (
	// maxFailingCauses is how many entries there are where every probe has one.
	maxFailingCauses = 32
	// maxFailingMessages is how many entries have a message.
	maxFailingMessages = 32
)

// failingProbe is a probe in one address family.
type failingProbe struct {
	name   string
	family v1alpha1.Family
}

// causes counts for each failing probe the nodes of each cause.
type causes struct {
	order []failingProbe
	of    map[failingProbe][]v1alpha1.FailingProbe
}

// failingProbes lists each failing probe with its causes: first the one on most nodes of each probe, and as
// many of the others as there is room for. omitted is the number of the rest.
func failingProbes(nodes []NodeFacts) (list []v1alpha1.FailingProbe, omitted int32) {
	found := causesOn(nodes)
	room := max(0, maxFailingCauses-len(found.order))
	for _, probe := range found.order {
		all := found.of[probe]
		slices.SortStableFunc(all, func(a, b v1alpha1.FailingProbe) int { return cmp.Compare(b.Nodes, a.Nodes) })
		others := min(len(all)-1, room)
		room -= others
		omitted += int32(len(all) - 1 - others)
		list = append(list, all[:1+others]...)
	}
	for i := range list {
		list[i].Message = shortened(list[i].Message)
		if i >= maxFailingMessages {
			list[i].Message = ""
		}
	}
	return list, omitted
}

// causesOn keeps the order of the reports, which is that of the spec.
func causesOn(nodes []NodeFacts) causes {
	c := causes{of: map[failingProbe][]v1alpha1.FailingProbe{}}
	for _, n := range nodes {
		if n.Unavailable || n.Report == nil {
			continue
		}
		for _, p := range n.Report.FailingProbes {
			c.add(n.Name, p)
		}
	}
	return c
}

func (c *causes) add(node string, p v1alpha1.ProbeReport) {
	probe := failingProbe{p.Name, p.Family}
	all, known := c.of[probe]
	if !known {
		c.order = append(c.order, probe)
	}
	for i := range all {
		if all[i].Reason == p.Reason && all[i].Message == p.Message {
			all[i].Nodes++
			return
		}
	}
	c.of[probe] = append(all, v1alpha1.FailingProbe{
		Name: p.Name, Family: p.Family, Node: node, Nodes: 1, Reason: p.Reason, Message: p.Message,
	})
}

// countProbes counts probes by name: one that fails in both families counts once.
func countProbes(f Facts, reachable v1alpha1.Finding, failing []v1alpha1.FailingProbe) v1alpha1.ProbeCounts {
	total := len(f.NetLab.Spec.Probes)
	names := map[string]bool{}
	for _, p := range failing {
		names[p.Name] = true
	}
	return v1alpha1.ProbeCounts{
		Total: int32(total), Failing: int32(len(names)), Summary: fmt.Sprintf("%d/%d", passing(reachable, total-len(names)), total),
	}
}

// passing is 0 until the results are known.
func passing(reachable v1alpha1.Finding, others int) int {
	if reachable.Status == metav1.ConditionUnknown {
		return 0
	}
	return others
}
