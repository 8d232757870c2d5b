// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Nodes in the states a lab can have on them.
var (
	good      = reporting(verdict{validFinding(), confirmed("Realized", "as described"), confirmed("AllProbesPass", "every probe has the expected outcome")})
	unproved  = reporting(verdict{validFinding(), confirmed("Realized", "as described"), unknown("Pending", "waiting for the first verdict of probe p (IPv4)")})
	cannotAsk = reporting(verdict{validFinding(), confirmed("Realized", "as described"), unknown("ProbeError", "probe p (IPv4): no buffer space available")})
	failing   = reporting(verdict{validFinding(), confirmed("Realized", "as described"), refuted("ForwardingDisabled", "probe p (IPv4): router does not forward")})
	drifted   = reporting(verdict{validFinding(), refuted("Drifted", "1 difference"), confirmed("AllProbesPass", "")})
	conflict  = reporting(verdict{validFinding(), refuted("Conflict", "x is taken"), unknown("NotRealized", "")})
	unread    = reporting(verdict{validFinding(), unknown("ObservationFailed", "observe default/x: dump interrupted"), unknown("NotRealized", "")})
	refusing  = reporting(verdict{refuted("InvalidSpec", "spec.x: older agents know no x"), unknown("NotAccepted", ""), unknown("NotAccepted", "")})
	behind    = func(name string) nodeFacts { return nodeFacts{name: name} }
	silent    = func(name string) nodeFacts { return nodeFacts{name: name, silent: true} }
)

func reporting(v verdict) func(string) nodeFacts {
	return func(name string) nodeFacts {
		report := &v1alpha1.LabReport{}
		v.writeInto(report)
		return nodeFacts{name: name, report: report}
	}
}

// on puts states on nodes a, b, c…
func on(states ...func(string) nodeFacts) []nodeFacts {
	var nodes []nodeFacts
	for i, state := range states {
		nodes = append(nodes, state(string(rune('a'+i))))
	}
	return nodes
}

