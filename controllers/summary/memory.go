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

// How often a lab is summed up and written while its nodes report one after the other. Both
// grow with the number of nodes, so that neither what a lab costs the controller nor what its
// status costs the API server does, and a lab on a few nodes does not notice.
const (
	// gatherPerNode is the time between two summaries. One takes about a microsecond per node:
	// a lab takes at most a thousandth of a CPU, whatever it has of nodes.
	gatherPerNode = time.Millisecond
	// progressPerNode is the time between two writes that say nothing new of Ready. Each goes to
	// the agent of every node: a lab sends at most 100 such events a second.
	progressPerNode = 10 * time.Millisecond
	// maxGather and maxProgress are what somebody who waits for a lab is asked for at most.
	maxGather   = 5 * time.Second
	maxProgress = 30 * time.Second
)

// memory is what the controller remembers of labs between their summaries.
type memory struct {
	mu   sync.Mutex
	labs map[types.NamespacedName]*labMemory
}

// labMemory belongs to the lab's reconcile, of which there is one at a time, beside what
// memory's lock guards.
type labMemory struct {
	// looked, and the number of nodes at that time, are guarded by memory's lock.
	looked time.Time
	nodes  int

	// uid and generation are of the spec that the following was read from.
	uid        types.UID
	generation int64
	problems   lab.Problems
	selector   labels.Selector
	selection  selection
	// written is when the status was written last.
	written time.Time
}

func newMemory() *memory { return &memory{labs: map[types.NamespacedName]*labMemory{}} }

// open returns what is remembered of a lab that is looked at now.
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

// due is how long to gather reports before a lab is summed up again, 0 for not at all.
func (m *memory) due(name types.NamespacedName, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	remembered := m.labs[name]
	if remembered == nil {
		return 0
	}
	window := min(time.Duration(remembered.nodes)*gatherPerNode, maxGather)
	return max(0, window-now.Sub(remembered.looked))
}

// read finds out what the spec says, once for each generation.
func (m *labMemory) read(netlab *v1alpha1.NetLab) {
	if m.uid == netlab.UID && m.generation == netlab.Generation {
		return
	}
	selector, _ := lab.NodeSelector(&netlab.Spec) // an invalid one is among the problems
	m.uid, m.generation = netlab.UID, netlab.Generation
	m.selector, m.selection = selector, selection{}
	m.problems = lab.Validate(&netlab.Spec)
}

// holdFor is how long a status waits to be written. What it says of Ready never does.
func (m *labMemory) holdFor(before, after v1alpha1.NetLabStatus, now time.Time) time.Duration {
	was := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady)
	if was == nil || before.ObservedGeneration != after.ObservedGeneration || was.Status != is.Status || was.Reason != is.Reason {
		return 0
	}
	window := min(time.Duration(m.nodes)*progressPerNode, maxProgress)
	return max(0, window-now.Sub(m.written))
}
