// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/converge"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// Options are set once, when the agent starts.
type Options struct {
	// NodeName is the name of this machine's Node.
	NodeName string
	// Identity identifies the agent in its reports.
	Identity v1alpha1.AgentIdentity
	// Symlinks makes ip netns find the labs' namespaces by name.
	Symlinks bool
	// ComparePeriod is the time between two comparisons of a lab with the kernel without any event.
	ComparePeriod time.Duration
	// EventDelay is the debounce window for kernel events.
	EventDelay time.Duration
	// SweepPeriod is the time between two searches for labs whose deletion was missed.
	SweepPeriod time.Duration
	// WritePause is the mean time between two reports in the long run.
	WritePause time.Duration
	// Limits are those of all labs on this node, TenantLimits those of the labs of each namespace of the cluster.
	Limits, TenantLimits Limits
	// NeighborShare is the part of the node's neighbour table, in percent, that labs may use; 0 is no limit.
	NeighborShare int
	Machine       Machine
}

// Agent makes the kernel of this node hold the labs that select the node, and reports on them. Reconcile
// is the whole program.
type Agent struct {
	Options
	client        client.Client
	live          client.Reader // reads from the API server, not from the cache
	cache         cache.Cache
	kernel        Kernel
	capacity      *capacity
	neighbours    *neighbourBudget
	arrivals      *arrivals
	admission     sync.Mutex
	records       *records
	subscriptions *subscriptions
	prober        *probe.Prober
	disturbed     disturbed
	trees         trees
	known         *known
	reporter      *reporter
	progress      *progress
	queue         *queue
	turns         *turns
	sizes         *sizes
	removed       chan struct{} // has a token when namespaces were deleted
	repairs       *repairLog
}

// Reconcile brings one lab and this machine together:
//
//	the lab is deleted, or its name belongs to another lab ─▶ remove it by its owner label
//	placement does not select this node                    ─▶ remove it
//	else inspect: compile, check capacity, converge, probe ─▶ report
func (a *Agent) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	defer a.progress.begin(request)()
	if request == heartbeat {
		return reconcile.Result{RequeueAfter: a.ComparePeriod}, nil
	}
	lab, err := a.find(ctx, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, err
	}
	if err := a.removeGone(ctx, request.NamespacedName, lab); err != nil || lab == nil {
		return reconcile.Result{}, err
	}
	switch selected, err := a.selected(ctx, lab); {
	case apierrors.IsNotFound(err): // a Node that is not in the cache proves nothing
		return reconcile.Result{}, nil
	case err != nil:
		return reconcile.Result{}, err
	case !selected:
		return reconcile.Result{}, a.remove(ctx, a.identity(lab))
	}
	inspected := a.inspect(ctx, lab)
	if err := ctx.Err(); err != nil { // the agent stops: what it could not look at is as before
		return reconcile.Result{}, err
	}
	a.reporter.set(status.Report(inspected))
	return reconcile.Result{RequeueAfter: a.known.left(a.identity(lab), a.sizes.of(request), time.Now())}, nil
}

// find returns the lab, or nil without an error if the cache does not have it.
func (a *Agent) find(ctx context.Context, name types.NamespacedName) (*v1alpha1.NetLab, error) {
	lab := &v1alpha1.NetLab{}
	err := a.client.Get(ctx, name, lab)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("get NetLab %s: %w", name, err)
	}
	return lab, nil
}

func (a *Agent) identity(lab client.Object) state.Identity {
	return state.Identity{
		Namespace: lab.GetNamespace(), Name: lab.GetName(), Owner: state.AgentOwner(string(lab.GetUID())),
	}
}

