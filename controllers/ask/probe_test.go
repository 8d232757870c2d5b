// SPDX-License-Identifier: Apache-2.0

package ask_test

import (
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/ask/asktest"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// The verdict counts, not the outcome of the latest attempt: a probe that expects Unreachable keeps
// failing for FailureThreshold attempts after the reply.
func TestVerdictTellsWhetherAReplyCame(t *testing.T) {
	for _, c := range []struct {
		expect  v1alpha1.Expectation
		verdict probe.Verdict
		outcome probe.Outcome
		replied bool
	}{
		{v1alpha1.ExpectReachable, probe.Pass, probe.NoReply, true},
		{v1alpha1.ExpectReachable, probe.Fail, probe.NoReply, false},
		{v1alpha1.ExpectUnreachable, probe.Pass, probe.NoReply, false},
		{v1alpha1.ExpectUnreachable, probe.Fail, probe.NoReply, true},
		{v1alpha1.ExpectReachable, probe.Unknown, probe.NoReply, false},
		{v1alpha1.ExpectUnreachable, probe.Unknown, probe.NoReply, false},
		{v1alpha1.ExpectReachable, probe.Fail, probe.DeliveredLocally, false},
		{v1alpha1.ExpectUnreachable, probe.Fail, probe.DeliveredLocally, false},
	} {
		q := ask.Question(&lab.Lab{}, lab.Probe{Expect: c.expect}, probe.Result{Verdict: c.verdict, Outcome: c.outcome}, nil, func(probe.Family) bool { return false })
		if q.Replied != c.replied || q.DeliveredLocally != (c.outcome == probe.DeliveredLocally) {
			t.Errorf("expect %s, verdict %s: replied is %t", c.expect, c.verdict, q.Replied)
		}
	}
}

// A node has a thousand probes that pass, and each look at its neighbour table takes milliseconds then.
func TestAProbeThatPassesCostsNoLookAtTheNeighbourTable(t *testing.T) {
	for verdict, looks := range map[probe.Verdict]int{probe.Pass: 0, probe.Unknown: 0, probe.Fail: 1} {
		b, looked := asktest.New(t), 0
		own := b.Lab(t).Lab
		full := func(probe.Family) bool { looked++; return false }
		seen, err := converge.Plan(t.Context(), b.Kernel, own.Identity, own.Want)
		if err != nil {
			t.Fatal(err)
		}
		ask.Diagnosed(t.Context(), b.Kernel, own, own.Probes[0], probe.Result{Verdict: verdict}, seen, full)
		if looked != looks {
			t.Errorf("%d looks for a probe with verdict %s, want %d", looked, verdict, looks)
		}
	}
}
