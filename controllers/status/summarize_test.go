// SPDX-License-Identifier: Apache-2.0

package status_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	. "github.com/netlab-dev/netlab/controllers/status"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Nodes in the states a lab can have on them.
var (
	good        = reporting(Conditions{Valid(), True("Realized", ""), True("AllProbesPass", "")})
	pending     = reporting(Conditions{Valid(), True("Realized", ""), Unknown("Pending", "probe p (IPv4): waiting for the first result")})
	cannotAsk   = reporting(Conditions{Valid(), True("Realized", ""), Unknown("ProbeError", "probe p (IPv4): no buffer space available")})
	failing     = reporting(Conditions{Valid(), True("Realized", ""), False("ForwardingDisabled", "probe p (IPv4): router does not forward")})
	drifted     = reporting(Conditions{Valid(), False("Drifted", "1 difference"), True("AllProbesPass", "")})
	conflict    = reporting(Conditions{Valid(), False("Conflict", "x is taken"), Unknown("NotRealized", "")})
	occupied    = reporting(Conditions{Valid(), False("Conflict", "y is taken"), Unknown("NotRealized", "")})
	lacking     = reporting(Conditions{Valid(), False("KernelFeatureMissing", "no netem"), Unknown("NotRealized", "")})
	unread      = reporting(Conditions{Valid(), Unknown("ObservationFailed", "observe default/x: dump interrupted"), Unknown("NotRealized", "")})
	refusing    = reporting(Conditions{False("InvalidSpec", "spec.x: older agents know no x"), Unknown("NotAccepted", ""), Unknown("NotAccepted", "")})
	behind      = func(name string) NodeFacts { return NodeFacts{Name: name} }
	unavailable = func(name string) NodeFacts { return NodeFacts{Name: name, Unavailable: true} }
)

func reporting(v Conditions) func(string) NodeFacts {
	return func(name string) NodeFacts {
		report := &v1alpha1.LabReport{}
		v.WriteInto(report)
		return NodeFacts{Name: name, Report: report}
	}
}

// taken is a conflict with a message of its own.
func taken(what int) func(string) NodeFacts {
	return reporting(Conditions{Valid(), False("Conflict", fmt.Sprintf("%d is taken", what)), Unknown("NotRealized", "")})
}

// on puts states on nodes a, b, c…
func on(states ...func(string) NodeFacts) []NodeFacts {
	var nodes []NodeFacts
	for i, state := range states {
		nodes = append(nodes, state(string(rune('a'+i))))
	}
	return nodes
}