func TestStatusSaysWhatTheTableSays(t *testing.T) {
	for _, situation := range []struct {
		name   string
		nodes  []nodeFacts
		change func(*labFacts)
		want   string
	}{
		{name: "invalid spec", nodes: on(good),
			change: func(f *labFacts) {
				f.problems = lab.Problems{{Field: "spec.x", Message: "is wrong", Fix: "right it"}}
			},
			want: "Ready=False/InvalidSpec Accepted=False/InvalidSpec Realized=Unknown/NotAccepted Reachable=Unknown/NotAccepted Stalled=True/InvalidSpec"},
		{name: "building", nodes: on(behind),
			want: "Ready=False/Progressing Accepted=True/Valid Realized=False/Progressing Reachable=Unknown/NotRealized Reconciling=True/Progressing"},
		{name: "built, no probes", nodes: on(reporting(verdict{validFinding(), confirmed("Realized", ""), confirmed("NoProbes", "")})),
			change: func(f *labFacts) { f.lab.Spec.Probes = nil },
			want:   "Ready=True/Ready Accepted=True/Valid Realized=True/Realized Reachable=True/NoProbes"},
		{name: "built, first verdicts open", nodes: on(unproved),
			want: "Ready=False/Progressing Accepted=True/Valid Realized=True/Realized Reachable=Unknown/Pending Reconciling=True/Progressing"},
		{name: "built, every probe as expected", nodes: on(good),
			want: "Ready=True/Ready Accepted=True/Valid Realized=True/Realized Reachable=True/AllProbesPass"},
		{name: "built, probes could not ask", nodes: on(cannotAsk),
			want: "Ready=Unknown/ProbeError Accepted=True/Valid Realized=True/Realized Reachable=Unknown/ProbeError"},
		{name: "a probe fails on any node", nodes: on(good, failing),
			want: "Ready=False/ForwardingDisabled Accepted=True/Valid Realized=True/Realized Reachable=False/ForwardingDisabled Stalled=True/ForwardingDisabled"},
		{name: "a node cannot build", nodes: on(good, conflict),
			want: "Ready=False/Conflict Accepted=True/Valid Realized=False/Conflict Reachable=Unknown/NotRealized Reconciling=True/Progressing"},
		{name: "a node's kernel cannot be read", nodes: on(good, unread),
			want: "Ready=Unknown/ObservationFailed Accepted=True/Valid Realized=Unknown/ObservationFailed Reachable=Unknown/NotRealized"},
		{name: "more than maxUnavailable nodes silent", nodes: on(good, silent),
			want: "Ready=Unknown/NodesUnavailable Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=Unknown/NodesUnavailable"},
		{name: "no node selected",
			want: "Ready=False/NoNodesSelected Accepted=True/Valid Realized=False/NoNodesSelected Reachable=Unknown/NotRealized Stalled=True/NoNodesSelected"},
		{name: "drift under Report", nodes: on(drifted),
			want: "Ready=False/Drifted Accepted=True/Valid Realized=False/Drifted Reachable=True/AllProbesPass Drifted=True/Drifted"},
		{name: "suspended", nodes: on(good),
			change: func(f *labFacts) { f.lab.Spec.Suspend = true },
			want:   "Ready=Unknown/Suspended Accepted=True/Valid Realized=Unknown/Suspended Reachable=Unknown/Suspended"},

		// How nodes fold.
		{name: "False beats Unknown", nodes: on(failing, silent),
			want: "Ready=False/ForwardingDisabled Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=False/ForwardingDisabled Stalled=True/ForwardingDisabled"},
		{name: "what somebody must act on beats what passes by itself", nodes: on(behind, conflict),
			want: "Ready=False/Conflict Accepted=True/Valid Realized=False/Conflict Reachable=Unknown/NotRealized Reconciling=True/Progressing"},
		{name: "drift is said although another node cannot build", nodes: on(drifted, conflict),
			want: "Ready=False/Conflict Accepted=True/Valid Realized=False/Conflict Reachable=Unknown/NotRealized Reconciling=True/Progressing Drifted=True/Drifted"},
		{name: "a failing probe waits while another node builds", nodes: on(behind, failing),
			want: "Ready=False/Progressing Accepted=True/Valid Realized=False/Progressing Reachable=False/ForwardingDisabled Reconciling=True/Progressing"},
		{name: "an agent of another version refuses the spec", nodes: on(good, refusing),
			want: "Ready=False/InvalidSpec Accepted=False/InvalidSpec Realized=Unknown/NotAccepted Reachable=Unknown/NotAccepted Stalled=True/InvalidSpec"},
		{name: "one silent node of three is allowed", nodes: on(good, good, silent),
			change: tolerating(intstr.FromInt32(1)),
			want:   "Ready=True/Ready Accepted=True/Valid Realized=True/Realized Reachable=True/AllProbesPass"},
		{name: "a percentage is rounded down", nodes: on(good, good, silent),
			change: tolerating(intstr.FromString("33%")),
			want:   "Ready=Unknown/NodesUnavailable Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=Unknown/NodesUnavailable"},
		{name: "all silent is Unknown although allowed", nodes: on(silent, silent),
			change: tolerating(intstr.FromString("100%")),
			want:   "Ready=Unknown/NodesUnavailable Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=Unknown/NodesUnavailable"},
	} {
		t.Run(situation.name, func(t *testing.T) {
			f := factsOn(situation.nodes)
			if situation.change != nil {
				situation.change(&f)
			}
			status, _ := summarize(f)
			if got := strings.TrimSpace(conditionsOf(&v1alpha1.NetLab{Status: status})); got != situation.want {
				t.Errorf("got  %s\nwant %s", got, situation.want)
			}
			for _, c := range status.Conditions {
				if c.ObservedGeneration != f.lab.Generation || c.Reason == "" || c.LastTransitionTime.IsZero() {
					t.Errorf("%s is incomplete: %+v", c.Type, c)
				}
			}
		})
	}
}

func factsOn(nodes []nodeFacts) labFacts {
	lab := routedPair()
	lab.Generation = 7
	lab.Status.ObservedGeneration = -1
	return labFacts{lab: lab, nodes: nodes, now: noon}
}

func tolerating(n intstr.IntOrString) func(*labFacts) {
	return func(f *labFacts) { f.lab.Spec.Placement = &v1alpha1.Placement{MaxUnavailable: &n} }
}

func TestMessagesNameNodes(t *testing.T) {
	for _, c := range []struct {
		nodes     []nodeFacts
		condition string
		want      string
	}{
		{on(good, good), "Realized", "as described on 2 nodes"},
		{on(conflict), "Realized", "a: x is taken"},
		{on(good, conflict, conflict), "Realized", "b: x is taken (also on c)"},
		{on(conflict, conflict, conflict, conflict, conflict, conflict), "Realized", "a: x is taken (also on b, c, d and 2 more nodes)"},
		{on(good, silent, silent), "Ready", "no word from the agent on b, c"},
		{on(good), "Ready", "as described on 1 node; every probe has the expected outcome"},
	} {
		status, _ := summarize(factsOn(c.nodes))
		for _, got := range status.Conditions {
			if got.Type == c.condition && got.Message != c.want {
				t.Errorf("got %q, want %q", got.Message, c.want)
			}
		}
	}
}

