// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
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

// After an event, a reply that is overdue makes a probe fail if the kernel says why no reply can come. Lost packets do not,
// until there are three.
func TestAProbeFailsEarlyOnProof(t *testing.T) {
	admin := func(up bool) func(*bench) {
		return func(b *bench) {
			if _, err := b.kernel.Apply(t.Context(), []state.Op{state.SetAdmin{LinkID: state.LinkID{Namespace: "default.routed-pair.router", Name: "l2"}, Up: up}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(*bench) {}
	for _, c := range []struct {
		name         string
		happen, mend func(*bench)
		lost         bool
		early, late  string
	}{
		{"nothing is lost", nothing, nothing, false, "True/AllProbesPass", "True/AllProbesPass"},
		{"an interface is down", admin(false), admin(true), false, "False/LinkDown", "False/LinkDown"},
		{"all packets are lost, and no table says why", nothing, nothing, true, "True/AllProbesPass", "False/NoReply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { failsEarly(t, c.happen, c.mend, c.lost, c.early, c.late) })
		})
	}
}

func failsEarly(t *testing.T, happen, mend func(*bench), lost bool, early, late string) {
	var losing atomic.Bool
	b := newBench(t, func(o *Options) {
		dial := o.Machine.Dial
		o.Machine.Dial = func(ctx context.Context, from string, options probe.Options) (probe.Conn, error) {
			conn, err := dial(ctx, from, options)
			if losing.Load() {
				conn = losingConn{conn}
			}
			return conn, err
		}
	})
	b.edit(func(lab *v1alpha1.NetLab) { lab.Spec.DriftPolicy = v1alpha1.DriftReport })
	b.mustReconcile()
	time.Sleep(5 * time.Second) // the first verdict
	reachable := func(when, want string) {
		b.mustReconcile()
		report := b.reporter.labs[benchName]
		if is := status.ConditionsIn(&report).Reachable; fmt.Sprintf("%s/%s", is.Status, is.Reason) != want {
			t.Errorf("%s: %+v, want %s", when, is, want)
		}
	}
	reachable("before", "True/AllProbesPass")
	losing.Store(lost)
	happen(b)
	b.hear("default.routed-pair.router")
	reachable("at the event", "True/AllProbesPass")
	time.Sleep(300 * time.Millisecond)
	reachable("a quarter of the timeout later", early)
	time.Sleep(2 * time.Second)
	reachable("two timeouts later", late)
	losing.Store(false)
	mend(b)
	b.hear("default.routed-pair.router")
	b.mustReconcile()
	time.Sleep(300 * time.Millisecond)
	reachable("in the end", "True/AllProbesPass")
}

// losingConn loses what it sends.
type losingConn struct{ probe.Conn }

// WriteTo implements probe.Conn.
func (losingConn) WriteTo([]byte, netip.Addr) error { return nil }
