// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"testing/synctest"

	"k8s.io/client-go/util/workqueue"

	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// A lab is looked at when a probe has an answer, not when it has been given its question: whoever
// gave it is looking.
func TestOnlyAnswersOfProbesAskForALook(t *testing.T) {
	open, answered := probe.Result{}, probe.Result{Outcome: probe.NoRoute}
	for _, c := range []struct {
		name    string
		results []probe.Result
		looks   int
	}{
		{"no probes", nil, 0},
		{"questions", []probe.Result{open, open}, 0},
		{"the first answer", []probe.Result{open, answered}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			waiting := workqueue.NewTypedRateLimitingQueue(cluster.RetryLimiter())
			defer waiting.ShutDown()
			a := &Agent{queue: &queue{q: waiting}}
			a.probed("default/x", c.results)
			synctest.Wait()
			if got := waiting.Len(); got != c.looks {
				t.Errorf("%s: %d looks, want %d", c.name, got, c.looks)
			}
		})
	}
}