// A lab that cannot be built is Reconciling for a minute and then Stalled, and stays so until
// somebody edits it or it is built after all.
func TestALabThatCannotBeBuiltStallsAfterAMinute(t *testing.T) {
	f := factsOn(on(conflict))
	summary := func(at time.Duration, want string, wantAgain time.Duration) {
		t.Helper()
		f.now = noon.Add(at)
		status, again := summarize(f)
		if got := conditionsOf(&v1alpha1.NetLab{Status: status}); !strings.HasSuffix(got, want) || again != wantAgain {
			t.Errorf("after %s: %s, again in %s; want %s, again in %s", at, got, again, want, wantAgain)
		}
		f.lab.Status = status
	}
	summary(0, "Reconciling=True/Progressing", 60*time.Second)
	summary(20*time.Second, "Reconciling=True/Progressing", 40*time.Second)
	summary(60*time.Second, "Stalled=True/Conflict", 0)
	summary(time.Hour, "Stalled=True/Conflict", 0)
	f.lab.Generation++
	summary(2*time.Hour, "Reconciling=True/Progressing", 60*time.Second)
	f.lab.Generation++
	summary(2*time.Hour+50*time.Second, "Reconciling=True/Progressing", 60*time.Second)
	f.nodes = on(good)
	summary(3*time.Hour, "Reachable=True/AllProbesPass", 0)
	f.nodes = on(conflict)
	summary(4*time.Hour, "Reconciling=True/Progressing", 60*time.Second)
}

func TestTransitionTimesChangeOnlyWithTheStatus(t *testing.T) {
	f := factsOn(on(behind))
	f.lab.Status, _ = summarize(f)
	f.now = noon.Add(time.Minute)
	f.nodes = on(conflict) // Realized stays False, with another reason
	f.lab.Status, _ = summarize(f)
	f.now = noon.Add(2 * time.Minute)
	f.nodes = on(good)
	f.lab.Generation++ // Accepted stays True
	status, _ := summarize(f)
	want := map[string]time.Time{"Accepted": noon, "Realized": f.now, "Reachable": f.now, "Ready": f.now}
	for _, c := range status.Conditions {
		if !c.LastTransitionTime.Time.Equal(want[c.Type]) {
			t.Errorf("%s: %s, want %s", c.Type, c.LastTransitionTime, want[c.Type])
		}
	}
	for _, c := range f.lab.Status.Conditions {
		if c.Type == "Realized" && !c.LastTransitionTime.Time.Equal(noon) {
			t.Errorf("Realized changed its reason, and its time too: %s", c.LastTransitionTime)
		}
	}
}

func TestTheSameFactsGiveTheSameStatus(t *testing.T) {
	f := factsOn(on(good, conflict, silent, failing))
	f.lab.Status, _ = summarize(f)
	f.now = noon.Add(10 * time.Second)
	again, _ := summarize(f)
	if got, want := fmt.Sprint(again), fmt.Sprint(f.lab.Status); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStatusStaysSmall(t *testing.T) {
	var nodes []nodeFacts
	for i := range 40 {
		node := good(fmt.Sprintf("node-%02d", i))
		switch {
		case i >= 38:
			node = failing(node.name)
			for p := range 20 {
				node.report.FailingProbes = append(node.report.FailingProbes, v1alpha1.ProbeReport{Name: fmt.Sprint("p", p), Family: "IPv4", Reason: "NoReply"})
			}
		case i == 37:
			node = silent(node.name)
		}
		nodes = append(nodes, node)
	}
	status, _ := summarize(factsOn(nodes))
	var order []string
	for _, n := range status.NodeSummaries[:4] {
		order = append(order, fmt.Sprintf("%s=%s", n.Name, n.Ready))
	}
	if got := fmt.Sprint(order); got != "[node-38=False node-39=False node-37=Unknown node-00=True]" || len(status.NodeSummaries) != 16 {
		t.Errorf("%d summaries, the first %s", len(status.NodeSummaries), got)
	}
	if got := status.FailingProbes; len(got) != 32 || got[0].Node != "node-38" || got[31].Node != "node-39" {
		t.Errorf("%d failing probes", len(got))
	}
	if want := (v1alpha1.NodeCounts{Selected: 40, Realized: 39, Reachable: 37, Unknown: 1, Summary: "37/40"}); status.Nodes != want {
		t.Errorf("nodes are %+v, want %+v", status.Nodes, want)
	}
}
