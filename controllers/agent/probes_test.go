// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// A first result enqueues the lab. Probes without a result do not: the inspection that started them knows.
func TestOnlyResultsOfProbesEnqueueTheLab(t *testing.T) {
	open, answered := probe.Result{}, probe.Result{Outcome: probe.NoRoute}
	for _, c := range []struct {
		name    string
		results []probe.Result
		queued  int
	}{
		{"no probes", nil, 0},
		{"no results", []probe.Result{open, open}, 0},
		{"the first result", []probe.Result{open, answered}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			waiting := workqueue.NewTypedRateLimitingQueue(cluster.RetryLimiter())
			defer waiting.ShutDown()
			a := &Agent{queue: &queue{q: waiting}, known: newKnown(time.Second)}
			a.probed("default/x", c.results)
			synctest.Wait()
			if got := waiting.Len(); got != c.queued {
				t.Errorf("%s: %d requests, want %d", c.name, got, c.queued)
			}
		})
	}
}
