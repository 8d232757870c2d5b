// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/status"
)

// What a summary costs depends on the nodes of the lab, not on how many others there are, nor on
// how many labs those carry.
func TestALabOnAFewNodesCostsNoMoreAmongManyNodes(t *testing.T) {
	costs := func(nodes, labs int) float64 {
		s, all := fullHouse(nodes, labs)
		for i := range 3 {
			s.roster.setNode(nodeWith(fmt.Sprintf("node-%04d", i), map[string]string{"pool": "mine"}))
		}
		lab := all[0]
		lab.Spec.Placement = labtest.Selecting("pool", "mine")
		name := types.NamespacedName{Namespace: lab.Namespace, Name: lab.Name}
		return testing.AllocsPerRun(10, func() {
			facts, _ := s.gather(lab, s.memory.open(name, noon))
			if len(facts.Nodes) != 3 {
				t.Fatalf("%d nodes", len(facts.Nodes))
			}
			status.Summarize(facts)
		})
	}
	if few, many := costs(3, 1), costs(300, 30); few != many {
		t.Errorf("%v allocations among 3 nodes, %v among 300", few, many)
	}
}

func TestNodesAreSelectedAgainOnlyAfterAChange(t *testing.T) {
	r := newRoster()
	asked := 0
	selector := counting{labels.Everything(), &asked}
	var last selection
	for _, step := range []struct {
		name  string
		do    func()
		want  []string
		asked int
	}{
		{"two nodes come", func() { r.setNode(nodeWith("b", nil)); r.setNode(nodeWith("a", nil)) }, []string{"a", "b"}, 2},
		{"nothing happens", func() {}, []string{"a", "b"}, 0},
		{"a node is seen again", func() { r.setNode(nodeWith("a", nil)) }, []string{"a", "b"}, 0},
		{"an agent reports", func() { r.setNodeState(stateOf("a", from("u1"))) }, []string{"a", "b"}, 0},
		{"a node gets a label", func() { r.setNode(nodeWith("a", map[string]string{"x": "y"})) }, []string{"a", "b"}, 2},
		{"a node goes", func() { r.deleteNode("a") }, []string{"b"}, 1},
		{"the last one goes", func() { r.deleteNode("b") }, []string{}, 0},
		{"nothing happens, again", func() {}, []string{}, 0},
	} {
		asked = 0
		step.do()
		last = r.selected(selector, last)
		if !slices.Equal(last.nodes, step.want) || asked != step.asked {
			t.Errorf("%s: %v are selected after looking at %d nodes, want %v after %d", step.name, last.nodes, asked, step.want, step.asked)
		}
	}
}

// counting is a selector that counts the nodes it is asked about.
type counting struct {
	labels.Selector
	asked *int
}

func (c counting) Matches(of labels.Labels) bool {
	*c.asked++
	return c.Selector.Matches(of)
}

func TestTheRosterForgetsWhatIsGone(t *testing.T) {
	r := newRoster()
	agent := pod("u1", true, time.Hour)
	for _, enter := range [][]func(){
		{func() { r.setNode(nodeWith("n", nil)) }, func() { r.setPod(&agent, noon) }, func() { r.setNodeState(stateOf("n", from("u1"))) }},
		{func() { r.setNodeState(stateOf("n", from("u1"))) }, func() { r.setNode(nodeWith("n", nil)) }, func() { r.setPod(&agent, noon) }},
	} {
		for _, do := range enter {
			do()
		}
		r.deleteNode("n")
		r.deleteNodeState("n")
		r.deletePod(&agent, noon)
	}
	if len(r.entries) > 0 {
		t.Errorf("the roster still has %v", r.entries)
	}
}

