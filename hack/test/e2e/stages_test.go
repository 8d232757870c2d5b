// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// stage is a point on a lab's way from kubectl apply to Ready=True that can be seen from outside.
type stage string

// The stages, of which those in the kernel need hands on the nodes. Those of a node count when the
// last node has passed them.
const (
	stored   stage = "stored"   // the API server has answered
	noticed  stage = "noticed"  // the controller's first status is seen
	begun    stage = "begun"    // a node has the lab's first network namespace
	built    stage = "built"    // a node's record says that its kernel holds the lab
	reported stage = "reported" // a node's report is seen that says: ready there
	ready    stage = "Ready"    // Ready=True is seen
)

var stages = []stage{stored, noticed, begun, built, reported, ready}

// journeys are the ways of the labs of one namespace.
type journeys struct {
	namespace string
	arrivals  chan string // a lab, when it is Ready

	mu     sync.Mutex
	starts map[string]time.Time
	passed map[passage]time.Time
}

// passage is a stage of a lab, on a node if it is one of a node's.
type passage struct {
	lab   string
	stage stage
	node  string
}

// watchJourneys watches labs from now on until the story ends.
func watchJourneys(t *testing.T, namespace string) *journeys {
	t.Helper()
	j := &journeys{
		namespace: namespace, arrivals: make(chan string, 1000),
		starts: map[string]time.Time{}, passed: map[passage]time.Time{},
	}
	observe(t, &v1alpha1.NetLabList{}, j.sawLab, client.InNamespace(namespace))
	observe(t, &v1alpha1.NetLabNodeStateList{}, j.sawState)
	return j
}

// observe tells of what is there and of each change until the story ends.
func observe[T client.Object](t *testing.T, list client.ObjectList, saw func(T), options ...client.ListOption) {
	t.Helper()
	watching, err := api.Watch(t.Context(), list, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watching.Stop)
	go func() {
		for event := range watching.ResultChan() {
			if o, ok := event.Object.(T); ok && event.Type != watch.Deleted {
				saw(o)
			}
		}
	}()
}

func (j *journeys) sawLab(lab *v1alpha1.NetLab) {
	if lab.Status.ObservedGeneration == lab.Generation {
		j.pass(passage{lab.Name, noticed, ""}, time.Now())
	}
	if isReady(lab) && j.pass(passage{lab.Name, ready, ""}, time.Now()) {
		j.arrivals <- lab.Name
	}
}

func (j *journeys) sawState(state *v1alpha1.NetLabNodeState) {
	for _, lab := range state.Status.Labs {
		if lab.Namespace == j.namespace && lab.Ready != "" {
			j.pass(passage{lab.Name, reported, state.Name}, time.Now())
		}
	}
}

// pass notes when something happened; the earliest time counts.
func (j *journeys) pass(p passage, at time.Time) (first bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before, known := j.passed[p]
	if !known || at.Before(before) {
		j.passed[p] = at
	}
	return !known
}

// start creates a lab; its way counts from then on or, if given, from an earlier time.
func (j *journeys) start(t *testing.T, lab *v1alpha1.NetLab, at time.Time) {
	t.Helper()
	j.mu.Lock()
	j.starts[lab.Name] = at
	j.mu.Unlock()
	create(t, lab)
	j.pass(passage{lab.Name, stored, ""}, time.Now())
}

// arrive waits until one more lab is Ready.
func (j *journeys) arrive(t *testing.T) {
	t.Helper()
	select {
	case <-j.arrivals:
	case <-time.After(soon):
		t.Fatalf("no lab became Ready within %s", soon)
	}
}

// took is how long each lab took to pass a stage, on its last node.
func (j *journeys) took(s stage) spread {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := map[string]time.Duration{}
	for p, at := range j.passed {
		if start, ours := j.starts[p.lab]; ours && p.stage == s {
			last[p.lab] = max(last[p.lab], at.Sub(start))
		}
	}
	var all spread
	for _, d := range last {
		all = append(all, d)
	}
	return all
}

// String says when labs have passed each stage: p50 and p99, counted from the beginning.
func (j *journeys) String() string {
	var told []string
	for _, s := range stages {
		if took := j.took(s); len(took) > 0 {
			told = append(told, fmt.Sprintf("%s %d/%d", s, took.percentile(0.50).Milliseconds(), took.percentile(0.99).Milliseconds()))
		}
	}
	return strings.Join(told, ", ") + " ms (p50/p99)"
}
