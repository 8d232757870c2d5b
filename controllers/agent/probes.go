// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/status"
)

func probeKey(lab *v1alpha1.NetLab) string { return client.ObjectKeyFromObject(lab).String() }

// probeResults keeps the lab's probes running and returns their results. A changed result causes another
// inspection, so a cause is always found in a fresh observation.
func (a *Agent) probeResults(ctx context.Context, lab *lab.Lab, i status.Inspection, seen converge.Outcome) []status.ProbeResult {
	key := probeKey(i.NetLab)
	waits := a.awaitTree(ctx, lab, i, seen)
	if waits && !a.prober.Running(key, i.NetLab.Generation) {
		return pending(lab, seen)
	}
	specs := make([]probe.Spec, len(lab.Probes))
	for i, p := range lab.Probes {
		specs[i] = ask.Spec(lab, p)
	}
	a.prober.Run(key, specs, i.NetLab.Generation)
	if a.disturbed.take(key) && !waits {
		a.prober.Wake(key)
	}
	results := pending(lab, converge.Outcome{})
	for i, result := range a.prober.Results(key) {
		results[i] = ask.Diagnosed(ctx, a.kernel, lab, lab.Probes[i], result, seen, a.Machine.NeighborTableFull)
		if waits && results[i].Cause.Reason == v1alpha1.ReasonSpanningTree {
			results[i].Outcome = status.ProbePending
		}
	}
	return results
}

// disturbed are the labs with kernel events since their last inspection: their probes ask again after it. Events tell of
// policy rules, permanent neighbours and packet filters, too, which no comparison finds. A probe that asked before
// the inspection might lose a packet to what the inspection repairs.
type disturbed struct {
	mu   sync.Mutex
	labs map[string]bool
}

func (d *disturbed) add(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.labs == nil {
		d.labs = map[string]bool{}
	}
	d.labs[key] = true
}

// take reports whether the lab was disturbed, and forgets it.
func (d *disturbed) take(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	is := d.labs[key]
	delete(d.labs, key)
	return is
}

// treePeriod is the time between two looks at a lab of which links converge.
const treePeriod = time.Second

// awaitTree reports whether links converge and the lab still waits for them. A port that changes its state is a kernel
// event and causes another inspection; a port that hears of another root, and the end of the wait, are none. After it,
// a switch may send frames to a port that is blocked now (see converge.ForgetMACs), and the attempts of failing probes
// were made before.
func (a *Agent) awaitTree(ctx context.Context, lab *lab.Lab, i status.Inspection, seen converge.Outcome) (waits bool) {
	key := probeKey(i.NetLab)
	left, ended := a.trees.watch(key, i.NetLab.Generation, len(seen.Converging()) > 0, time.Now())
	if left > 0 {
		a.known.touchAll(client.ObjectKeyFromObject(i.NetLab))
		a.queue.addAfter(client.ObjectKeyFromObject(i.NetLab), min(left, treePeriod))
	}
	if ended {
		if err := converge.ForgetMACs(ctx, a.kernel, lab.Want); err != nil {
			logf.FromContext(ctx).Error(err, "Failed to delete learned MAC entries; they age within 300 s")
		}
	}
	if ended {
		a.prober.Retry(key)
	}
	return left > 0
}

// pending are probes that have to wait: before links have a carrier and a spanning tree has converged, every probe
// would fail.
func pending(lab *lab.Lab, seen converge.Outcome) []status.ProbeResult {
	cause := diagnose.Converging(seen.Observation)
	results := make([]status.ProbeResult, len(lab.Probes))
	for i, p := range lab.Probes {
		results[i] = status.ProbeResult{Probe: p, Cause: status.False(cause.Reason, cause.Message), Fix: cause.Fix}
	}
	return results
}
