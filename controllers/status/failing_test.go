// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	. "github.com/netlab-dev/netlab/controllers/status"
)

// A failing probe is never left out of the status, and what is left out is counted: for random reports the
// list and the counts are compared with the reports.
func TestEveryFailingProbeIsListed(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 60))
	full := 0
	for range 500 {
		f := randomFailures(r)
		status, _ := Summarize(f)
		want := causesReported(f.Nodes)
		got := map[v1alpha1.FailingProbe]int32{}
		messages := 0
		for _, p := range status.FailingProbes {
			key := v1alpha1.FailingProbe{Name: p.Name, Family: p.Family, Reason: p.Reason}
			got[key] = p.Nodes
			if p.Nodes != want[key] {
				t.Errorf("%s (%s) %s on %d nodes, want %d", p.Name, p.Family, p.Reason, p.Nodes, want[key])
			}
			if p.Message != "" {
				messages++
			}
		}
		probes, listed, names := probesOf(want), probesOf(got), map[string]bool{}
		for probe := range probes {
			names[probe.Name] = true
			if !listed[probe] {
				t.Errorf("%v is not in the status", probe)
			}
		}
		if int(status.FailingProbesOmitted) != len(want)-len(got) || len(got) != len(status.FailingProbes) {
			t.Errorf("%d of %d causes are listed, and %d are said to be left out", len(got), len(want), status.FailingProbesOmitted)
		}
		if wanted := min(len(want), max(32, len(probes))); len(got) != wanted || messages != min(32, len(got)) {
			t.Errorf("%d causes with %d messages, want %d", len(got), messages, wanted)
		}
		if counts := status.Probes; int(counts.Failing) != len(names) || counts.Summary != fmt.Sprintf("%d/%d", int(counts.Total)-len(names), counts.Total) {
			t.Errorf("%+v, want %d failing", counts, len(names))
		}
		if status.FailingProbesOmitted > 0 && len(probes) > 32 {
			full++
		}
	}
	if full < 50 {
		t.Errorf("only %d statuses were full", full)
	}
}

// randomFailures are reports of up to four nodes about up to 60 probes.
func randomFailures(r *rand.Rand) Facts {
	f := factsOn(nil)
	f.NetLab.Spec.Probes = make([]v1alpha1.Probe, 1+r.IntN(60))
	share := r.Float64()
	for i := range 1 + r.IntN(4) {
		node := failing(fmt.Sprint("node-", i))
		for p := range f.NetLab.Spec.Probes {
			for _, family := range []v1alpha1.Family{v1alpha1.IPv4, v1alpha1.IPv6} {
				if r.Float64() < share || i == 0 && p == 0 {
					reason := []string{"NoReply", "LinkDown", "RoutingLoop"}[r.IntN(3)]
					node.Report.FailingProbes = append(node.Report.FailingProbes, v1alpha1.ProbeReport{
						Name: fmt.Sprint("p", p), Family: family, Reason: reason, Message: "because of " + reason,
					})
				}
			}
		}
		f.Nodes = append(f.Nodes, node)
	}
	return f
}

// causesReported are the numbers of nodes for each probe, family and reason.
func causesReported(nodes []NodeFacts) map[v1alpha1.FailingProbe]int32 {
	found := map[v1alpha1.FailingProbe]int32{}
	for _, n := range nodes {
		for _, p := range n.Report.FailingProbes {
			found[v1alpha1.FailingProbe{Name: p.Name, Family: p.Family, Reason: p.Reason}]++
		}
	}
	return found
}

func probesOf(causes map[v1alpha1.FailingProbe]int32) map[v1alpha1.FailingProbe]bool {
	probes := map[v1alpha1.FailingProbe]bool{}
	for c := range causes {
		probes[v1alpha1.FailingProbe{Name: c.Name, Family: c.Family}] = true
	}
	return probes
}

func TestACauseOnMostNodesComesFirst(t *testing.T) {
	fails := func(name string, reports ...v1alpha1.ProbeReport) NodeFacts {
		n := failing(name)
		n.Report.FailingProbes = reports
		return n
	}
	p := v1alpha1.ProbeReport{Name: "p", Family: "IPv4", Reason: "NoReply", Message: "no reply"}
	q := v1alpha1.ProbeReport{Name: "q", Family: "IPv4", Reason: "LinkDown", Message: "l1 is down"}
	other := v1alpha1.ProbeReport{Name: "p", Family: "IPv4", Reason: "NoReply", Message: "a packet filter drops it"}
	status, _ := Summarize(factsOn([]NodeFacts{fails("a", p, q), fails("b", other), fails("c", other, q), unavailable("d")}))
	var got []string
	for _, p := range status.FailingProbes {
		got = append(got, fmt.Sprintf("%s %s+%d: %s", p.Name, p.Node, p.Nodes-1, p.Message))
	}
	want := []string{"p b+1: a packet filter drops it", "p a+0: no reply", "q a+1: l1 is down"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
