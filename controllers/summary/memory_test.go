// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

func TestReportsAreGatheredTheLongerTheMoreNodesThereAre(t *testing.T) {
	for _, c := range []struct {
		nodes int
		after time.Duration
		want  time.Duration
	}{
		{nodes: 0, after: 0, want: 0},
		{nodes: 3, after: 0, want: 3 * time.Millisecond},
		{nodes: 3, after: time.Second, want: 0},
		{nodes: 1000, after: 200 * time.Millisecond, want: 800 * time.Millisecond},
		{nodes: 20000, after: 0, want: 5 * time.Second},
	} {
		m := newMemory()
		lab := types.NamespacedName{Name: "lab"}
		m.keep(m.open(lab, noon), selection{nodes: make([]string, c.nodes)})
		if got := m.due(lab, noon.Add(c.after)); got != c.want {
			t.Errorf("%d nodes, %s after a summary: the next one is due in %s, want %s", c.nodes, c.after, got, c.want)
		}
		if got := m.due(types.NamespacedName{Name: "another"}, noon); got != 0 {
			t.Errorf("a lab without a summary is due in %s", got)
		}
	}
}

func TestWhatIsNewOfReadyIsNeverHeldBack(t *testing.T) {
	said := func(generation int64, status metav1.ConditionStatus, reason, message string) v1alpha1.NetLabStatus {
		return v1alpha1.NetLabStatus{ObservedGeneration: generation, Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message},
		}}
	}
	before := said(3, metav1.ConditionFalse, "Progressing", "node-1: not built yet")
	for _, c := range []struct {
		name          string
		before, after v1alpha1.NetLabStatus
		nodes         int
		want          time.Duration
	}{
		{"progress", before, said(3, metav1.ConditionFalse, "Progressing", "node-2: not built yet"), 1000, 9 * time.Second},
		{"progress on few nodes", before, said(3, metav1.ConditionFalse, "Progressing", "node-2: not built yet"), 3, 0},
		{"progress on very many nodes", before, said(3, metav1.ConditionFalse, "Progressing", "node-2: not built yet"), 50000, 29 * time.Second},
		{"Ready", before, said(3, metav1.ConditionTrue, "Ready", ""), 1000, 0},
		{"another reason", before, said(3, metav1.ConditionFalse, "NoReply", ""), 1000, 0},
		{"another generation", before, said(4, metav1.ConditionFalse, "Progressing", ""), 1000, 0},
		{"the first word", v1alpha1.NetLabStatus{}, before, 1000, 0},
	} {
		m := &labMemory{nodes: c.nodes, written: noon}
		if got := m.holdFor(c.before, c.after, noon.Add(time.Second)); got != c.want {
			t.Errorf("%s, a second after a write: held back for %s, want %s", c.name, got, c.want)
		}
	}
}

func TestASpecIsReadOncePerGeneration(t *testing.T) {
	lab := labtest.StoredPair()
	m := &labMemory{}
	problems := func() int {
		m.read(lab)
		return len(m.problems)
	}
	if problems() != 0 {
		t.Fatalf("the lab has problems: %v", m.problems)
	}
	lab.Spec.Links[0].Subnet = "nowhere"
	if problems() != 0 {
		t.Error("the same generation was read twice")
	}
	lab.Generation++
	if problems() == 0 {
		t.Error("a new generation was not read")
	}
	m.selection = selection{nodes: []string{"n"}}
	lab.UID = "created again"
	m.read(lab)
	if m.selection.nodes != nil {
		t.Error("a lab that was created again has the nodes of the old one")
	}
}