func TestStatusSaysWhatTheTableSays(t *testing.T) {
	for _, situation := range []struct {
		name   string
		nodes  []NodeFacts
		change func(*Facts)
		want   string
	}{
		{name: "invalid spec", nodes: on(good),
			change: func(f *Facts) {
				f.Problems = lab.Problems{{Field: "spec.x", Message: "is wrong", Fix: "right it"}}
			},
			want: "Ready=False/InvalidSpec Accepted=False/InvalidSpec Realized=Unknown/NotAccepted Reachable=Unknown/NotAccepted Stalled=True/InvalidSpec"},
		{name: "building", nodes: on(behind),
			want: "Ready=False/Progressing Accepted=True/Valid Realized=False/Progressing Reachable=Unknown/NotRealized Reconciling=True/Progressing"},
		{name: "built, no probes", nodes: on(reporting(Conditions{Valid(), True("Realized", ""), True("NoProbes", "")})),
			change: func(f *Facts) { f.NetLab.Spec.Probes = nil },
			want:   "Ready=True/Ready Accepted=True/Valid Realized=True/Realized Reachable=True/NoProbes"},
		{name: "built, first results pending", nodes: on(pending),
			want: "Ready=False/Progressing Accepted=True/Valid Realized=True/Realized Reachable=Unknown/Pending Reconciling=True/Progressing"},
		{name: "built, every probe as expected", nodes: on(good),
			want: "Ready=True/Ready Accepted=True/Valid Realized=True/Realized Reachable=True/AllProbesPass"},
		{name: "built, a probe could not be sent", nodes: on(cannotAsk),
			want: "Ready=Unknown/ProbeError Accepted=True/Valid Realized=True/Realized Reachable=Unknown/ProbeError"},
		{name: "a probe fails on any node", nodes: on(good, failing),
			want: "Ready=False/ForwardingDisabled Accepted=True/Valid Realized=True/Realized Reachable=False/ForwardingDisabled Stalled=True/ForwardingDisabled"},
		{name: "a node cannot build", nodes: on(good, conflict),
			want: "Ready=False/Conflict Accepted=True/Valid Realized=False/Conflict Reachable=Unknown/NotRealized Reconciling=True/Progressing"},
		{name: "a node's kernel cannot be read", nodes: on(good, unread),
			want: "Ready=Unknown/ObservationFailed Accepted=True/Valid Realized=Unknown/ObservationFailed Reachable=Unknown/NotRealized"},
		{name: "more than maxUnavailable unavailable", nodes: on(good, unavailable),
			want: "Ready=Unknown/NodesUnavailable Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=Unknown/NodesUnavailable"},
		{name: "no node selected",
			want: "Ready=False/NoNodesSelected Accepted=True/Valid Realized=False/NoNodesSelected Reachable=Unknown/NotRealized Stalled=True/NoNodesSelected"},
		{name: "drift under Report", nodes: on(drifted),
			want: "Ready=False/Drifted Accepted=True/Valid Realized=False/Drifted Reachable=True/AllProbesPass Drifted=True/Drifted"},
		{name: "suspended", nodes: on(good),
			change: func(f *Facts) { f.NetLab.Spec.Suspend = true },
			want:   "Ready=Unknown/Suspended Accepted=True/Valid Realized=Unknown/Suspended Reachable=Unknown/Suspended"},

		// How nodes fold.
		{name: "False beats Unknown", nodes: on(failing, unavailable),
			want: "Ready=False/ForwardingDisabled Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=False/ForwardingDisabled Stalled=True/ForwardingDisabled"},
		{name: "a reason that needs a user beats one that passes", nodes: on(behind, conflict),
			want: "Ready=False/Conflict Accepted=True/Valid Realized=False/Conflict Reachable=Unknown/NotRealized Reconciling=True/Progressing"},
		{name: "drift is reported although another node cannot build", nodes: on(drifted, conflict),
			want: "Ready=False/Conflict Accepted=True/Valid Realized=False/Conflict Reachable=Unknown/NotRealized Reconciling=True/Progressing Drifted=True/Drifted"},
		{name: "a failing probe waits while another node builds", nodes: on(behind, failing),
			want: "Ready=False/Progressing Accepted=True/Valid Realized=False/Progressing Reachable=False/ForwardingDisabled Reconciling=True/Progressing"},
		{name: "an agent of another version refuses the spec", nodes: on(good, refusing),
			want: "Ready=False/InvalidSpec Accepted=False/InvalidSpec Realized=Unknown/NotAccepted Reachable=Unknown/NotAccepted Stalled=True/InvalidSpec"},
		{name: "one unavailable node of three is allowed", nodes: on(good, good, unavailable),
			change: tolerating(intstr.FromInt32(1)),
			want:   "Ready=True/Ready Accepted=True/Valid Realized=True/Realized Reachable=True/AllProbesPass"},
		{name: "a percentage is rounded down", nodes: on(good, good, unavailable),
			change: tolerating(intstr.FromString("33%")),
			want:   "Ready=Unknown/NodesUnavailable Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=Unknown/NodesUnavailable"},
		{name: "all unavailable is Unknown although allowed", nodes: on(unavailable, unavailable),
			change: tolerating(intstr.FromString("100%")),
			want:   "Ready=Unknown/NodesUnavailable Accepted=True/Valid Realized=Unknown/NodesUnavailable Reachable=Unknown/NodesUnavailable"},
	} {
		t.Run(situation.name, func(t *testing.T) {
			f := factsOn(situation.nodes)
			if situation.change != nil {
				situation.change(&f)
			}
			status, _ := Summarize(f)
			if got := strings.TrimSpace(conditionsIn(status)); got != situation.want {
				t.Errorf("got  %s\nwant %s", got, situation.want)
			}
			for _, c := range status.Conditions {
				if c.ObservedGeneration != f.NetLab.Generation || c.Reason == "" || c.LastTransitionTime.IsZero() {
					t.Errorf("%s is incomplete: %+v", c.Type, c)
				}
			}
		})
	}
}

