// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Whether a node is expected to carry a lab, and whether its report counts, depends on what
// stands behind the report: now is always noon.
func TestWhoseReportCounts(t *testing.T) {
	for _, c := range []struct {
		name        string
		pods        []corev1.Pod
		reporter    v1alpha1.AgentIdentity
		lastDeleted deletedPod
		want        string
	}{
		{name: "no agent", want: "not expected"},
		{name: "a Ready pod reports", pods: pods(pod("u1", true, time.Hour)), reporter: from("u1"), want: "counts"},
		{name: "a pod is there that has not reported yet", pods: pods(pod("u1", true, time.Hour)), want: "silent"},
		{name: "the pod is not Ready since 10 s", pods: pods(pod("u1", false, 10*time.Second)), reporter: from("u1"), want: "counts, again in 20s"},
		{name: "the pod is not Ready since 31 s", pods: pods(pod("u1", false, 31*time.Second)), reporter: from("u1"), want: "silent"},
		{name: "a rolling update: the pod is gone, its successor not yet there",
			reporter: from("u1"), lastDeleted: leaving("u1", 5*time.Second), want: "counts, again in 25s"},
		{name: "the pod is gone for good", reporter: from("u1"), lastDeleted: leaving("u1", 31*time.Second), want: "not expected"},
		{name: "a rolling update: the successor has not reported yet", pods: pods(pod("u2", true, 10*time.Second)),
			reporter: from("u1"), lastDeleted: leaving("u1", 12*time.Second), want: "counts, again in 20s"},
		{name: "the successor has not reported for 40 s", pods: pods(pod("u2", true, 40*time.Second)),
			reporter: from("u1"), lastDeleted: leaving("u1", 41*time.Second), want: "silent"},
		{name: "after a restart of the controller the successor's age decides", pods: pods(pod("u2", false, 10*time.Second)),
			reporter: from("u1"), want: "counts, again in 20s"},
		{name: "an agent started by hand reports while its Node exists", reporter: v1alpha1.AgentIdentity{Version: "dev"}, want: "counts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := labtest.StoredPair()
			r := newRoster()
			r.setNode(nodeWith("n", nil))
			for _, pod := range c.pods {
				r.setPod(&pod, noon)
			}
			r.setNodeState(stateOf("n", c.reporter, reportFor(lab, lab.Generation)))
			if c.lastDeleted.pod != "" {
				gone := pod(c.lastDeleted.pod, false, time.Hour)
				r.deletePod(&gone, c.lastDeleted.at)
			}
			if got := expectation(r, lab); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Grace is 30 s, whatever the clocks of other machines say, or this one's after it was set: a pod that is not Ready
// neither turns labs Unknown at once nor counts for hours.
func TestGraceIsOfThisProgramsClock(t *testing.T) {
	for _, ahead := range []time.Duration{-5 * time.Hour, 0, 5 * time.Hour} {
		for _, c := range []struct {
			name       string
			seen       bool // Ready before
			ago, after time.Duration
			want       string
		}{
			{"seen when it happened", true, 10 * time.Second, 0, "counts, again in 20s"},
			{"seen when it happened, 30 s ago", true, 30 * time.Second, 0, "silent"},
			{"seen by a new controller", false, 0, 31 * time.Second, "silent"},
		} {
			lab, r := labtest.StoredPair(), newRoster()
			r.setNode(nodeWith("n", nil))
			r.setNodeState(stateOf("n", from("u1"), reportFor(lab, lab.Generation)))
			ready, notReady := pod("u1", true, time.Hour-ahead), pod("u1", false, c.ago-ahead)
			if c.seen {
				r.setPod(&ready, noon.Add(-time.Minute))
			}
			r.setPod(&notReady, noon.Add(-c.ago-c.after))
			if got := expectation(r, lab); got != c.want {
				t.Errorf("clocks differ by %s: %s: got %q, want %q", ahead, c.name, got, c.want)
			}
		}
	}
}

func TestOnlyReportsOnThisGenerationOfThisLabCount(t *testing.T) {
	lab := labtest.StoredPair()
	other := labtest.StoredPair()
	other.UID = "another lab of the same name"
	for _, c := range []struct {
		name   string
		labs   []v1alpha1.LabReport
		count  int32
		report bool
		silent bool
	}{
		{name: "the current generation", labs: []v1alpha1.LabReport{reportFor(lab, 3)}, count: 1, report: true},
		{name: "an older generation", labs: []v1alpha1.LabReport{reportFor(lab, 2)}, count: 1},
		{name: "another lab that had the name", labs: []v1alpha1.LabReport{reportFor(other, 3)}, count: 1},
		{name: "of an agent of another version, without conditions", count: 1,
			labs: []v1alpha1.LabReport{{Namespace: lab.Namespace, Name: lab.Name, UID: lab.UID, ObservedGeneration: 3}}},
		{name: "none yet", count: 0},
		{name: "one that did not fit the report", count: 900, silent: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := stateOf("n", v1alpha1.AgentIdentity{Version: "dev"}, c.labs...)
			state.Status.LabCount = c.count
			got := agentFacts{present: true, counts: true, state: state}.factsOf(lab, "n")
			if (got.Report != nil) != c.report || got.Unavailable != c.silent {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPlacementSelectsByLabels(t *testing.T) {
	netlab := labtest.StoredPair()
	r := newRoster()
	for name, label := range map[string]string{"b": "lab", "a": "lab", "c": "web"} {
		r.setNode(nodeWith(name, map[string]string{"pool": label}))
		r.setNodeState(stateOf(name, v1alpha1.AgentIdentity{Version: "dev"}))
	}
	for want, placement := range map[string]*v1alpha1.Placement{"a b c ": nil, "a b ": labtest.Selecting("pool", "lab"), "": labtest.Selecting("pool", "x")} {
		netlab.Spec.Placement = placement
		selector, _ := lab.NodeSelector(&netlab.Spec)
		nodes, _ := r.nodesFor(netlab, r.selected(selector, selection{}), noon)
		got := ""
		for _, n := range nodes {
			got += n.Name + " "
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAWrongNodeSelectorIsAProblemOfTheSpec(t *testing.T) {
	netlab := labtest.StoredPair()
	netlab.Spec.Placement = &v1alpha1.Placement{NodeSelector: &v1alpha1.NodeSelector{
		MatchExpressions: []v1alpha1.NodeSelectorRequirement{{Key: "pool", Operator: "Near", Values: []string{"x"}}},
	}}
	problems := lab.Validate(netlab)
	if len(problems) != 1 || problems[0].Field != "spec.placement.nodeSelector.matchExpressions[0].operator" {
		t.Errorf("problems are %v", problems)
	}
}

func expectation(r *roster, netlab *v1alpha1.NetLab) string {
	selector, _ := lab.NodeSelector(&netlab.Spec)
	nodes, again := r.nodesFor(netlab, r.selected(selector, selection{}), noon)
	says := "counts"
	switch {
	case len(nodes) == 0:
		says = "not expected"
	case nodes[0].Unavailable:
		says = "silent"
	}
	if again > 0 {
		says += fmt.Sprintf(", again in %s", again)
	}
	return says
}

func pods(list ...corev1.Pod) []corev1.Pod { return list }

// pod was made, and got its readiness, so long before noon.
func pod(uid types.UID, ready bool, age time.Duration) corev1.Pod {
	said := corev1.ConditionFalse
	if ready {
		said = corev1.ConditionTrue
	}
	at := metav1.NewTime(noon.Add(-age))
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: uid, CreationTimestamp: at},
		Spec:       corev1.PodSpec{NodeName: "n"},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: said, LastTransitionTime: at}}},
	}
}

func from(pod types.UID) v1alpha1.AgentIdentity {
	return v1alpha1.AgentIdentity{PodUID: pod, Version: "v1"}
}

func leaving(pod types.UID, ago time.Duration) deletedPod {
	return deletedPod{pod: pod, at: noon.Add(-ago)}
}

func nodeWith(name string, labels map[string]string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func stateOf(node string, agent v1alpha1.AgentIdentity, labs ...v1alpha1.LabReport) *v1alpha1.NetLabNodeState {
	state := &v1alpha1.NetLabNodeState{ObjectMeta: metav1.ObjectMeta{Name: node}}
	state.Status = v1alpha1.NetLabNodeStateStatus{Agent: agent, LabCount: int32(len(labs)), Labs: labs}
	return state
}

func reportFor(lab *v1alpha1.NetLab, generation int64) v1alpha1.LabReport {
	return v1alpha1.LabReport{
		Namespace: lab.Namespace, Name: lab.Name, UID: lab.UID, ObservedGeneration: generation, Ready: v1alpha1.ReasonNoProbes,
	}
}
