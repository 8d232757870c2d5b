// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"encoding/json"
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/status"
)

// BenchmarkStoredReport decodes a report on 100 labs as an API server does, which keeps those of
// the last 75 s in memory, for watches.
func BenchmarkStoredReport(b *testing.B) {
	encoded := encodedState(b)
	var kept []*unstructured.Unstructured
	for b.Loop() {
		kept = nil
		before := heap()
		for range 100 {
			stored := &unstructured.Unstructured{}
			if err := stored.UnmarshalJSON(encoded); err != nil {
				b.Fatal(err)
			}
			kept = append(kept, stored)
		}
		b.ReportMetric(float64(heap()-before)/100, "B/report")
	}
	b.ReportMetric(float64(len(encoded)), "B/JSON")
	runtime.KeepAlive(kept)
}

// BenchmarkCachedReports decodes the reports of 1,000 nodes on 100 labs and tells what stays in
// memory.
func BenchmarkCachedReports(b *testing.B) {
	encoded := encodedState(b)
	for name, transform := range map[string]func(any) (any, error){
		"as they come": func(o any) (any, error) { return o, nil },
		"texts shared": newTexts().shareAll,
	} {
		b.Run(name, func(b *testing.B) {
			var kept []any
			for b.Loop() {
				kept = nil
				before := heap()
				for range 1000 {
					o, err := transform(decodedState(b, encoded))
					if err != nil {
						b.Fatal(err)
					}
					kept = append(kept, o)
				}
				b.ReportMetric(float64(heap()-before)/1e6, "MB")
			}
			runtime.KeepAlive(kept)
		})
	}
}

func TestWhatManyNodesSayIsKeptOnce(t *testing.T) {
	said := status.Conditions{Accepted: status.Valid(), Realized: status.False("Conflict", "x is taken"), Reachable: status.Unknown("NotRealized", "probes run only while the lab is realized")}
	encoded, share := encodedState(t, said), newTexts()
	one, another, plain := decodedState(t, encoded), decodedState(t, encoded), decodedState(t, encoded)
	for _, state := range []*v1alpha1.NetLabNodeState{one, another} {
		if _, err := share.shareAll(state); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(one, plain) {
		t.Error("sharing changed what is said")
	}
	again := textsIn(another)
	for i, text := range textsIn(one) {
		if unsafe.StringData(text) != unsafe.StringData(again[i]) {
			t.Errorf("%q is there twice", text)
		}
	}
}

func TestOfAPodOnlyWhatIsReadIsKept(t *testing.T) {
	full := pod("u1", true, time.Hour)
	full.Namespace, full.Name, full.ResourceVersion = "netlab-system", "netlab-agent-x", "7"
	want := full.DeepCopy()
	full.Labels, full.Annotations = map[string]string{"a": "b"}, map[string]string{"c": "d"}
	full.OwnerReferences = []metav1.OwnerReference{{Name: "netlab-agent"}}
	full.Spec.Containers = []corev1.Container{{Name: "agent"}}
	full.Status.Conditions = append(full.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled})
	got, err := keepReadiness(&full)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, error %v", got, err)
	}
}

// textsIn lists what nodes say in the same words.
func textsIn(state *v1alpha1.NetLabNodeState) []string {
	var list []string
	for _, report := range state.Status.Labs {
		list = append(list, report.Namespace, report.Name, string(report.UID), report.Ready)
		if found := report.Findings; found != nil {
			for _, finding := range []v1alpha1.Finding{found.Accepted, found.Realized, found.Reachable} {
				list = append(list, string(finding.Status), finding.Reason, finding.Message)
			}
		}
	}
	return list
}

// encodedState is a report on 100 labs, all of them ready but for one for each of the others.
func encodedState(t testing.TB, others ...status.Conditions) []byte {
	t.Helper()
	_, labs := fullHouse(0, 100)
	reports := reportsOn(labs)
	for i, said := range others {
		said.WriteInto(&reports[i])
	}
	state := stateOf("n", from("u1"), reports...)
	state.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("NetLabNodeState"))
	encoded, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func decodedState(t testing.TB, encoded []byte) *v1alpha1.NetLabNodeState {
	t.Helper()
	state := &v1alpha1.NetLabNodeState{}
	if err := json.Unmarshal(encoded, state); err != nil {
		t.Fatal(err)
	}
	return state
}

// heap is what is reachable, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
