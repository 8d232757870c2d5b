// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// registering is how many nodes register at once.
const registering = 8

// fleet is a cluster with many nodes.
type fleet struct {
	*agents
	meter    *meter
	observer *observer
	cancel   context.CancelFunc
}

func newFleet(ctx context.Context, c *apiServer, o options) (*fleet, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &fleet{cancel: cancel, agents: &agents{
		options: o, cluster: c, scheme: c.admin.Scheme(), mapper: c.admin.RESTMapper(), plans: newPlans(),
		reports: make([]atomic.Int64, o.nodes), failed: make(chan error, 2*o.nodes+1),
	}}
	var err error
	if f.meter, err = newMeter(c.config); err != nil {
		return nil, err
	}
	if f.cache, err = cache.New(c.config, cache.Options{Scheme: f.scheme, Mapper: f.mapper}); err != nil {
		return nil, fmt.Errorf("make the agents' cache: %w", err)
	}
	if f.nodes, err = newSwitchboard(ctx, f.cache, nodeMetadata()); err != nil {
		return nil, err
	}
	if f.states, err = newSwitchboard(ctx, f.cache, &v1alpha1.NetLabNodeState{}); err != nil {
		return nil, err
	}
	if f.observer, err = newObserver(ctx, f.cache); err != nil {
		return nil, err
	}
	go f.meter.run(ctx)
	go func() {
		if err := f.cache.Start(ctx); err != nil {
			f.failed <- fmt.Errorf("the agents' cache: %w", err)
		}
	}()
	return f, nil
}

func (f *fleet) stop() { f.cancel() }

// phase is what was seen in one part of a run.
type phase struct {
	name string
	// done is after how long what was to come about had.
	done time.Duration
	// length is until the last write.
	length time.Duration
	writes counts
	// peak is in writes per second.
	peak float64
	// ready is how long each lab took; unready counts labs that were not.
	ready   []time.Duration
	unready int
	// reports are those of the agent that reported most often.
	reports int64
}

// live goes through all phases. When one fails it returns those before it, too.
func (f *fleet) live(ctx context.Context) (phases []phase, err error) {
	for _, part := range []struct {
		name string
		act  func(context.Context, *phase) error
	}{
		{"nodes register", f.register},
		{"labs are applied", f.apply},
		{"each is edited", f.edit},
		{"nothing happens", f.rest},
		{"all are deleted", f.remove},
	} {
		seen, err := f.measure(ctx, part.name, part.act)
		if err != nil {
			return phases, fmt.Errorf("%s: %w\n%s", part.name, err, f.cluster.controller.lastWords())
		}
		phases = append(phases, seen)
		if err := f.tell(ctx, seen); err != nil {
			return phases, err
		}
	}
	return phases, nil
}

// tell says at once what a phase came to: a large fleet takes its time.
func (f *fleet) tell(ctx context.Context, seen phase) error {
	taken, err := f.cluster.takers()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "fleet: %s: done after %s, %d writes; peak memory so far: %s\n", seen.name, seconds(seen.done), seen.writes.total(), taken)
	return f.profileHeaps(ctx, seen.name)
}

func (f *fleet) measure(ctx context.Context, name string, act func(context.Context, *phase) error) (phase, error) {
	p := phase{name: name}
	before, err := f.meter.sample(ctx)
	if err != nil {
		return p, err
	}
	f.meter.forgetPeak()
	reported := f.reported()
	started := time.Now()
	if err := act(ctx, &p); err != nil {
		return p, err
	}
	p.done = time.Since(started)
	if err := f.awaitQuiet(ctx); err != nil {
		return p, err
	}
	after, err := f.meter.sample(ctx)
	if err != nil {
		return p, err
	}
	peak, quiet := f.meter.seen()
	p.length = max(p.done, time.Since(started)-quiet)
	p.writes, p.peak = after.since(before), peak
	for i, n := range f.reported() {
		p.reports = max(p.reports, n-reported[i])
	}
	return p, nil
}

func (f *fleet) reported() []int64 {
	list := make([]int64, len(f.reports))
	for i := range f.reports {
		list[i] = f.reports[i].Load()
	}
	return list
}

// awaitQuiet waits until nothing is held back any more, by agents or by the controller.
func (f *fleet) awaitQuiet(ctx context.Context) error {
	held := f.options.pause + time.Duration(f.options.nodes)*10*time.Millisecond + 2*sampling
	return f.await(ctx, "the writes to end", func() (bool, string) {
		_, quiet := f.meter.seen()
		return quiet > held, fmt.Sprintf("the last one was %s ago", quiet.Round(time.Second))
	})
}

// await waits until done says so, or something has gone wrong.
func (f *fleet) await(ctx context.Context, what string, done func() (ok bool, saw string)) error {
	deadline := time.NewTimer(f.options.timeout)
	defer deadline.Stop()
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		ok, saw := done()
		if ok {
			tick.Stop()
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-f.failed:
			return err
		case <-deadline.C:
			return fmt.Errorf("timeout after %s, waiting for %s: %s", f.options.timeout, what, saw)
		case <-tick.C:
		}
	}
}

// register makes a Node and a Ready pod for each agent, and starts the agent.
func (f *fleet) register(ctx context.Context, _ *phase) error {
	var starting sync.WaitGroup
	next := make(chan int)
	for range registering {
		starting.Go(func() {
			for i := range next {
				if err := f.registerOne(ctx, i); err != nil {
					f.failed <- err
				}
			}
		})
	}
	for i := range f.options.nodes {
		next <- i
	}
	close(next)
	starting.Wait()
	return f.await(ctx, "a report of every node", func() (bool, string) {
		n := f.observer.nodesThatReport(0)
		return n == f.options.nodes, fmt.Sprintf("%d of %d report", n, f.options.nodes)
	})
}

