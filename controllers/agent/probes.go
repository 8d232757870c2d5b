// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/status"
)

func probeKey(lab *v1alpha1.NetLab) string { return client.ObjectKeyFromObject(lab).String() }

// probeResults keeps the lab's probes running and returns their results. A changed result causes another
// inspection, so a cause is always found in a fresh observation.
func (a *Agent) probeResults(ctx context.Context, lab *lab.Lab, netlab *v1alpha1.NetLab, seen converge.Outcome) []status.ProbeResult {
	key := probeKey(netlab)
	if len(seen.Settling) > 0 && !a.prober.Running(key, netlab.Generation) {
		return pending(lab)
	}
	specs := make([]probe.Spec, len(lab.Probes))
	for i, p := range lab.Probes {
		specs[i] = ask.Spec(lab, p)
	}
	a.prober.Run(key, specs, netlab.Generation)
	results := pending(lab)
	for i, result := range a.prober.Results(key) {
		results[i] = ask.Diagnosed(ctx, a.kernel, lab, lab.Probes[i], result, seen, a.Machine.NeighborTableFull)
	}
	return results
}

// pending are probes that have to wait: before a spanning tree has decided, a bridge forwards nothing,
// and every probe would fail. The decision is a kernel event and causes another inspection.
func pending(lab *lab.Lab) []status.ProbeResult {
	results := make([]status.ProbeResult, len(lab.Probes))
	for i, p := range lab.Probes {
		results[i] = status.ProbeResult{Probe: p}
	}
	return results
}
