// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/agent/agenttest"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/probe"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// bench is an agent without a manager: what it reads of the API and the kernel is the test's.
type bench struct {
	*testing.T
	*Agent
	kernel *fake.Kernel
	cached client.WithWatch
}

var benchName = types.NamespacedName{Namespace: "default", Name: "routed-pair"}

// newBench has a Node "n" and a lab routed-pair with UID "new" in cache and API server.
func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	k := fake.New()
	options := Options{NodeName: "n", Symlinks: true, Machine: Machine{Kernel: k, Watch: agenttest.Watch(k), Dial: agenttest.Dial(k)}}
	options.Machine.FeatureMissing = func(err error) bool { return strings.Contains(err.Error(), "feature") }
	if change != nil {
		change(&options)
	}
	options = options.withDefaults()
	node := &corev1.Node{}
	node.Name = "n"
	lab := labtest.StoredPair()
	lab.UID = "new"
	cached := fakeAPI(t, interceptor.Funcs{}, node, lab)
	a := &Agent{
		Options: options, client: cached, live: cached, kernel: k,
		capacity:      newCapacity(options.Limits, options.TenantLimits),
		neighbours:    newNeighbourBudget(options.NeighborShare, options.Machine.NeighborUse),
		records:       newRecords(k),
		subscriptions: newSubscriptions(options.Machine.Follow),
		reporter:      newReporter(cached, "n", v1alpha1.AgentIdentity{Version: "test"}, time.Second),
		progress:      newProgress(func() {}),
		known:         newKnown(options.ComparePeriod),
		queue:         &queue{},
		sizes:         newSizes(),
		arrivals:      newArrivals(),
		removed:       make(chan struct{}, 1),
		repairs:       newRepairLog(&events.FakeRecorder{}, "n"),
	}
	a.turns = newTurns(agentWorkers, a.sizes.large)
	a.prober = probe.New(options.Machine.Dial, func(string, []probe.Result) {})
	t.Cleanup(a.prober.Close)
	return &bench{T: t, Agent: a, kernel: k, cached: cached}
}

func (b *bench) reconcile() error {
	_, err := b.Reconcile(b.Context(), reconcile.Request{NamespacedName: benchName})
	return err
}

// mustReconcile reconciles the lab and returns Realized of the report.
func (b *bench) mustReconcile() string {
	b.Helper()
	if err := b.reconcile(); err != nil {
		b.Fatal(err)
	}
	report, ok := b.reporter.labs[benchName]
	if !ok {
		return "nothing"
	}
	realized := status.ConditionsIn(&report).Realized
	return fmt.Sprintf("%s/%s", realized.Status, realized.Reason)
}

// build puts the lab with another UID on the machine, as an agent of earlier left it.
func (b *bench) build(uid types.UID) state.Identity {
	b.Helper()
	netlab := labtest.StoredPair()
	netlab.UID = uid
	compiled, problems := compile(b.identity(netlab), &netlab.Spec, lab.Options{Symlinks: true})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	if _, err := b.kernel.Apply(b.Context(), state.Diff(state.State{}, compiled.Want)); err != nil {
		b.Fatal(err)
	}
	if err := b.capacity.read(b.Context(), b.kernel); err != nil {
		b.Fatal(err)
	}
	b.kernel.ForgetWrites()
	return compiled.Identity
}

func (b *bench) untouched(why string) {
	b.Helper()
	if ops := b.kernel.Applied(); len(ops) > 0 {
		b.Errorf("the kernel was changed although %s: %v", why, ops)
	}
}

func (b *bench) forgetLab() {
	b.Helper()
	lab := labtest.StoredPair()
	if err := b.cached.Delete(b.Context(), lab); err != nil {
		b.Fatal(err)
	}
}

func TestALabThatTheCacheLacksIsNotTakenForDeleted(t *testing.T) {
	b := newBench(t, nil)
	b.build("new")
	b.forgetLab()
	b.mustReconcile()
	b.untouched("no delete event was received")
}

func TestADeleteEventTakesTheLabDown(t *testing.T) {
	b := newBench(t, nil)
	b.build("new")
	b.forgetLab()
	b.receiveDelete("new", false)
	b.mustReconcile()
	if !b.kernel.State().Equal(state.State{}) {
		t.Error("it is still there")
	}
}

func TestADeleteEventThatWasMissedIsLeftToTheSweep(t *testing.T) {
	b := newBench(t, nil)
	b.build("new")
	b.forgetLab()
	if swept := b.receiveDelete("new", true); swept != 1 {
		t.Errorf("the sweep was called %d times", swept)
	}
	b.mustReconcile()
	b.untouched("the informer only found the lab missing")
}

// receiveDelete is the informer's news; missed: it was found out by a new LIST.
func (b *bench) receiveDelete(uid types.UID, missed bool) (swept int) {
	lab := labtest.StoredPair()
	lab.UID = uid
	events := b.labEvents(func() { swept++ })
	events.Delete(b.Context(), event.DeleteEvent{Object: lab, DeleteStateUnknown: missed}, newTestQueue(b.T))
	return swept
}

