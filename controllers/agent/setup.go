// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The agent's defaults.
const (
	DefaultComparePeriod = 10 * time.Second
	DefaultEventDelay    = 20 * time.Millisecond
	DefaultSweepPeriod   = 30 * time.Second
	DefaultWritePause    = 5 * time.Second
	DefaultMaxLabs       = 512
	DefaultMaxNamespaces = 2048
	DefaultMaxRows       = 600_000
)

const (
	// agentWorkers is the number of labs reconciled at once. The kernel creates one namespace at a time,
	// but a lab that waits for the end of its namespaces must not delay others. See turns.
	agentWorkers = 5
	// firstInspectionTimeout bounds the wait of the first report for the first inspection of every lab.
	firstInspectionTimeout = 10 * time.Second
)

// Cache limits the cache of an agent's manager to objects of its node.
func Cache(node string) cache.Options {
	own := fields.OneTermEqualSelector("metadata.name", node)
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			cluster.NodeMetadata():      {Field: own, Transform: cluster.KeepLabels},
			&v1alpha1.NetLabNodeState{}: {Field: own},
		},
	}
}

// Setup adds an agent to a manager made with Cache. The caller holds the machine's agent lock. When the
// manager stops, labs stay as they are.
func Setup(ctx context.Context, mgr manager.Manager, options Options) error {
	registerAgentMetrics()
	a := New(mgr, options)
	if err := a.capacity.read(ctx, a.kernel); err != nil {
		return err
	}
	s := newSweep(a.kernel, a.client, a.live, a.enqueueDelete)
	return errors.Join(
		a.setupController(mgr, s),
		mgr.Add(manager.RunnableFunc(a.watchKernel)),
		mgr.Add(manager.RunnableFunc(a.report)),
		mgr.Add(manager.RunnableFunc(a.expectLabs)),
		mgr.Add(manager.RunnableFunc(a.exportNeighbours)),
		mgr.Add(manager.RunnableFunc(a.stopProbing)),
		mgr.Add(manager.RunnableFunc(a.reap)),
		mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
			s.run(ctx, a.SweepPeriod)
			return nil
		})),
		mgr.AddReadyzCheck("labs", a.progress.Ready),
		mgr.AddHealthzCheck("progress", a.progress.Alive),
	)
}

// New returns an agent that nothing runs yet. Of the manager it takes clients and the recorder of Events.
func New(mgr manager.Manager, options Options) *Agent {
	options = options.withDefaults()
	a := &Agent{
		Options:       options,
		client:        mgr.GetClient(),
		live:          mgr.GetAPIReader(),
		cache:         mgr.GetCache(),
		kernel:        options.Machine.Kernel,
		capacity:      newCapacity(options.Limits, options.TenantLimits),
		neighbours:    newNeighbourBudget(options.NeighborShare, options.Machine.NeighborUse),
		records:       newRecords(options.Machine.Kernel),
		subscriptions: newSubscriptions(options.Machine.Follow),
		reporter:      newReporter(mgr.GetClient(), options.NodeName, options.Identity, options.WritePause),
		known:         newKnown(options.ComparePeriod),
		queue:         &queue{},
		sizes:         newSizes(),
		arrivals:      newArrivals(),
		removed:       make(chan struct{}, 1),
		repairs:       newRepairLog(mgr.GetEventRecorder("netlab-agent"), options.NodeName),
	}
	a.turns = newTurns(agentWorkers, a.sizes.large)
	a.reporter.busy = a.turns.busy
	a.neighbours.first = a.candidates
	a.progress = newProgress(a.reporter.open)
	a.prober = probe.New(options.Machine.Dial, a.probed, probe.Observe(countAttempt), probe.Saturated(options.Machine.NeighborTableFull))
	return a
}

