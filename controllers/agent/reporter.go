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

// pace is how long a write waits for changes that come together, as those of several labs applied
// at once do.
type pace struct {
	// gather is waited in any case.
	gather time.Duration
	// company is how long labs in the queue are waited for after that, and then first verdicts.
	company time.Duration
}

// paces are those of writes that follow each other: the first after a quiet pause hardly waits, each
// of the others several times as long, so that few of them tell of many labs, and none is spent on
// the first few of those at work. There are no more than these in a row; in the long run there is
// one per pause. A lab that is deleted and made again, or whose verdict takes a few seconds, need not
// wait for that, nor has somebody who edits a lab every few seconds: between two writes the next
// one's wait grows shorter again.
var paces = [...]pace{
	{20 * time.Millisecond, patience},
	{100 * time.Millisecond, 500 * time.Millisecond},
	{500 * time.Millisecond, 1500 * time.Millisecond},
	{2500 * time.Millisecond, lastPatience},
}

// A write that failed is tried again after retryPause, and after twice as long each time it fails
// again, up to maxRetryPause: an API server that answers a thousand agents too late would only
// have more to do if all of them came back at once.
const (
	retryPause    = time.Second
	maxRetryPause = 30 * time.Second
)

// The first write waits for company shortly. The last one, when none may follow for a while, waits for
// as long as half a pause, since what it leaves out has to wait for all of one.
const (
	patience     = 200 * time.Millisecond
	lastPatience = 2500 * time.Millisecond
	queueLook    = 10 * time.Millisecond
)

// reporter writes what this node's labs are like into its own NetLabNodeState, and nothing
// else anywhere. It writes only what differs from what is there: a few changes after a quiet
// time at once, later ones together.
type reporter struct {
	write func(ctx context.Context, status v1alpha1.NetLabNodeStateStatus) (resourceVersion string, err error)
	agent v1alpha1.AgentIdentity
	// busy says whether labs wait to be looked at.
	busy func() bool
	// limit spaces the writes by pause in the long run.
	limit *rate.Limiter
	pause time.Duration
	// changed has a token while there may be something to write.
	changed chan struct{}
	// settled has a token when the last open verdict has come.
	settled chan struct{}

	mu   sync.Mutex
	labs map[types.NamespacedName]v1alpha1.LabReport
	// complete: every lab has been looked at once. An incomplete report would say of the
	// others that they are not there.
	complete bool
	// published is the status that the API server holds, nil if that is not known; version is
	// its resource version.
	published *v1alpha1.NetLabNodeStateStatus
	version   string
	// written is when the last write was.
	written time.Time
	// failures is how many writes in a row have failed; spread keeps agents apart that failed
	// together.
	failures int
	spread   func(time.Duration) time.Duration
	// absent: there was no NetLabNodeState to write to, and none has been seen since.
	absent bool
}

func newReporter(c client.Client, node string, agent v1alpha1.AgentIdentity, pause time.Duration) *reporter {
	r := &reporter{
		agent:   agent,
		busy:    func() bool { return false },
		limit:   rate.NewLimiter(rate.Every(pause), len(paces)),
		pause:   pause,
		spread:  func(d time.Duration) time.Duration { return d/2 + rand.N(d/2) },
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
	r.strike(name)
	r.labs[name] = report
	tally(report, 1)
	signal(r.changed)
	if !r.verdictsOpen() {
		signal(r.settled)
	}
}

// drop takes a lab out of the report.
func (r *reporter) drop(lab types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.strike(lab)
	signal(r.changed)
}

// strike is called with the lock held.
func (r *reporter) strike(lab types.NamespacedName) {
	if report, there := r.labs[lab]; there {
		tally(report, -1)
		delete(r.labs, lab)
	}
}

// open lets the first report out.
func (r *reporter) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complete = true
	signal(r.changed)
}

// signal leaves a token for a reader who will come, unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// verdictsOpen is called with the lock held.
func (r *reporter) verdictsOpen() bool {
	for _, report := range r.labs {
		if report.Findings != nil && report.Findings.Reachable.Reason == v1alpha1.ReasonPending {
			return true
		}
	}
	return false
}

// run writes until ctx ends.
func (r *reporter) run(ctx context.Context) {
	for wait(ctx, r.changed, 0) {
		if !r.due() {
			continue
		}
		next := r.next()
		if !wait(ctx, nil, next.gather) || r.limit.Wait(ctx) != nil {
			return
		}
		r.awaitCompany(ctx, next.company)
		r.retry(ctx, r.publish(ctx))
	}
}

