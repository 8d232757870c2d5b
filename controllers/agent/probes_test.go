// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"sync/atomic"
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

// After a kernel event, the probes of the lab ask once more than they would otherwise.
func TestAnEventMakesProbesAskAgain(t *testing.T) {
	attempts := func(namespaces ...string) (made int64) {
		synctest.Test(t, func(t *testing.T) {
			var count atomic.Int64
			b := newBench(t, func(o *Options) {
				dial := o.Machine.Dial
				o.Machine.Dial = func(ctx context.Context, from string, options probe.Options) (probe.Conn, error) {
					count.Add(1)
					return dial(ctx, from, options)
				}
			})
			if got := b.mustReconcile(); got != "True/Realized" {
				t.Fatal(got)
			}
			time.Sleep(5 * time.Second)
			events := make(chan string, len(namespaces))
			for _, namespace := range namespaces {
				events <- namespace
			}
			close(events)
			b.relay(t.Context(), events)
			b.mustReconcile()
			time.Sleep(5 * time.Second)
			b.mustReconcile()
			time.Sleep(20 * time.Second)
			made = count.Load()
		})
		return made
	}
	without := attempts()
	if with := attempts("default.routed-pair.router", "default.routed-pair.ns1"); with != without+1 {
		t.Errorf("%d attempts, %d without an event; want one more", with, without)
	}
	if other := attempts("default.other.router"); other != without {
		t.Errorf("%d attempts after an event in another lab, %d without one", other, without)
	}
}
