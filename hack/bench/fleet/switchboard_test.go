// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"testing"

	toolscache "k8s.io/client-go/tools/cache"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// An agent that starts late gets all objects, and every agent only those of its own node.
func TestAnAgentIsToldOfItsOwnNodeOnly(t *testing.T) {
	s := &switchboard{there: map[string]any{}, handlers: map[string][]toolscache.ResourceEventHandler{}}
	var told []string
	agentOf := func(node string) toolscache.ResourceEventHandler {
		say := func(what string, o any) { told = append(told, fmt.Sprintf("%s: %s %s", node, what, nameOf(o))) }
		return toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { say("added", o) },
			UpdateFunc: func(_, o any) { say("updated", o) },
			DeleteFunc: func(o any) { say("deleted", o) },
		}
	}
	a, b := stateOf("a"), stateOf("b")
	s.OnAdd(a, true)
	s.connect("a", agentOf("a"))
	s.connect("b", agentOf("b"))
	s.OnAdd(b, false)
	s.OnUpdate(a, a)
	s.OnUpdate(b, b)
	s.OnDelete(toolscache.DeletedFinalStateUnknown{Key: "a", Obj: a})
	s.connect("a", agentOf("a"))
	want := []string{"a: added a", "b: added b", "a: updated a", "b: updated b", "a: deleted a"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func stateOf(node string) *v1alpha1.NetLabNodeState {
	state := &v1alpha1.NetLabNodeState{}
	state.Name = node
	return state
}
