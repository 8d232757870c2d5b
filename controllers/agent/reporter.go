// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/status"
)

// batch is how long a write waits for changes that come together, as those of labs that were applied at
// once do.
type batch struct {
	// window is the debounce window.
	window time.Duration
	// timeout bounds the wait after that for labs in the queue, and then for first results of probes.
	timeout time.Duration
}

// batches are those of writes that follow each other. The first after a quiet period hardly waits. Each of
// the others waits several times as long: few writes then report many labs, and the first few labs do not
// use them up. There are no more than these in a row; in the long run there is one per pause. Between two
// writes the next batch gets shorter again, so a lab that is deleted and created again, or edited every
// few seconds, does not wait for a whole pause.
var batches = [...]batch{
	{20 * time.Millisecond, firstTimeout},
	{100 * time.Millisecond, 500 * time.Millisecond},
	{500 * time.Millisecond, 1500 * time.Millisecond},
	{2500 * time.Millisecond, lastTimeout},
}

// A failed write is retried after retryPause, and after twice as long each time it fails again, up to
// maxRetryPause: an overloaded API server gets slower if a thousand agents retry at once.
const (
	retryPause    = time.Second
	maxRetryPause = 30 * time.Second
)

// The first write has a short timeout. The last one, after which the next may be a pause away, has half
// a pause: what it misses waits for a whole one.
const (
	firstTimeout = 200 * time.Millisecond
	lastTimeout  = 2500 * time.Millisecond
	queuePoll    = 10 * time.Millisecond
)

// reporter writes the state of this node's labs into its own NetLabNodeState. It writes only changes: the
// first few after a quiet period at once, later ones in batches.
type reporter struct {
	write func(ctx context.Context, status v1alpha1.NetLabNodeStateStatus) (resourceVersion string, err error)
	agent v1alpha1.AgentIdentity
	// busy tells whether labs wait to be reconciled.
	busy func() bool
	// limit allows one write per pause in the long run.
	limit *rate.Limiter
	pause time.Duration
	// changed has a token while there may be something to write.
	changed chan struct{}
	// settled has a token when the last pending probe has a result.
	settled chan struct{}

	mu   sync.Mutex
	labs map[types.NamespacedName]v1alpha1.LabReport
	// complete: every lab has been inspected once. An incomplete report would say that the other labs are
	// not there.
	complete bool
	// inherited are reports of the agent before this one, on labs that have no result yet since this one started.
	inherited map[types.NamespacedName]v1alpha1.LabReport
	// expected are the labs that exist when the agent starts, nil until that is known.
	expected []types.NamespacedName
	// published is the status that the API server holds, nil if it is not known; version is its resource
	// version.
	published *v1alpha1.NetLabNodeStateStatus
	version   string
	// written is the time of the last write.
	written time.Time
	// failures counts failed writes in a row; jitter spreads the retries of agents that failed together.
	failures int
	jitter   func(time.Duration) time.Duration
	// absent: the NetLabNodeState did not exist at the last write and has not been seen since.
	absent bool
}

func newReporter(c client.Client, node string, agent v1alpha1.AgentIdentity, pause time.Duration) *reporter {
	r := &reporter{
		agent:   agent,
		busy:    func() bool { return false },
		limit:   rate.NewLimiter(rate.Every(pause), len(batches)),
		pause:   pause,
		jitter:  func(d time.Duration) time.Duration { return d/2 + rand.N(d/2) },
		changed: make(chan struct{}, 1),
		settled: make(chan struct{}, 1),
		labs:    map[types.NamespacedName]v1alpha1.LabReport{},
	}
	r.write = func(ctx context.Context, status v1alpha1.NetLabNodeStateStatus) (string, error) {
		state := &v1alpha1.NetLabNodeState{}
		state.Name = node
		if err := cluster.ReplaceStatus(ctx, c, state, status, ""); err != nil {
			return "", fmt.Errorf("report into NetLabNodeState %s: %w", node, err)
		}
		return state.ResourceVersion, nil
	}
	return r
}