func factsOn(nodes []NodeFacts) Facts {
	lab := labtest.RoutedPair()
	lab.Generation = 7
	lab.Status.ObservedGeneration = -1
	return Facts{NetLab: lab, Nodes: nodes, Now: noon}
}

func tolerating(n intstr.IntOrString) func(*Facts) {
	return func(f *Facts) { f.NetLab.Spec.Placement = &v1alpha1.Placement{MaxUnavailable: &n} }
}

func TestMessagesNameNodes(t *testing.T) {
	for _, c := range []struct {
		nodes     []NodeFacts
		condition string
		want      string
	}{
		{on(good, good), "Realized", "the lab matches the spec on 2 nodes"},
		{on(conflict), "Realized", "a: x is taken"},
		{on(good, conflict, conflict), "Realized", "b: x is taken (also on c)"},
		{on(good, conflict, occupied, conflict), "Realized", "b: x is taken (also on d); c: y is taken"},
		{on(good, lacking), "Ready", "b: no netem; or select other nodes with spec.placement"},
		{on(behind, conflict, occupied, behind), "Realized", "b: x is taken; c: y is taken"},
		{on(taken(1), taken(2), taken(3), taken(4), taken(5), taken(3)), "Realized",
			"a: 1 is taken; b: 2 is taken; c: 3 is taken (also on f); other messages from 2 more nodes"},
		{on(conflict, conflict, conflict, conflict, conflict, conflict), "Realized", "a: x is taken (also on b, c, d and 2 more nodes)"},
		{on(good, unavailable, unavailable), "Ready", "no report from the agent on b, c"},
		{on(good), "Ready", "the lab matches the spec on 1 node; every probe has its expected outcome"},
	} {
		status, _ := Summarize(factsOn(c.nodes))
		for _, got := range status.Conditions {
			if got.Type == c.condition && got.Message != c.want {
				t.Errorf("got %q, want %q", got.Message, c.want)
			}
		}
	}
}

// A lab that cannot be built is Reconciling for a minute and then Stalled, and stays so until
// it is edited or built after all.
func TestALabThatCannotBeBuiltStallsAfterAMinute(t *testing.T) {
	f := factsOn(on(conflict))
	summary := func(at time.Duration, want string, wantAgain time.Duration) {
		t.Helper()
		f.Now = noon.Add(at)
		status, again := Summarize(f)
		if got := conditionsIn(status); !strings.HasSuffix(got, want) || again != wantAgain {
			t.Errorf("after %s: %s, again in %s; want %s, again in %s", at, got, again, want, wantAgain)
		}
		f.NetLab.Status = status
	}
	summary(0, "Reconciling=True/Progressing", 60*time.Second)
	summary(20*time.Second, "Reconciling=True/Progressing", 40*time.Second)
	summary(60*time.Second, "Stalled=True/Conflict", 0)
	summary(time.Hour, "Stalled=True/Conflict", 0)
	f.NetLab.Generation++
	summary(2*time.Hour, "Reconciling=True/Progressing", 60*time.Second)
	f.NetLab.Generation++
	summary(2*time.Hour+50*time.Second, "Reconciling=True/Progressing", 60*time.Second)
	f.Nodes = on(good)
	summary(3*time.Hour, "Reachable=True/AllProbesPass", 0)
	f.Nodes = on(conflict)
	summary(4*time.Hour, "Reconciling=True/Progressing", 60*time.Second)
	// The clock is set back: the minute begins again.
	summary(30*time.Minute, "Reconciling=True/Progressing", 60*time.Second)
	summary(31*time.Minute, "Stalled=True/Conflict", 0)
}

