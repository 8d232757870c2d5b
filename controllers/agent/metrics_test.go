// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
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
	count := func(op, result string) float64 {
		return testutil.ToFloat64(operations.WithLabelValues(op, result))
	}
	done, refused, after := count("AddSymlink", cluster.ResultOK), count("SetMTU", cluster.ResultError), count("SetMAC", cluster.ResultOK)
	countOperations([]state.Op{state.AddSymlink{}, state.SetMTU{}, state.SetMAC{}}, 1, errors.New("no"))
	done, refused, after = count("AddSymlink", cluster.ResultOK)-done, count("SetMTU", cluster.ResultError)-refused, count("SetMAC", cluster.ResultOK)-after
	if done != 1 || refused != 1 || after != 0 {
		t.Errorf("%v done, %v refused, %v after it", done, refused, after)
	}
}