// set replaces the report on a lab.
func (r *reporter) set(report v1alpha1.LabReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := types.NamespacedName{Namespace: report.Namespace, Name: report.Name}
	logChange(r.labs[name], report)
	r.remove(name)
	r.labs[name] = report
	if !isPending(report) {
		delete(r.inherited, name)
	}
	countReport(report, 1)
	signal(r.changed)
	if !r.resultsPending() {
		signal(r.settled)
	}
}

// logChange logs a change of Ready on this node.
func logChange(before, after v1alpha1.LabReport) {
	was, is := status.ConditionsIn(&before).Ready(), status.ConditionsIn(&after).Ready()
	if status.HasConditions(&before) && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	about := []any{"lab", after.Namespace + "/" + after.Name, "generation", after.ObservedGeneration, "ready", is.Status, "reason", is.Reason}
	if is.Status != metav1.ConditionTrue {
		about = append(about, "message", is.Message)
	}
	logf.Log.Info("The state of a lab on this node has changed", about...)
}

// awaitMore waits a pause for other changes while the next write would only leave labs out. Such a
// write can wait: readers know which labs exist. A lab that is deleted and applied again takes one write instead of two.
func (r *reporter) awaitMore(ctx context.Context) {
	for deadline := time.Now().Add(r.pause); r.onlyGone() && time.Now().Before(deadline); {
		if !wait(ctx, r.changed, time.Until(deadline)) {
			return
		}
	}
}

func (r *reporter) onlyGone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.published == nil || r.published.Agent != r.agent {
		return false
	}
	here := r.status().Labs
	for i := range r.published.Labs {
		if len(here) > 0 && status.SameReport(&here[0], &r.published.Labs[i]) {
			here = here[1:]
		}
	}
	return len(here) == 0
}

// drop removes a lab from the report.
func (r *reporter) drop(lab types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(lab)
	delete(r.inherited, lab)
	signal(r.changed)
}

// remove is called with the lock held.
func (r *reporter) remove(lab types.NamespacedName) {
	if report, there := r.labs[lab]; there {
		countReport(report, -1)
		delete(r.labs, lab)
	}
}

// open allows the first write.
func (r *reporter) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete = true
	signal(r.changed)
}

// signal adds a token unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// resultsPending is called with the lock held.
func (r *reporter) resultsPending() bool {
	for _, report := range r.labs {
		if isPending(report) {
			return true
		}
	}
	return false
}

func isPending(report v1alpha1.LabReport) bool {
	return report.Findings != nil && report.Findings.Reachable.Reason == v1alpha1.ReasonPending
}

// run writes until ctx ends.
func (r *reporter) run(ctx context.Context) {
	for wait(ctx, r.changed, 0) {
		if !r.due() {
			continue
		}
		if r.awaitMore(ctx); !r.due() {
			continue
		}
		next := r.next()
		if !wait(ctx, nil, next.window) || r.limit.Wait(ctx) != nil {
			return
		}
		r.awaitBatch(ctx, next.timeout)
		if r.due() { // results may have made it what the API server holds
			r.retry(ctx, r.publish(ctx))
		}
	}
}

// next returns the batch of the next write.
func (r *reporter) next() batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := batches[0]
	switch {
	case r.failures > 0:
		p.window = r.jitter(min(maxRetryPause, retryPause<<min(r.failures-1, 10)))
		return p
	case time.Since(r.written) < r.pause:
		inRow := int(math.Round(float64(r.limit.Burst()) - r.limit.Tokens()))
		p = batches[min(inRow, len(batches)-1)]
	}
	p.window = min(r.pause, p.window)
	return p
}

// retry causes another write after a failed one. If the NetLabNodeState does not exist, observe causes it.
func (r *reporter) retry(ctx context.Context, err error) {
	switch {
	case apierrors.IsNotFound(err):
		logf.FromContext(ctx).Info("Waiting for the controller to create this node's NetLabNodeState")
	case err != nil && ctx.Err() == nil:
		logf.FromContext(ctx).Error(err, "Failed to write the report; trying again")
		signal(r.changed)
	}
}