func TestTransitionTimesChangeOnlyWithTheStatus(t *testing.T) {
	f := factsOn(on(behind))
	f.NetLab.Status, _ = Summarize(f)
	f.Now = noon.Add(time.Minute)
	f.Nodes = on(conflict) // Realized stays False, with another reason
	f.NetLab.Status, _ = Summarize(f)
	f.Now = noon.Add(2 * time.Minute)
	f.Nodes = on(good)
	f.NetLab.Generation++ // Accepted stays True
	status, _ := Summarize(f)
	want := map[string]time.Time{"Accepted": noon, "Realized": f.Now, "Reachable": f.Now, "Ready": f.Now}
	for _, c := range status.Conditions {
		if !c.LastTransitionTime.Time.Equal(want[c.Type]) {
			t.Errorf("%s: %s, want %s", c.Type, c.LastTransitionTime, want[c.Type])
		}
	}
	for _, c := range f.NetLab.Status.Conditions {
		if c.Type == "Realized" && !c.LastTransitionTime.Time.Equal(noon) {
			t.Errorf("Realized changed its reason, and its time too: %s", c.LastTransitionTime)
		}
	}
}

func TestTheSameFactsGiveTheSameStatus(t *testing.T) {
	f := factsOn(on(good, conflict, unavailable, failing))
	f.NetLab.Status, _ = Summarize(f)
	f.Now = noon.Add(10 * time.Second)
	again, _ := Summarize(f)
	if got, want := fmt.Sprint(again), fmt.Sprint(f.NetLab.Status); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStatusStaysSmall(t *testing.T) {
	var nodes []NodeFacts
	for i := range 40 {
		node := good(fmt.Sprintf("node-%02d", i))
		switch {
		case i >= 38:
			node = failing(node.Name)
			for p := range 20 {
				node.Report.FailingProbes = append(node.Report.FailingProbes, v1alpha1.ProbeReport{Name: fmt.Sprint("p", p), Family: "IPv4", Reason: "NoReply"})
			}
		case i == 37:
			node = unavailable(node.Name)
		}
		nodes = append(nodes, node)
	}
	status, _ := Summarize(factsOn(nodes))
	var order []string
	for _, n := range status.NodeSummaries[:4] {
		order = append(order, fmt.Sprintf("%s=%s", n.Name, n.Ready))
	}
	if got := fmt.Sprint(order); got != "[node-38=False node-39=False node-37=Unknown node-00=True]" || len(status.NodeSummaries) != 16 {
		t.Errorf("%d summaries, the first %s", len(status.NodeSummaries), got)
	}
	if got := status.FailingProbes; len(got) != 20 || got[0].Node != "node-38" || got[0].Nodes != 2 {
		t.Errorf("%d failing probes", len(got))
	}
	if status.NodeSummariesOmitted != 24 {
		t.Errorf("%d nodes are said to be left out", status.NodeSummariesOmitted)
	}
	if want := (v1alpha1.NodeCounts{Selected: 40, Realized: 39, Reachable: 37, Unknown: 1, Summary: "37/40"}); status.Nodes != want {
		t.Errorf("nodes are %+v, want %+v", status.Nodes, want)
	}
}

// conditionsIn writes conditions as " Type=Status/Reason ...".
func conditionsIn(status v1alpha1.NetLabStatus) string {
	var b strings.Builder
	for _, c := range status.Conditions {
		fmt.Fprintf(&b, " %s=%s/%s", c.Type, c.Status, c.Reason)
	}
	return b.String()
}