func TestOnlyNewsOfAPodIsNews(t *testing.T) {
	r := newRoster()
	for _, step := range []struct {
		name string
		pod  corev1.Pod
		news bool
	}{
		{"it is not scheduled", corev1.Pod{}, false},
		{"it is scheduled", pod("u1", false, time.Minute), true},
		{"it is seen again", pod("u1", false, time.Second), false},
		{"it gets Ready", pod("u1", true, time.Second), true},
		{"its successor comes", pod("u2", false, time.Second), true},
		{"it is not Ready any more", pod("u1", false, 0), true},
	} {
		if got := r.setPod(&step.pod, noon); got != step.news {
			t.Errorf("%s: news is %v", step.name, got)
		}
	}
}

// The findings of two reports are two values: what they say counts.
func TestEqualFindingsAreTheSameReport(t *testing.T) {
	lab := labtest.StoredPair()
	was, is := reportFor(lab, 3), reportFor(lab, 3)
	status.Conditions{Accepted: status.Valid(), Realized: status.False("Conflict", "x is taken"), Reachable: status.Unknown("NotRealized", "")}.WriteInto(&was)
	is.Ready, is.Findings = "", was.Findings.DeepCopy()
	if !status.SameReport(&was, &is) {
		t.Error("two equal reports differ")
	}
	is.Findings.Reachable.Message = "anything"
	if status.SameReport(&was, &is) {
		t.Error("a difference in a finding is not seen")
	}
}

func TestAnyDifferenceBetweenReportsIsSeen(t *testing.T) {
	lab := labtest.StoredPair()
	for i := range reflect.TypeFor[v1alpha1.LabReport]().NumField() {
		was, is := reportFor(lab, 3), reportFor(lab, 3)
		if !status.SameReport(&was, &is) {
			t.Fatal("two equal reports differ")
		}
		field := reflect.ValueOf(&is).Elem().Field(i)
		field.Set(another(field))
		if status.SameReport(&was, &is) {
			t.Errorf("a difference in %s is not seen", reflect.TypeFor[v1alpha1.LabReport]().Field(i).Name)
		}
	}
}

func TestAnyDifferenceBetweenStatusesIsSeen(t *testing.T) {
	lab := labtest.StoredPair()
	for i := range reflect.TypeFor[v1alpha1.NetLabNodeStateStatus]().NumField() {
		was, is := stateOf("n", from("u1"), reportFor(lab, 3)).Status, stateOf("n", from("u1"), reportFor(lab, 3)).Status
		if !status.SameStatus(was, is) {
			t.Fatal("two equal statuses differ")
		}
		field := reflect.ValueOf(&is).Elem().Field(i)
		field.Set(another(field))
		if status.SameStatus(was, is) {
			t.Errorf("a difference in %s is not seen", reflect.TypeFor[v1alpha1.NetLabNodeStateStatus]().Field(i).Name)
		}
	}
}

// another value of the same type.
func another(v reflect.Value) reflect.Value {
	switch changed := reflect.New(v.Type()).Elem(); v.Kind() {
	case reflect.String:
		changed.SetString(v.String() + "x")
		return changed
	case reflect.Int32, reflect.Int64:
		changed.SetInt(v.Int() + 1)
		return changed
	case reflect.Slice:
		return reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1)
	case reflect.Struct:
		changed.Set(v)
		changed.Field(0).Set(another(v.Field(0)))
		return changed
	case reflect.Pointer:
		return reflect.New(v.Type().Elem())
	default:
		panic("a report has a field of a new kind: " + v.Kind().String())
	}
}

func TestANodesReportConcernsTheLabsItDiffersOn(t *testing.T) {
	_, labs := fullHouse(0, 4)
	before := v1alpha1.NetLabNodeStateStatus{Labs: reportsOn(labs[:3])}
	after := v1alpha1.NetLabNodeStateStatus{Labs: reportsOn(labs[1:])}
	after.Labs[1].ObservedGeneration++
	var got []string
	for _, name := range labsIn(before, after) {
		got = append(got, name.Name)
	}
	slices.Sort(got)
	if want := []string{"lab-000", "lab-002", "lab-003"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: one is gone, one is newer, one is there", got, want)
	}
}