// next is the pace of the next write.
func (r *reporter) next() pace {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := paces[0]
	switch {
	case r.failures > 0:
		p.gather = r.spread(min(maxRetryPause, retryPause<<min(r.failures-1, 10)))
		return p
	case time.Since(r.written) < r.pause:
		inRow := int(math.Round(float64(r.limit.Burst()) - r.limit.Tokens()))
		p = paces[min(inRow, len(paces)-1)]
	}
	p.gather = min(r.pause, p.gather)
	return p
}

// retry asks for another write after a failed one. Where there is no NetLabNodeState to write
// to, observe sees it come.
func (r *reporter) retry(ctx context.Context, err error) {
	switch {
	case apierrors.IsNotFound(err):
		logf.FromContext(ctx).Info("Waiting for the controller to create this node's NetLabNodeState")
	case err != nil && ctx.Err() == nil:
		logf.FromContext(ctx).Error(err, "The report could not be written; trying again")
		signal(r.changed)
	}
}

// wait returns when c has a token or, if it is not 0, after patience. It is false when ctx has ended.
func wait(ctx context.Context, c <-chan struct{}, patience time.Duration) bool {
	var timeout <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-ctx.Done():
	case <-c:
	case <-timeout:
	}
	return ctx.Err() == nil
}

// due reports whether what would be written differs from what is there.
func (r *reporter) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.complete || r.absent {
		return false
	}
	return r.published == nil || !status.SameStatus(r.status(), *r.published)
}

// awaitCompany gives labs in the queue, and then first verdicts, a moment to come, so that labs that
// were applied together are told together, and one that is reachable at once is told once.
func (r *reporter) awaitCompany(ctx context.Context, company time.Duration) {
	if r.limit.Tokens() < 1 {
		company = lastPatience
	}
	deadline := time.Now().Add(company)
	for r.busy() && time.Now().Before(deadline) {
		if !wait(ctx, nil, queueLook) {
			return
		}
	}
	r.awaitVerdicts(ctx, max(patience, time.Until(deadline)))
}

func (r *reporter) awaitVerdicts(ctx context.Context, moment time.Duration) {
	select {
	case <-r.settled: // a token of earlier
	default:
	}
	r.mu.Lock()
	open := r.verdictsOpen()
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
		// One that was made while this was under way is there, and was seen.
		r.absent = apierrors.IsNotFound(err) && r.version == seen
		return err
	}
	r.published, r.version = &status, version
	reportOmitted.Set(float64(int(status.LabCount) - len(status.Labs)))
	return nil
}

// status is called with the lock held.
func (r *reporter) status() v1alpha1.NetLabNodeStateStatus {
	labs := make([]v1alpha1.LabReport, 0, len(r.labs))
	for _, report := range r.labs {
		labs = append(labs, report)
	}
	slices.SortFunc(labs, func(a, b v1alpha1.LabReport) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return capped(v1alpha1.NetLabNodeStateStatus{Agent: r.agent, LabCount: int32(len(labs)), Labs: labs}, maxReportBytes)
}

// observe learns what the API server holds, nil if the NetLabNodeState is gone. What is older
// than the last write is an echo of an earlier one.
func (r *reporter) observe(state *v1alpha1.NetLabNodeState) {
	r.mu.Lock()
	defer r.mu.Unlock()
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

// watch keeps r informed of the NetLabNodeStates in a cache that holds only this node's.
func (r *reporter) watch(ctx context.Context, c cache.Cache) error {
	informer, err := c.GetInformer(ctx, &v1alpha1.NetLabNodeState{})
	if err != nil {
		return fmt.Errorf("watch the own NetLabNodeState: %w", err)
	}
	saw := func(o any) {
		if state, ok := o.(*v1alpha1.NetLabNodeState); ok {
			r.observe(state)
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    saw,
		UpdateFunc: func(_, o any) { saw(o) },
		DeleteFunc: func(any) { r.observe(nil) },
	})
	if err != nil {
		return fmt.Errorf("watch the own NetLabNodeState: %w", err)
	}
	if !c.WaitForCacheSync(ctx) {
		return errors.New("watch the own NetLabNodeState: the cache did not fill")
	}
	return nil
}