// While 200 nodes report on 10 labs, one after the other and each lab by itself, a lab is
// summarized every 200 ms and written every 2 s; the last report is not waited for any longer than that.
func TestManyReportsMakeFewSummariesAndFewerWrites(t *testing.T) {
	const nodes, labs = 200, 10
	synctest.Test(t, func(t *testing.T) {
		s, all := fullHouse(nodes, labs)
		s.now = time.Now
		shelf := newShelf(all)
		s.client = shelf
		q := workqueue.NewTypedRateLimitingQueue(cluster.RetryLimiter())
		summaries := runSummaries(t.Context(), s, q)
		s.enqueue(q, shelf.names())
		time.Sleep(time.Second)
		begin, written := summaries(), shelf.writes()

		shelf.edit()
		s.enqueue(q, shelf.names())
		events := s.reportEvents()
		took := time.Now()
		for i := range nodes {
			for l := range labs {
				time.Sleep(5 * time.Millisecond)
				before, after := reportOfNode(s, i, l)
				events.Update(t.Context(), event.UpdateEvent{ObjectOld: before, ObjectNew: after}, q)
			}
		}
		span := time.Since(took)
		time.Sleep(nodes * debouncePerNode)
		synctest.Wait()
		for _, lab := range shelf.list() {
			if lab.Status.Nodes.Summary != fmt.Sprintf("%d/%d", nodes, nodes) || lab.Status.ObservedGeneration != lab.Generation {
				t.Errorf("%s is on %s nodes at generation %d", lab.Name, lab.Status.Nodes.Summary, lab.Status.ObservedGeneration)
			}
		}
		// The first after the edit and the last one come beside the regular ones, and a write that was
		// held back is a summary, too.
		if got, most := summaries()-begin, labs*(int(span/(nodes*debouncePerNode))+int(span/(nodes*writeIntervalPerNode))+2); got > most {
			t.Errorf("%d reports made %d summaries, at most %d were to be", nodes*labs, got, most)
		}
		if got, most := shelf.writes()-written, labs*(int(span/(nodes*writeIntervalPerNode))+2); got > most {
			t.Errorf("%d reports made %d writes, at most %d were to be", nodes*labs, got, most)
		}
		q.ShutDown()
	})
}

// runSummaries works a queue off as a controller does, and counts.
func runSummaries(ctx context.Context, s *Summary, q cluster.WorkQueue) (count func() int) {
	var mu sync.Mutex
	n := 0
	go func() {
		for {
			request, ended := q.Get()
			if ended {
				return
			}
			result, _ := s.Reconcile(ctx, request)
			if result.RequeueAfter > 0 {
				q.AddAfter(request, result.RequeueAfter)
			}
			q.Done(request)
			mu.Lock()
			n++
			mu.Unlock()
		}
	}()
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// reportOfNode is a node's report before and after it has built the next generation of a lab.
func reportOfNode(s *Summary, node, lab int) (before, after *v1alpha1.NetLabNodeState) {
	before = s.roster.entries[fmt.Sprintf("node-%04d", node)].state
	after = before.DeepCopy()
	after.Status.Labs[lab].ObservedGeneration++
	return before, after
}

// shelf keeps labs as an API server and a cache that is never behind do.
type shelf struct {
	client.Client
	mu      sync.Mutex
	labs    map[types.NamespacedName]*v1alpha1.NetLab
	written int
}

func newShelf(labs []*v1alpha1.NetLab) *shelf {
	s := &shelf{labs: map[types.NamespacedName]*v1alpha1.NetLab{}}
	for _, lab := range labs {
		s.labs[client.ObjectKeyFromObject(lab)] = lab
	}
	return s
}

func (s *shelf) Get(_ context.Context, name types.NamespacedName, o client.Object, _ ...client.GetOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.labs[name].DeepCopyInto(o.(*v1alpha1.NetLab))
	return nil
}

func (s *shelf) Status() client.SubResourceWriter { return onShelf{shelf: s} }

type onShelf struct {
	client.SubResourceWriter
	shelf *shelf
}

func (w onShelf) Patch(_ context.Context, o client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	data, err := patch.Data(o)
	if err != nil {
		return err
	}
	var operations []struct{ Value json.RawMessage }
	if err := json.Unmarshal(data, &operations); err != nil {
		return err
	}
	w.shelf.mu.Lock()
	defer w.shelf.mu.Unlock()
	lab := w.shelf.labs[client.ObjectKeyFromObject(o)]
	lab.Status = v1alpha1.NetLabStatus{}
	if err := json.Unmarshal(operations[0].Value, &lab.Status); err != nil {
		return err
	}
	w.shelf.written++
	lab.DeepCopyInto(o.(*v1alpha1.NetLab))
	return nil
}

func (s *shelf) list() []v1alpha1.NetLab {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []v1alpha1.NetLab
	for _, lab := range s.labs {
		list = append(list, *lab.DeepCopy())
	}
	return list
}

func (s *shelf) names() []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []types.NamespacedName
	for _, lab := range s.labs {
		names = append(names, client.ObjectKeyFromObject(lab))
	}
	return names
}

// edit makes a new generation of every lab.
func (s *shelf) edit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lab := range s.labs {
		lab.Generation++
	}
}

func (s *shelf) writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// silence discards Events.
type silence struct{}

func (silence) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}