func TestAnOldLabOfTheSameNameMakesRoom(t *testing.T) {
	b := newBench(t, nil)
	b.build("old")
	if got := b.mustReconcile(); got != "True/Realized" {
		t.Errorf("reported %s", got)
	}
	if got := b.kernel.State()["default.routed-pair.ns1"].Label; got != state.AgentOwner("new").Label("ns1") {
		t.Errorf("the mark is %s", got)
	}
}

func TestACacheThatIsBehindDoesNotRemoveTheNewerLab(t *testing.T) {
	b := newBench(t, nil)
	b.build("newer")
	newer := labtest.StoredPair()
	newer.UID = "newer"
	b.live = fakeAPI(t, interceptor.Funcs{}, newer)
	if err := b.reconcile(); err == nil || !strings.Contains(err.Error(), "cache is behind") {
		t.Errorf("the error is %v", err)
	}
	b.untouched("the API server knows the lab")
}

func TestWithoutItsOwnNodeAnAgentDoesNothing(t *testing.T) {
	b := newBench(t, nil)
	b.build("new")
	node := &corev1.Node{}
	node.Name = "n"
	if err := b.cached.Delete(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	if got := b.mustReconcile(); got != "nothing" {
		t.Errorf("reported %s", got)
	}
	b.untouched("the own Node is not known")
}

func TestALabOverTheLimitIsNotBuilt(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Limits.Namespaces = 2 })
	if got := b.mustReconcile(); got != "False/LimitExceeded" {
		t.Errorf("reported %s", got)
	}
	b.untouched("the lab has three namespaces")
}

func TestWhatTheKernelRefusesIsReportedAndTriedAgain(t *testing.T) {
	b := newBench(t, nil)
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("no space left on device"), "False/KernelError"},
		{errors.New("no such feature"), "False/KernelFeatureMissing"},
		{nil, "True/Realized"},
	} {
		b.kernel.FailOn(func(op state.Op) error {
			if _, is := op.(state.AddLink); is {
				return c.err
			}
			return nil
		})
		if got := b.mustReconcile(); got != c.want {
			t.Errorf("reported %s, want %s", got, c.want)
		}
	}
}

func TestAKernelThatCannotBeReadIsLeftAlone(t *testing.T) {
	b := newBench(t, nil)
	b.build("new")
	b.kernel.FailObserve(errors.New("dump interrupted"))
	if got := b.mustReconcile(); got != "Unknown/ObservationFailed" {
		t.Errorf("reported %s", got)
	}
	b.untouched("its state is not known")
}

func TestALockedLabIsLeftAlone(t *testing.T) {
	b := newBench(t, nil)
	unlock, err := b.kernel.Lock(state.Identity{Namespace: "default", Name: "routed-pair"})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.mustReconcile(); got != "False/KernelError" {
		t.Errorf("reported %s", got)
	}
	b.untouched("another writer has the lock")
	unlock()
	if got := b.mustReconcile(); got != "True/Realized" {
		t.Errorf("reported %s", got)
	}
}

func TestAfterARestartDriftUnderReportIsStillOnlyReported(t *testing.T) {
	b := newBench(t, nil)
	lab := labtest.StoredPair()
	if err := b.cached.Get(t.Context(), benchName, lab); err != nil {
		t.Fatal(err)
	}
	lab.Spec.DriftPolicy = v1alpha1.DriftReport
	if err := b.cached.Update(t.Context(), lab); err != nil {
		t.Fatal(err)
	}
	if got := b.mustReconcile(); got != "True/Realized" {
		t.Fatalf("reported %s", got)
	}
	b.records = newRecords(b.kernel) // a new process
	b.kernel.Mutate(func(s state.State) { clear(s["default.routed-pair.ns1"].Routes) })
	b.kernel.ForgetWrites()
	if got := b.mustReconcile(); got != "False/Drifted" {
		t.Errorf("reported %s", got)
	}
	b.untouched("driftPolicy is Report")
}

func TestARecordOfAnotherLabIsNeitherReadNorDeleted(t *testing.T) {
	b := newBench(t, nil)
	mine := b.identity(labtest.StoredPair())
	if err := b.kernel.SaveRecord(mine, []byte(`{"owner":"local/default.routed-pair","realizedGeneration":3}`)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.records.realized(mine); got != 0 || err != nil {
		t.Errorf("generation %d: %v", got, err)
	}
	if err := b.records.remove(mine); err != nil {
		t.Fatal(err)
	}
	if _, err := b.kernel.LoadRecord(mine); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// newTestQueue is a work queue without workers.
func newTestQueue(t *testing.T) cluster.WorkQueue {
	t.Helper()
	q := workqueue.NewTypedRateLimitingQueue(cluster.RetryLimiter())
	t.Cleanup(q.ShutDown)
	return q
}

// An agent that is stopped during an inspection takes back nothing that it has reported.
func TestAnAgentThatStopsReportsNothingNew(t *testing.T) {
	b := newBench(t, nil)
	if got := b.mustReconcile(); got != "True/Realized" {
		t.Fatal(got)
	}
	before := b.reporter.labs[benchName]
	b.kernel.FailObserve(context.Canceled)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.Reconcile(stopped, reconcile.Request{NamespacedName: benchName}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if after := b.reporter.labs[benchName]; !status.SameReport(&before, &after) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}