func (f *fleet) registerOne(ctx context.Context, i int) error {
	node := &corev1.Node{}
	node.Name = fmt.Sprintf("node-%04d", i)
	node.Labels = map[string]string{"kubernetes.io/hostname": node.Name, "pool": "lab"}
	if err := f.cluster.admin.Create(ctx, node); err != nil {
		return fmt.Errorf("create Node %s: %w", node.Name, err)
	}
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name = systemNamespace, "netlab-agent-"+node.Name
	pod.Labels = map[string]string{"app.kubernetes.io/name": "netlab-agent"}
	pod.Spec = corev1.PodSpec{NodeName: node.Name, ServiceAccountName: "netlab-agent", Containers: []corev1.Container{{Name: "agent", Image: "netlab-agent"}}}
	if err := f.cluster.admin.Create(ctx, pod); err != nil {
		return fmt.Errorf("create the agent's pod of %s: %w", node.Name, err)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
	if err := f.cluster.admin.Status().Update(ctx, pod); err != nil {
		return fmt.Errorf("make the agent's pod of %s Ready: %w", node.Name, err)
	}
	return f.start(ctx, i, node.Name, pod.UID)
}

// apply creates the labs one after the other, as kubectl does, and waits until all are Ready.
func (f *fleet) apply(ctx context.Context, p *phase) error {
	applied := map[edition]time.Time{}
	for i := range f.options.labs {
		lab := tutorial(i)
		at := time.Now()
		err := patiently(func() error { return f.cluster.admin.Create(ctx, lab) })
		if err != nil {
			return fmt.Errorf("create NetLab %s: %w", lab.Name, err)
		}
		applied[edition{lab.Name, lab.Generation}] = at
	}
	return f.awaitReady(ctx, p, applied)
}

// edit cuts each lab's MTU.
func (f *fleet) edit(ctx context.Context, p *phase) error {
	change := client.RawPatch(types.JSONPatchType, []byte(`[{"op": "add", "path": "/spec/links/0/mtu", "value": 1400}]`))
	applied := map[edition]time.Time{}
	for i := range f.options.labs {
		lab := tutorial(i)
		at := time.Now()
		err := patiently(func() error { return f.cluster.admin.Patch(ctx, lab, change) })
		if err != nil {
			return fmt.Errorf("edit NetLab %s: %w", lab.Name, err)
		}
		applied[edition{lab.Name, lab.Generation}] = at
	}
	return f.awaitReady(ctx, p, applied)
}

func (f *fleet) awaitReady(ctx context.Context, p *phase, applied map[edition]time.Time) error {
	return f.await(ctx, "all labs to be Ready", func() (bool, string) {
		p.ready, p.unready = f.observer.since(applied)
		return p.unready == 0, fmt.Sprintf("%d of %d are not", p.unready, len(applied))
	})
}

func (f *fleet) rest(ctx context.Context, _ *phase) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(f.options.steady):
		return nil
	}
}

// remove deletes the labs and waits until no node reports any.
func (f *fleet) remove(ctx context.Context, _ *phase) error {
	for i := range f.options.labs {
		err := patiently(func() error { return client.IgnoreNotFound(f.cluster.admin.Delete(ctx, tutorial(i))) })
		if err != nil {
			return fmt.Errorf("delete a NetLab: %w", err)
		}
	}
	return f.await(ctx, "no node to report a lab", func() (bool, string) {
		n := f.observer.nodesThatReport(0)
		return n == f.options.nodes, fmt.Sprintf("%d of %d report none", n, f.options.nodes)
	})
}

// patiently repeats what the API server was too busy for, as a user would.
func patiently(do func() error) error {
	busy := func(err error) bool {
		return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err)
	}
	return retry.OnError(wait.Backoff{Steps: 10, Duration: time.Second}, busy, do)
}

// tutorial is a host, a router, a host, and a ping between them, on every node.
func tutorial(i int) *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.Name = labNamespace, fmt.Sprintf("routed-pair-%03d", i)
	none := intstr.FromInt32(0)
	lab.Spec = v1alpha1.NetLabSpec{
		Placement:  &v1alpha1.Placement{MaxUnavailable: &none},
		Namespaces: []v1alpha1.Namespace{{Name: "ns1"}, {Name: "ns2"}},
		Routers:    []v1alpha1.Router{{Name: "router"}},
		Subnets:    []v1alpha1.Subnet{{Name: "left", CIDRs: []string{"192.0.2.0/24"}}, {Name: "right", CIDRs: []string{"198.51.100.0/24"}}},
		Links: []v1alpha1.Link{
			{Name: "l1", Subnet: "left", Endpoints: []v1alpha1.Endpoint{{Name: "ns1"}, {Name: "router"}}},
			{Name: "l2", Subnet: "right", Endpoints: []v1alpha1.Endpoint{{Name: "router"}, {Name: "ns2"}}},
		},
		Probes: []v1alpha1.Probe{{Name: "ns1-ns2", From: "ns1", To: "ns2", PeriodSeconds: 60}},
	}
	return lab
}

// result reads what is left to know at the end of a run.
func (f *fleet) result(ctx context.Context, phases []phase) (result, error) {
	r := result{options: f.options, comparePeriod: f.comparePeriod(), phases: phases}
	r.lab, r.state = f.observer.sizes()
	r.failedReports = failedReports()
	_, r.restarts = f.cluster.controller.taken()
	var err error
	if r.takers, err = f.cluster.takers(); err != nil {
		return r, err
	}
	err = f.meter.scrape(ctx, func(name, _ string, value float64) {
		if name == "apiserver_storage_size_bytes" {
			r.database = int(value)
		}
	})
	return r, err
}