// wait returns when c has a token or, if timeout is not 0, after timeout. It is false when ctx has ended.
func wait(ctx context.Context, c <-chan struct{}, timeout time.Duration) bool {
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-ctx.Done():
	case <-c:
	case <-expired:
	}
	return ctx.Err() == nil
}

// due reports whether the next write would change anything.
func (r *reporter) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.complete || r.absent {
		return false
	}
	return r.published == nil || !status.SameStatus(r.status(), *r.published)
}

// awaitBatch waits for labs in the queue, and then for first results of probes: labs that were applied
// together go into one write, and a lab that is reachable at once takes one write.
func (r *reporter) awaitBatch(ctx context.Context, timeout time.Duration) {
	if r.limit.Tokens() < 1 {
		timeout = lastTimeout
	}
	deadline := time.Now().Add(timeout)
	for r.busy() && time.Now().Before(deadline) {
		if !wait(ctx, nil, queuePoll) {
			return
		}
	}
	r.awaitResults(ctx, max(firstTimeout, time.Until(deadline)))
}

func (r *reporter) awaitResults(ctx context.Context, moment time.Duration) {
	select {
	case <-r.settled: // an old token
	default:
	}
	r.mu.Lock()
	open := r.resultsPending()
	r.mu.Unlock()
	if open {
		wait(ctx, r.settled, moment)
	}
}

func (r *reporter) publish(ctx context.Context) error {
	r.mu.Lock()
	status, seen := r.status(), r.version
	r.mu.Unlock()
	version, err := r.write(ctx, status)
	reportWrites.WithLabelValues(cluster.ResultLabel(err)).Inc()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written = time.Now()
	if err != nil {
		if !apierrors.IsNotFound(err) {
			r.failures++
		}
		// A NetLabNodeState created during this write exists, and observe has seen it.
		r.absent = apierrors.IsNotFound(err) && r.version == seen
		return err
	}
	r.published, r.version = &status, version
	reportOmitted.Set(float64(int(status.LabCount) - len(status.Labs)))
	return nil
}

// status is called with the lock held.
func (r *reporter) status() v1alpha1.NetLabNodeStateStatus {
	current := r.current()
	labs, ready := make([]v1alpha1.LabReport, 0, len(current)), int32(0)
	for _, report := range current {
		labs = append(labs, report)
		ready += status.CountTrue(report.Ready != "")
	}
	slices.SortFunc(labs, func(a, b v1alpha1.LabReport) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return capped(v1alpha1.NetLabNodeStateStatus{Agent: r.agent, LabCount: int32(len(labs)), ReadyCount: ready, Labs: labs}, maxReportBytes)
}

// observe takes what the API server holds, nil if the NetLabNodeState is gone. A version older than the
// last write is an echo of an earlier one.
func (r *reporter) observe(state *v1alpha1.NetLabNodeState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state != nil && r.published == nil && r.written.IsZero() {
		r.inherit(state.Status.Labs)
	}
	switch {
	case state == nil:
		r.published, r.version = nil, ""
	case r.published != nil && older(state.ResourceVersion, r.version):
		return
	default:
		r.published, r.version, r.absent = state.Status.DeepCopy(), state.ResourceVersion, false
	}
	signal(r.changed)
}

func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// watch calls observe for every NetLabNodeState in a cache that holds only this node's.
func (r *reporter) watch(ctx context.Context, c cache.Cache) error {
	informer, err := c.GetInformer(ctx, &v1alpha1.NetLabNodeState{})
	if err != nil {
		return fmt.Errorf("watch this node's NetLabNodeState: %w", err)
	}
	saw := func(o any) {
		if state, ok := o.(*v1alpha1.NetLabNodeState); ok {
			r.observe(state)
		}
	}
	handler, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    saw,
		UpdateFunc: func(_, o any) { saw(o) },
		DeleteFunc: func(any) { r.observe(nil) },
	})
	if err != nil {
		return fmt.Errorf("watch this node's NetLabNodeState: %w", err)
	}
	// A cache that has synced may not have called its handlers: what the API server holds would be written again.
	if !toolscache.WaitForCacheSync(ctx.Done(), handler.HasSynced) {
		return errors.New("watch this node's NetLabNodeState: the cache did not sync")
	}
	return nil
}
