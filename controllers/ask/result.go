// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Diagnosed hands the result of a probe to package status, with the cause of a failure found in what
// was observed last. Full tells whether the neighbour table of a family is full.
func Diagnosed(ctx context.Context, k diagnose.Kernel, lab *lab.Lab, p lab.Probe, result probe.Result, seen converge.Outcome, full func(probe.Family) bool) status.ProbeResult {
	r, _ := diagnosed(ctx, k, p, result, seen, func() diagnose.Question { return Question(lab, p, result, seen.Left, full) })
	return r
}

// diagnosed asks the kernel only about a probe that fails, or is about to.
func diagnosed(ctx context.Context, k diagnose.Kernel, p lab.Probe, result probe.Result, seen converge.Outcome, question func() diagnose.Question) (r status.ProbeResult, walk diagnose.Walk) {
	r = status.ProbeResult{Probe: p, Outcome: outcome(result)}
	if r.Outcome == status.ProbePasses && result.Overdue {
		return overdue(ctx, k, r, seen, question()), walk
	}
	if r.Outcome != status.ProbeFails {
		r.Error = result.Err
		return r, walk
	}
	walk, err := diagnose.Explain(ctx, k, seen.Observation, question())
	switch cause := walk.Cause; {
	case err != nil:
		r.Error = err.Error()
	case cause.Found() && cause.Reason != v1alpha1.ReasonProbeError:
		r.Cause, r.Fix = status.False(cause.Reason, cause.Message), cause.Fix
	}
	return r, walk
}

// overdue is a probe that passes and whose reply has not come in the usual time after an event. It fails already if the
// kernel itself says why no reply can come.
func overdue(ctx context.Context, k diagnose.Kernel, r status.ProbeResult, seen converge.Outcome, q diagnose.Question) status.ProbeResult {
	q.Replied = false
	walk, err := diagnose.Explain(ctx, k, seen.Observation, q)
	if err == nil && !walk.OnOtherLeg && proves[walk.Cause.Reason] {
		r.Outcome, r.Cause, r.Fix = status.ProbeFails, status.False(walk.Cause.Reason, walk.Cause.Message), walk.Cause.Fix
	}
	return r
}

// proves has the reasons that the kernel's tables and settings prove. Packet filters, impairments and what no table shows
// are not among them: packets may pass.
var proves = map[string]bool{
	v1alpha1.ReasonNetworkUnreachable: true,
	v1alpha1.ReasonForwardingDisabled: true,
	v1alpha1.ReasonNoReturnRoute:      true,
	v1alpha1.ReasonLinkDown:           true,
	v1alpha1.ReasonRouteRejects:       true,
	v1alpha1.ReasonRoutingLoop:        true,
	v1alpha1.ReasonSourceFiltered:     true,
	v1alpha1.ReasonDifferentVLAN:      true,
	v1alpha1.ReasonHostUnreachable:    true,
	v1alpha1.ReasonDuplicateAddress:   true,
	v1alpha1.ReasonEchoIgnored:        true,
}

// Diagnosed does the same as the function Diagnosed with this machine's kernel, and has the walk of a probe that fails. It
// measures how many packets are lost.
func (m *Machine) Diagnosed(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen converge.Outcome) (status.ProbeResult, diagnose.Walk) {
	return diagnosed(ctx, m.Kernel, p, result, seen, func() diagnose.Question { return m.question(ctx, lab, p, result, seen) })
}

// outcome: without a verdict a probe is pending, unless its last attempt could not be sent.
func outcome(result probe.Result) status.ProbeOutcome {
	switch {
	case result.Verdict == probe.Pass:
		return status.ProbePasses
	case result.Verdict == probe.Fail:
		return status.ProbeFails
	case result.Outcome == probe.NotAsked || result.Outcome.Conclusive():
		return status.ProbePending
	}
	return status.ProbeNotSent
}

// Waiting says what a lab waits for while its links converge.
func Waiting(see state.Observation) string {
	if cause := diagnose.Converging(see); cause.Found() {
		return "waiting for the spanning tree: " + cause.Message
	}
	return "waiting for links to carry packets"
}
