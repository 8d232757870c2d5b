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
	return diagnosed(ctx, k, p, result, seen, Question(lab, p, result, seen.Left, full))
}

func diagnosed(ctx context.Context, k diagnose.Kernel, p lab.Probe, result probe.Result, seen converge.Outcome, q diagnose.Question) status.ProbeResult {
	r := status.ProbeResult{Probe: p, Outcome: outcome(result)}
	if r.Outcome != status.ProbeFails {
		r.Error = result.Err
		return r
	}
	walk, err := diagnose.Explain(ctx, k, seen.Observation, q)
	switch cause := walk.Cause; {
	case err != nil:
		r.Error = err.Error()
	case cause.Found() && cause.Reason != v1alpha1.ReasonProbeError:
		r.Cause, r.Fix = status.False(cause.Reason, cause.Message), cause.Fix
	}
	return r
}

// Diagnosed does the same as the function Diagnosed with this machine's kernel. It measures how many packets are lost.
func (m *Machine) Diagnosed(ctx context.Context, lab *lab.Lab, p lab.Probe, result probe.Result, seen converge.Outcome) status.ProbeResult {
	return diagnosed(ctx, m.Kernel, p, result, seen, m.question(ctx, lab, p, result, seen))
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