func (o Options) withDefaults() Options {
	o.ComparePeriod = cmp.Or(o.ComparePeriod, DefaultComparePeriod)
	o.EventDelay = cmp.Or(o.EventDelay, DefaultEventDelay)
	o.SweepPeriod = cmp.Or(o.SweepPeriod, DefaultSweepPeriod)
	o.WritePause = cmp.Or(o.WritePause, DefaultWritePause)
	if o.Machine.Follow == nil {
		o.Machine.Follow = func(string) error { return nil }
	}
	if o.Machine.NeighborTableFull == nil {
		o.Machine.NeighborTableFull = func(probe.Family) bool { return false }
	}
	if o.Machine.NeighborUse == nil {
		o.NeighborShare = 0
		o.Machine.NeighborUse = func(probe.Family) (used, limit int, err error) { return 0, 0, nil }
	}
	if o.Machine.Reap == nil {
		o.Machine.Reap = func(context.Context) ([]string, error) { return nil, nil }
	}
	if o.Machine.FeatureMissing == nil {
		o.Machine.FeatureMissing = func(error) bool { return false }
	}
	return o
}

func (a *Agent) setupController(mgr manager.Manager, s *sweep) error {
	_, err := builder.ControllerManagedBy(mgr).
		Named("agent").
		Watches(&v1alpha1.NetLab{}, a.labEvents(s.kick), builder.WithPredicates(cluster.SpecChanged)).
		WatchesMetadata(cluster.NodeMetadata(), handler.EnqueueRequestsFromMapFunc(a.allLabs), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(source.Func(a.queue.open)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: agentWorkers,
			RateLimiter:             cluster.RetryLimiter(),
			NewQueue:                a.turns.newQueue,
			// In tests, two agents may run one after the other in one process.
			SkipNameValidation: new(true),
			NeedLeaderElection: new(false),
		}).
		Build(a)
	if err != nil {
		return fmt.Errorf("set up the agent: %w", err)
	}
	return nil
}

// enqueueDelete makes Reconcile remove a lab that is proven to be deleted.
func (a *Agent) enqueueDelete(id state.Identity) {
	a.capacity.markDeleted(id)
	a.queue.addAfter(types.NamespacedName{Namespace: id.Namespace, Name: id.Name}, 0)
}

// probed enqueues a lab whose probes have new results. New probes without a result are none: the
// inspection that started them knows. A probe that passes has no cause to be found in the kernel.
func (a *Agent) probed(key string, results []probe.Result) {
	asked := func(r probe.Result) bool { return r.Outcome != probe.NotAsked }
	if !slices.ContainsFunc(results, asked) {
		return
	}
	namespace, name, _ := strings.Cut(key, string(types.Separator))
	lab := types.NamespacedName{Namespace: namespace, Name: name}
	if slices.ContainsFunc(results, func(r probe.Result) bool { return asked(r) && (r.Verdict != probe.Pass || r.Overdue) }) {
		a.known.touchAll(lab) // the cause may be one without an event
	} else {
		a.known.touch(lab)
	}
	a.queue.addAfter(lab, 0)
}

func (a *Agent) report(ctx context.Context) error {
	if err := a.reporter.watch(ctx, a.cache); err != nil {
		return err
	}
	a.reporter.run(ctx)
	return nil
}

// expectLabs sets the labs that the first report waits for, and ends the wait after a timeout.
func (a *Agent) expectLabs(ctx context.Context) error {
	names, err := a.labNames(ctx)
	if err != nil {
		return err
	}
	a.reporter.expect(names)
	a.progress.expect(names)
	if wait(ctx, nil, firstInspectionTimeout) {
		a.progress.giveUp()
	}
	return nil
}

// stopProbing closes every probe's socket when the agent stops.
func (a *Agent) stopProbing(ctx context.Context) error {
	<-ctx.Done()
	a.prober.Close()
	return nil
}

// reap logs and counts deleted namespaces that a process outside keeps alive. Nothing in them is
// connected, and no reconcile waits for them.
func (a *Agent) reap(ctx context.Context) error {
	for wait(ctx, a.removed, 0) {
		held, err := a.Machine.Reap(ctx)
		if err != nil && ctx.Err() == nil {
			logf.FromContext(ctx).Error(err, "Failed to check whether deleted network namespaces have ended")
		}
		namespacesHeld.Add(float64(len(held)))
		for _, namespace := range held {
			logf.FromContext(ctx).Info("Another process keeps a deleted network namespace alive; nothing in it is connected", "namespace", namespace)
		}
	}
	return nil
}
