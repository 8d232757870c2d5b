// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/status"
)

// roster is what the controller knows of nodes and their agents. Events keep it up to date: the cost of a
// summary depends on the lab's nodes only. Lists from the cache would copy every report of every node each
// time. Its objects belong to the cache and must not be changed.
type roster struct {
	mu      sync.RWMutex
	entries map[string]*rosterEntry
	// placed counts changes that may change the result of a placement.
	placed int
}

// rosterEntry is what is known under a node's name. Its parts come and go in any order.
type rosterEntry struct {
	// node tells whether there is a Node of that name; labels are the Node's.
	node   bool
	labels labels.Set
	// state is nil while there is none.
	state *v1alpha1.NetLabNodeState
	// pods are the agent's, more than one during an update.
	pods []agentPod
	// lastDeleted is the agent's pod that was deleted last.
	lastDeleted deletedPod
}

// agentPod is a pod of an agent. Its times are on this program's clock: those in the object are of other machines, or of
// before this one's clock was set.
type agentPod struct {
	uid     types.UID
	created time.Time
	// ready is its condition, which has been so since then.
	ready bool
	since time.Time
}

// deletedPod is a pod of an agent and the time of its delete event.
type deletedPod struct {
	pod types.UID
	at  time.Time
}

func newRoster() *roster { return &roster{entries: map[string]*rosterEntry{}} }

// change applies an event to the entry of a node.
func (r *roster) change(name string, apply func(*rosterEntry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry := r.entries[name]
	if entry == nil {
		entry = &rosterEntry{}
		r.entries[name] = entry
	}
	apply(entry)
	if !entry.node && entry.state == nil && len(entry.pods) == 0 {
		delete(r.entries, name)
	}
}

// setNode adds or updates a Node, and reports whether the result of a placement may change.
func (r *roster) setNode(node *metav1.PartialObjectMetadata) (differs bool) {
	r.change(node.Name, func(e *rosterEntry) {
		differs = !e.node || !maps.Equal(e.labels, node.Labels)
		e.node, e.labels = true, node.Labels
		if differs {
			r.placed++
		}
	})
	return differs
}

func (r *roster) deleteNode(name string) {
	r.change(name, func(e *rosterEntry) {
		e.node, e.labels = false, nil
		r.placed++
	})
}

func (r *roster) setNodeState(state *v1alpha1.NetLabNodeState) {
	r.change(state.Name, func(e *rosterEntry) { e.state = state })
}

func (r *roster) deleteNodeState(name string) {
	r.change(name, func(e *rosterEntry) { e.state = nil })
}

// setPod adds or updates a pod of an agent, and reports whether the node's facts change. A pod that is not
// scheduled belongs to no node.
func (r *roster) setPod(pod *corev1.Pod, now time.Time) (differs bool) {
	if pod.Spec.NodeName == "" {
		return false
	}
	r.change(pod.Spec.NodeName, func(e *rosterEntry) {
		i := slices.IndexFunc(e.pods, func(p agentPod) bool { return p.uid == pod.UID })
		ready, since := podReady(pod)
		switch {
		case i < 0:
			e.pods, differs = append(e.pods, agentPod{pod.UID, passed(pod.CreationTimestamp.Time, now), ready, passed(since, now)}), true
		case e.pods[i].ready != ready:
			e.pods[i].ready, e.pods[i].since, differs = ready, now, true
		}
	})
	return differs
}

// passed is a time of another clock on that of now. It has a monotonic reading if now has one, and is not later.
func passed(at, now time.Time) time.Time { return now.Add(-max(0, now.Sub(at))) }

// deletePod removes a pod of an agent and keeps the time.
func (r *roster) deletePod(pod *corev1.Pod, at time.Time) {
	r.change(pod.Spec.NodeName, func(e *rosterEntry) {
		e.pods = slices.DeleteFunc(e.pods, func(p agentPod) bool { return p.uid == pod.UID })
		e.lastDeleted = deletedPod{pod: pod.UID, at: at}
	})
}

// selection is the result of a placement.
type selection struct {
	// nodes are sorted.
	nodes []string
	// placed is the roster's at that time. While it is equal, the selection is.
	placed int
}

// selected returns the nodes that match the selector. If nothing has changed since the last time, it looks
// at no node.
func (r *roster) selected(selector labels.Selector, last selection) selection {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if last.nodes != nil && last.placed == r.placed {
		return last
	}
	nodes := []string{}
	for name, entry := range r.entries {
		if entry.node && selector.Matches(entry.labels) {
			nodes = append(nodes, name)
		}
	}
	slices.Sort(nodes)
	return selection{nodes: nodes, placed: r.placed}
}

// nodesFor returns the facts about a lab on its selected nodes that run an agent. A node runs an agent if
// a pod of it is scheduled there or was deleted less than reportGrace ago, or if the report has no pod
// UID: a user started that agent by hand, and it counts as long as the Node exists.
//
// The result may change with time alone: again is when, 0 for never.
func (r *roster) nodesFor(lab *v1alpha1.NetLab, selected selection, now time.Time) (nodes []status.NodeFacts, again time.Duration) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	nodes = make([]status.NodeFacts, 0, len(selected.nodes))
	for _, name := range selected.nodes {
		entry := r.entries[name]
		if entry == nil {
			continue
		}
		agent := entry.agent(now)
		if !agent.present {
			continue
		}
		again = sooner(again, agent.again)
		nodes = append(nodes, agent.factsOf(lab, name))
	}
	return nodes, again
}
