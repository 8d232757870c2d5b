// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/json"
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

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
	encoded, share := encodedState(t), newTexts()
	one, another, plain := decodedState(t, encoded), decodedState(t, encoded), decodedState(t, encoded)
	for _, state := range []*v1alpha1.NetLabNodeState{one, another} {
		if _, err := share.shareAll(state); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(one, plain) {
		t.Error("sharing changed what is said")
	}
	for i := range one.Status.Labs {
		a, b := one.Status.Labs[i], another.Status.Labs[i]
		for _, pair := range [][2]string{
			{a.Namespace, b.Namespace}, {a.Name, b.Name}, {string(a.UID), string(b.UID)},
			{a.Accepted.Message, b.Accepted.Message}, {a.Realized.Reason, b.Realized.Reason}, {string(a.Reachable.Status), string(b.Reachable.Status)},
		} {
			if unsafe.StringData(pair[0]) != unsafe.StringData(pair[1]) {
				t.Fatalf("%q is there twice", pair[0])
			}
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

func encodedState(t testing.TB) []byte {
	t.Helper()
	_, labs := fullHouse(0, 100)
	encoded, err := json.Marshal(stateOf("n", from("u1"), reportsOn(labs)...))
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
