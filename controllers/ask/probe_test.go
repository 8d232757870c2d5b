// SPDX-License-Identifier: Apache-2.0

package ask_test

import (
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// The verdict counts, not the outcome of the latest attempt: a probe that expects Unreachable keeps
// failing for FailureThreshold attempts after the reply.
func TestVerdictTellsWhetherAReplyCame(t *testing.T) {
	for _, c := range []struct {
		expect  v1alpha1.Expectation
		verdict probe.Verdict
		replied bool
	}{
		{v1alpha1.ExpectReachable, probe.Pass, true},
		{v1alpha1.ExpectReachable, probe.Fail, false},
		{v1alpha1.ExpectUnreachable, probe.Pass, false},
		{v1alpha1.ExpectUnreachable, probe.Fail, true},
		{v1alpha1.ExpectReachable, probe.Unknown, false},
		{v1alpha1.ExpectUnreachable, probe.Unknown, false},
	} {
		q := ask.Question(&lab.Lab{}, lab.Probe{Expect: c.expect}, c.verdict, nil, func(probe.Family) bool { return false })
		if q.Replied != c.replied {
			t.Errorf("expect %s, verdict %s: replied is %t", c.expect, c.verdict, q.Replied)
		}
	}
}
