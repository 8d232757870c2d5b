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

// roster is what the controller knows of nodes and their agents. Events keep it, so that summing
// a lab up costs as much as the lab has nodes, however many others there are; lists from the
// cache would copy every report of every node each time. What it holds belongs to the cache and
// must not be changed.
type roster struct {
	mu      sync.RWMutex
	entries map[string]*rosterEntry
	// placed counts changes of what a placement can select.
	placed int
}

// rosterEntry is what is known under a node's name. Its parts come and go in any order.
type rosterEntry struct {
	// node is false while there is no Node of that name; labels are the Node's.
	node   bool
	labels labels.Set
	// state is nil while there is none.
	state *v1alpha1.NetLabNodeState
	// pods are of agents.
	pods []*corev1.Pod
	// departed is the agent's pod that went last.
	departed departure
}

// departure is when an agent's pod was seen to go.
type departure struct {
	pod types.UID
	at  time.Time
}

func newRoster() *roster { return &roster{entries: map[string]*rosterEntry{}} }

// change applies what an event says about the node of that name.
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

// enterNode notes that there is a Node, and reports whether placements may see it differently.
func (r *roster) enterNode(node *metav1.PartialObjectMetadata) (differs bool) {
	r.change(node.Name, func(e *rosterEntry) {
		differs = !e.node || !maps.Equal(e.labels, node.Labels)
		e.node, e.labels = true, node.Labels
		if differs {
			r.placed++
		}
	})
	return differs
}

func (r *roster) strikeNode(name string) {
	r.change(name, func(e *rosterEntry) {
		e.node, e.labels = false, nil
		r.placed++
	})
}

func (r *roster) enterState(state *v1alpha1.NetLabNodeState) {
	r.change(state.Name, func(e *rosterEntry) { e.state = state })
}

func (r *roster) strikeState(name string) {
	r.change(name, func(e *rosterEntry) { e.state = nil })
}

// enterPod notes an agent's pod, and reports whether it says something else about its node than
// before. One that is not yet scheduled concerns no node.
func (r *roster) enterPod(pod *corev1.Pod) (differs bool) {
	if pod.Spec.NodeName == "" {
		return false
	}
	r.change(pod.Spec.NodeName, func(e *rosterEntry) {
		i := slices.IndexFunc(e.pods, func(p *corev1.Pod) bool { return p.UID == pod.UID })
		if i < 0 {
			e.pods, differs = append(e.pods, pod), true
			return
		}
		was, _ := podReady(e.pods[i])
		is, _ := podReady(pod)
		e.pods[i], differs = pod, was != is
	})
	return differs
}

// strikePod notes that an agent's pod is gone, and since when.
func (r *roster) strikePod(pod *corev1.Pod, at time.Time) {
	r.change(pod.Spec.NodeName, func(e *rosterEntry) {
		e.pods = slices.DeleteFunc(e.pods, func(p *corev1.Pod) bool { return p.UID == pod.UID })
		e.departed = departure{pod: pod.UID, at: at}
	})
}

// selection is which nodes a placement selects.
type selection struct {
	// nodes are sorted.
	nodes []string
	// placed is the roster's at that time: while it is the same, the selection is.
	placed int
}

// selected says which nodes the selector matches now, without looking at any of them again if
// nothing has changed since the last time.
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

// nodesFor lists what is known about a lab on the nodes that should carry it: those selected
// that run an agent. An agent runs where a pod of it is scheduled or was until a moment
// ago, and where somebody started one by hand, whose report has no pod UID: that one counts
// while its Node exists, for there is no pod to tell whether it still runs.
//
// again is when time alone may change the answer, 0 if it will not.
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
