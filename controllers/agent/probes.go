// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/status"
)

func probeKey(lab *v1alpha1.NetLab) string { return client.ObjectKeyFromObject(lab).String() }

// ask keeps the lab's probes running and returns what is known of them now. A changed result
// asks for another look at the lab, so that a cause is always found in a fresh observation.
func (a *Agent) ask(ctx context.Context, lab *lab.Lab, view status.Look) []status.ProbeResult {
	key := probeKey(view.NetLab)
	if len(view.Outcome.Settling) > 0 && !a.prober.Running(key, view.NetLab.Generation) {
		return unasked(lab)
	}
	specs := make([]probe.Spec, len(lab.Probes))
	for i, p := range lab.Probes {
		specs[i] = ask.Spec(lab, p)
	}
	a.prober.Run(key, specs, view.NetLab.Generation)
	views := make([]status.ProbeResult, len(lab.Probes))
	for i, result := range a.prober.Results(key) {
		views[i] = status.ProbeResult{Probe: lab.Probes[i], Result: result}
		if result.Verdict == probe.Fail {
			views[i].Cause = a.explain(ctx, lab, view.Outcome, lab.Probes[i])
		}
	}
	return views
}

// unasked are probes that have to wait: a spanning tree that has not decided forwards nothing, and
// a verdict from that time would be about the tree. Its decision is a kernel event, and so another look.
func unasked(lab *lab.Lab) []status.ProbeResult {
	views := make([]status.ProbeResult, len(lab.Probes))
	for i, p := range lab.Probes {
		views[i] = status.ProbeResult{Probe: p}
	}
	return views
}

// explain says why a probe fails, by the kernel's own word.
func (a *Agent) explain(ctx context.Context, lab *lab.Lab, seen converge.Outcome, p lab.Probe) v1alpha1.Finding {
	question := ask.Question(lab, p, probe.Fail, seen.Left, a.Machine.NeighborTableFull)
	walk, err := diagnose.Explain(ctx, a.kernel, seen.Observation, question)
	switch cause := walk.Cause; {
	case err != nil:
		return status.False(v1alpha1.ReasonNoReply, fmt.Sprintf("%s gets no reply from %s; why is not known: %v", p.From, p.To, err))
	case !cause.Found(), cause.Reason == v1alpha1.ReasonProbeError: // the way has changed, or a kernel does not answer
		return status.False(v1alpha1.ReasonNoReply, fmt.Sprintf("%s gets no reply from %s; why is not known yet", p.From, p.To))
	default:
		return status.False(cause.Reason, cause.String())
	}
}