// removeGone removes labs of this name that exist no more. lab is the one that has the name now, or nil.
func (a *Agent) removeGone(ctx context.Context, name types.NamespacedName, lab *v1alpha1.NetLab) error {
	here, pendingDelete := a.capacity.named(name)
	for _, id := range here {
		switch {
		case lab != nil && id == a.identity(lab):
			continue
		case pendingDelete[id]:
		case lab == nil: // missing in the cache is not deleted; the sweep decides
			continue
		default:
			if err := a.confirm(ctx, lab); err != nil {
				return err
			}
		}
		if err := a.remove(ctx, id); err != nil {
			return err
		}
	}
	a.capacity.deleteDone(pendingDelete)
	if lab == nil {
		a.forget(name)
	}
	return nil
}

// confirm fails unless the API server, too, has this lab under the name. With a cache that is behind, the
// agent would remove the newer lab.
func (a *Agent) confirm(ctx context.Context, lab *v1alpha1.NetLab) error {
	live := &v1alpha1.NetLab{}
	if err := a.live.Get(ctx, client.ObjectKeyFromObject(lab), live); err != nil {
		return fmt.Errorf("confirm the UID of NetLab %s/%s: %w", lab.Namespace, lab.Name, err)
	}
	if live.UID != lab.UID {
		return fmt.Errorf("the cache is behind: NetLab %s/%s has UID %s in the API server, %s in the cache", lab.Namespace, lab.Name, live.UID, lab.UID)
	}
	return nil
}

// selected reports whether the lab's placement selects this node.
func (a *Agent) selected(ctx context.Context, netlab *v1alpha1.NetLab) (bool, error) {
	node := &metav1.PartialObjectMetadata{}
	node.SetGroupVersionKind(cluster.NodeKind)
	if err := a.client.Get(ctx, types.NamespacedName{Name: a.NodeName}, node); err != nil {
		return false, fmt.Errorf("get Node %s: %w", a.NodeName, err)
	}
	selector, valid := lab.NodeSelector(&netlab.Spec)
	return !valid || selector.Matches(labels.Set(node.Labels)), nil
}

// remove deletes a lab from this machine. The record goes first: with a record of a lab that is not there,
// driftPolicy Report would keep this generation from being built again.
func (a *Agent) remove(ctx context.Context, id state.Identity) error {
	name := types.NamespacedName{Namespace: id.Namespace, Name: id.Name}
	a.prober.Stop(name.String())
	a.trees.forget(name.String())
	if err := a.records.remove(id); err != nil {
		return err
	}
	out, err := converge.Remove(ctx, a.locked(id), id)
	switch {
	case err != nil:
		return fmt.Errorf("remove %s: %w", id, err)
	case len(out.Left) > 0:
		return fmt.Errorf("remove %s: the next operation would be: %s", id, out.Left[0])
	}
	if len(out.Applied) > 0 {
		logf.FromContext(ctx).Info("Removed a lab from this node", "lab", name.String(), "uid", id.Owner.UID())
	}
	signal(a.removed)
	a.known.drop(name)
	a.subscriptions.forget(id)
	a.capacity.release(id)
	for _, next := range a.neighbours.release(id) {
		a.queue.addAfter(next, 0)
	}
	a.reporter.drop(name)
	return nil
}

// forget stops the probes of a lab that the cache does not have, and drops its report. Its namespaces
// stay.
func (a *Agent) forget(name types.NamespacedName) {
	a.prober.Stop(name.String())
	a.trees.forget(name.String())
	a.sizes.forget(reconcile.Request{NamespacedName: name})
	a.known.drop(name)
	a.disturbed.take(name.String())
	a.neighbours.withdraw(name)
	a.reporter.drop(name)
}

// locked is the kernel for changes of a lab, in turns.
func (a *Agent) locked(id state.Identity) lockedKernel {
	return lockedKernel{a.kernel, id, func(ctx context.Context) (context.Context, func()) { return a.turns.begin(ctx, requestFor(id)) }}
}

