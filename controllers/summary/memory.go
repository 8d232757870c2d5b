// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
)

// The debounce windows of summaries and writes while the nodes of a lab report one after the other. They
// grow with the number of nodes, so the cost of a lab for controller and API server does not. A lab on
// a few nodes has no noticeable delay.
const (
	// debouncePerNode is the time between two summaries, per node. A summary takes about a microsecond per
	// node: a lab takes at most a thousandth of a CPU.
	debouncePerNode = time.Millisecond
	// writeIntervalPerNode is the time between two writes that leave Ready as it is, per node. Each write
	// goes to the agent of every node: a lab causes at most 100 such events a second.
	writeIntervalPerNode = 10 * time.Millisecond
	// maxDebounce and maxWriteInterval bound the delay for users.
	maxDebounce      = 5 * time.Second
	maxWriteInterval = 30 * time.Second
)

// memory is what the controller keeps of labs between summaries.
type memory struct {
	mu   sync.Mutex
	labs map[types.NamespacedName]*labMemory
}

// labMemory is used by the lab's reconcile, of which there is one at a time. Fields with a comment about
// the lock are also used by others.
type labMemory struct {
	// looked is the time of the last summary, nodes their number then. Memory's lock guards both.
	looked time.Time
	nodes  int

	// uid and generation are of the spec from which the fields below were read.
	uid        types.UID
	generation int64
	problems   lab.Problems
	selector   labels.Selector
	selection  selection
	// written is the time of the last write of the status.
	written time.Time
}

func newMemory() *memory { return &memory{labs: map[types.NamespacedName]*labMemory{}} }

// open returns the memory of a lab whose summary begins now.
func (m *memory) open(name types.NamespacedName, now time.Time) *labMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	remembered := m.labs[name]
	if remembered == nil {
		remembered = &labMemory{}
		m.labs[name] = remembered
	}
	remembered.looked = now
	return remembered
}

func (m *memory) forget(name types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.labs, name)
}

func (m *memory) keep(remembered *labMemory, selected selection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	remembered.selection, remembered.nodes = selected, len(selected.nodes)
}

// names lists every lab.
func (m *memory) names() []types.NamespacedName {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.labs))
}

// due is the rest of the lab's debounce window.
func (m *memory) due(name types.NamespacedName, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	remembered := m.labs[name]
	if remembered == nil {
		return 0
	}
	window := min(time.Duration(remembered.nodes)*debouncePerNode, maxDebounce)
	return max(0, window-now.Sub(remembered.looked))
}

// read validates the spec, once per generation.
func (m *labMemory) read(netlab *v1alpha1.NetLab) {
	if m.uid == netlab.UID && m.generation == netlab.Generation {
		return
	}
	selector, _ := lab.NodeSelector(&netlab.Spec) // an invalid selector is among the problems
	m.uid, m.generation = netlab.UID, netlab.Generation
	m.selector, m.selection = selector, selection{}
	m.problems = lab.Validate(netlab)
}

// holdFor is how long a write waits. A write that changes the status or reason of Ready does not wait.
func (m *labMemory) holdFor(before, after v1alpha1.NetLabStatus, now time.Time) time.Duration {
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady)
	if was == nil || before.ObservedGeneration != after.ObservedGeneration || was.Status != is.Status || was.Reason != is.Reason {
		return 0
	}
	window := min(time.Duration(m.nodes)*writeIntervalPerNode, maxWriteInterval)
	return max(0, window-now.Sub(m.written))
}
