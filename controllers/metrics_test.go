// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// What is said of a lab's state follows its report, and goes with the lab.
func TestAReportIsCountedOnce(t *testing.T) {
	r := newReporter(nil, "node", v1alpha1.AgentIdentity{}, DefaultWritePause)
	failing := v1alpha1.LabReport{Namespace: "default", Name: "lab", Findings: &v1alpha1.Findings{}}
	failing.Findings.Realized.Reason = v1alpha1.ReasonRealized
	failing.FailingProbes = []v1alpha1.ProbeReport{{Reason: v1alpha1.ReasonNoReply}, {Reason: v1alpha1.ReasonNoReply}}
	drifted := v1alpha1.LabReport{Namespace: "default", Name: "lab", Findings: &v1alpha1.Findings{}}
	drifted.Findings.Realized.Reason = v1alpha1.ReasonDrifted

	before := counted()
	for _, c := range []struct {
		name string
		do   func()
		want [3]float64
	}{
		{"reported", func() { r.set(failing) }, [3]float64{1, 0, 2}},
		{"reported again", func() { r.set(failing) }, [3]float64{1, 0, 2}},
		{"reported otherwise", func() { r.set(drifted) }, [3]float64{0, 1, 0}},
		{"gone", func() { r.drop(types.NamespacedName{Namespace: "default", Name: "lab"}) }, [3]float64{}},
		{"gone twice", func() { r.drop(types.NamespacedName{Namespace: "default", Name: "lab"}) }, [3]float64{}},
	} {
		c.do()
		now := counted()
		for i := range now {
			now[i] -= before[i]
		}
		if now != c.want {
			t.Errorf("%s: %v realized, drifted and probes failing, want %v", c.name, now, c.want)
		}
	}
}

func counted() [3]float64 {
	return [3]float64{
		testutil.ToFloat64(labsHere.WithLabelValues(v1alpha1.ReasonRealized)),
		testutil.ToFloat64(labsHere.WithLabelValues(v1alpha1.ReasonDrifted)),
		testutil.ToFloat64(probesFailing.WithLabelValues(v1alpha1.ReasonNoReply)),
	}
}

// Of a plan that the kernel interrupts, what was done and what was refused is counted, and not
// what comes after.
func TestARefusedOperationIsCountedAsSuch(t *testing.T) {
	count := func(op, result string) float64 { return testutil.ToFloat64(operations.WithLabelValues(op, result)) }
	done, refused, after := count("AddSymlink", resultOK), count("SetMTU", resultError), count("SetMAC", resultOK)
	countOperations([]state.Op{state.AddSymlink{}, state.SetMTU{}, state.SetMAC{}}, 1, errors.New("no"))
	done, refused, after = count("AddSymlink", resultOK)-done, count("SetMTU", resultError)-refused, count("SetMAC", resultOK)-after
	if done != 1 || refused != 1 || after != 0 {
		t.Errorf("%v done, %v refused, %v after it", done, refused, after)
	}
}

// Two controllers would count every lab twice.
func TestOnlyTheLeaderSpeaksOfLabs(t *testing.T) {
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	lab := routedPair()
	lab.Namespace = "default"
	elected := make(chan struct{})
	c := &clusterCollector{
		labs:    fake.NewClientBuilder().WithScheme(scheme).WithObjects(client.Object(lab)).Build(),
		agents:  func() (reporting, silent int) { return 2, 1 },
		elected: elected,
	}
	if n := testutil.CollectAndCount(c); n != 0 {
		t.Errorf("without leading it has %d series", n)
	}
	close(elected)
	if n := testutil.CollectAndCount(c, "netlab_lab_ready", "netlab_lab_nodes", "netlab_lab_failing_probes", "netlab_nodes"); n != 8 {
		t.Errorf("%d series, want 6 of the lab and 2 of nodes", n)
	}
	if err := c.labs.(client.Client).Delete(context.Background(), lab); err != nil {
		t.Fatal(err)
	}
	if n := testutil.CollectAndCount(c); n != 2 {
		t.Errorf("%d series after the lab is gone, want 2 of nodes", n)
	}
}