// inspect makes this machine hold the lab as far as it may, and returns what is known then.
func (a *Agent) inspect(ctx context.Context, netlab *v1alpha1.NetLab) status.Inspection {
	i := status.Inspection{NetLab: netlab}
	known := a.known.lab(a.identity(netlab))
	compiled, problems := known.compile(netlab.Generation, func() (*lab.Lab, lab.Problems) {
		return compile(known.id, &netlab.Spec, a.compileOptions())
	})
	i.Problems = problems
	if compiled != nil {
		rows := compiled.Want.Rows()
		a.sizes.set(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(netlab)}, rows)
		a.known.keep(known, rows)
	}
	var seen converge.Outcome
	if len(problems) == 0 && !netlab.Spec.Suspend {
		i.OverLimit, i.Err = a.admit(ctx, netlab, compiled)
		i.Failure = status.FailureOf(i.Err, true, false)
	} else {
		a.neighbours.withdraw(client.ObjectKeyFromObject(netlab))
	}
	if len(problems) == 0 && !netlab.Spec.Suspend && i.OverLimit == "" && i.Err == nil {
		seen = a.converge(ctx, known, &i)
	} else {
		known.forget()
	}
	if !i.Probing() {
		a.trees.forget(probeKey(netlab))
		a.prober.Stop(probeKey(netlab))
		return i
	}
	i.Probes = a.probeResults(ctx, compiled, i, seen)
	return i
}

func (a *Agent) compileOptions() lab.Options {
	return lab.Options{Symlinks: a.Symlinks, HasNetem: a.Machine.HasNetem}
}

// compile returns the compiled lab, or the problems that make the spec invalid.
func compile(id state.Identity, spec *v1alpha1.NetLabSpec, options lab.Options) (*lab.Lab, lab.Problems) {
	compiled, err := lab.Compile(id, spec, options)
	if problems, ok := errors.AsType[lab.Problems](err); ok {
		return nil, problems
	}
	if err != nil {
		return nil, lab.Problems{{Field: "spec", Message: err.Error()}}
	}
	return compiled, nil
}

// converge builds the lab, corrects it or, if its driftPolicy says so, only compares it.
func (a *Agent) converge(ctx context.Context, known *knownLab, i *status.Inspection) converge.Outcome {
	started := time.Now()
	defer func() { convergeSeconds.Observe(time.Since(started).Seconds()) }()
	out, err := a.build(ctx, known, i)
	if errors.Is(err, errInterrupted) && !errors.Is(err, converge.ErrObserve) {
		i.Interrupted, err = true, nil
		a.known.touch(nameOf(known.id)) // it goes on with what is left
		a.queue.addAfter(nameOf(known.id), 0)
	}
	known.saw(out, err, i.NetLab.Generation, started)
	i.Failure = status.FailureOf(err, errors.Is(err, converge.ErrObserve), err != nil && a.Machine.FeatureMissing(err))
	i.Err, i.Conflicts, i.Left = err, out.Conflicts, out.Left
	if err != nil {
		return out
	}
	if subscribed := a.subscriptions.add(known.id, out); len(subscribed) > 0 {
		a.known.touch(nameOf(known.id), subscribed...)
		a.queue.addAfter(nameOf(known.id), a.EventDelay)
	}
	return out
}

// build goes on from what is known of the lab.
func (a *Agent) build(ctx context.Context, known *knownLab, i *status.Inspection) (converge.Outcome, error) {
	id, want := known.id, known.compiled.Want
	realized, err := a.records.realized(id)
	if err != nil {
		return converge.Outcome{}, err
	}
	before := realized == i.NetLab.Generation
	i.CompareOnly = before && i.NetLab.Spec.DriftPolicy == v1alpha1.DriftReport
	last, touched := a.known.last(known, i.NetLab.Generation, time.Now())
	if i.CompareOnly {
		return converge.PlanFrom(ctx, a.kernel, id, want, last, touched)
	}
	out, err := converge.ConvergeFrom(ctx, a.locked(id), id, want, last, touched)
	if before && len(out.Applied) > 0 {
		countRepairs(out.Applied)
		a.repairs.write(ctx, i.NetLab, out.Applied)
	}
	if err == nil && out.Realized() && !before {
		err = a.records.save(id, i.NetLab.Generation)
	}
	return out, err
}
