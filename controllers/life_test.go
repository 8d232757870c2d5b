// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/status"
)

// The life of a lab, on a real API server with a kernel that is not real. Each step starts from
// what the one before it left.
func TestTheLifeOfALab(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	lab.Spec.Probes[0].PeriodSeconds = 1
	const name = "routed-pair"
	ns := func(node string) string { return w.namespace + "." + name + "." + node }
	defaultRoute := state.RouteKey{Prefix: prefix("0.0.0.0/0")}

	w.step("a lab is created and becomes reachable", func() {
		create(w.T, w.admin, lab)
		w.await(name, "Ready=True/Ready", "Accepted=True/Valid", "Realized=True/Realized", "Reachable=True/AllProbesPass")
		if got := w.lab(name).Status.Nodes; got != (v1alpha1.NodeCounts{Selected: 1, Realized: 1, Reachable: 1, Summary: "1/1"}) {
			w.Errorf("nodes are %+v", got)
		}
		if got := len(w.kernel.State()); got != 3 {
			w.Errorf("the kernel has %d namespaces", got)
		}
	})
	w.step("then nothing is written", func() {
		w.quiet()
		writes, compared := w.writes.Load(), comparisons(w.T)
		w.kernel.ForgetWrites()
		eventually(w.T, "ten comparisons", func(context.Context) (bool, string) {
			return comparisons(w.T) >= compared+10, fmt.Sprint(comparisons(w.T) - compared)
		})
		if got := w.kernel.Writes(); got != 0 {
			w.Errorf("%d writes to the kernel: %v", got, w.kernel.Applied())
		}
		if got := w.writes.Load() - writes; got != 0 {
			w.Errorf("%d writes to the API server", got)
		}
	})
	w.step("a deleted route comes back and is counted", func() {
		before := repairs(w.T, "ReplaceRoute")
		w.kernel.Mutate(func(s state.State) { delete(s[ns("ns1")].Routes, defaultRoute) })
		w.awaitKernel("the route", func(s state.State) bool { _, is := s[ns("ns1")].Routes[defaultRoute]; return is })
		if got := repairs(w.T, "ReplaceRoute") - before; got != 1 {
			w.Errorf("%v repairs were counted", got)
		}
		w.awaitEvent("Repaired", "ns1 route replace default")
	})
	w.step("another repair has an Event of its own", func() {
		w.kernel.Mutate(func(s state.State) { delete(s[ns("ns2")].Routes, defaultRoute) })
		w.awaitKernel("the route", func(s state.State) bool { _, is := s[ns("ns2")].Routes[defaultRoute]; return is })
		w.awaitEvent("Repaired", "ns2 route replace default")
	})
	w.step("an edit changes what it names and nothing else", func() {
		before := w.indexes(name)
		w.edit(name, func(s *v1alpha1.NetLabSpec) { s.Namespaces = append(s.Namespaces, v1alpha1.Namespace{Name: "ns3"}) })
		w.await(name, "Ready=True/Ready")
		w.awaitKernel("ns3", func(s state.State) bool { return s[ns("ns3")].Mounted })
		for id, index := range before {
			if got := w.indexes(name)[id]; got != index {
				w.Errorf("%v was created again: index %d, before %d", id, got, index)
			}
		}
	})
	w.step("a wrong edit is refused with field and fix, and the kernel left alone", func() {
		before := w.kernel.State()
		w.edit(name, func(s *v1alpha1.NetLabSpec) { s.Subnets[1].CIDRs = []string{"192.0.2.128/25"} })
		w.await(name, "Ready=False/InvalidSpec", "Accepted=False/InvalidSpec", "Realized=Unknown/NotAccepted", "Stalled=True/InvalidSpec")
		if got := w.message(name, "Accepted"); !strings.Contains(got, "spec.subnets[1]") {
			w.Errorf("the message is %q", got)
		}
		if !w.kernel.State().Equal(before) {
			w.Error("the kernel was changed")
		}
		w.edit(name, func(s *v1alpha1.NetLabSpec) { s.Subnets[1].CIDRs = []string{"198.51.100.0/24"} })
		w.await(name, "Ready=True/Ready")
	})
	w.step("a suspended lab is left alone", func() {
		w.edit(name, func(s *v1alpha1.NetLabSpec) { s.Suspend = true })
		w.await(name, "Ready=Unknown/Suspended", "Realized=Unknown/Suspended", "Reachable=Unknown/Suspended")
		eventually(w.T, "the agent to know", func(context.Context) (bool, string) {
			r := w.report()
			return len(r.Labs) == 1 && status.ConditionsIn(&r.Labs[0]).Realized.Reason == v1alpha1.ReasonSuspended, fmt.Sprint(r)
		})
		w.kernel.ForgetWrites()
		w.kernel.Mutate(func(s state.State) { delete(s[ns("ns1")].Routes, defaultRoute) })
		time.Sleep(300 * time.Millisecond)
		if got := w.kernel.Writes(); got != 0 {
			w.Errorf("%d writes to the kernel", got)
		}
	})
	w.step("under driftPolicy Report the new generation is applied once, drift included", func() {
		w.edit(name, func(s *v1alpha1.NetLabSpec) { s.Suspend, s.DriftPolicy = false, v1alpha1.DriftReport })
		w.await(name, "Ready=True/Ready")
		w.awaitKernel("the route", func(s state.State) bool { _, is := s[ns("ns1")].Routes[defaultRoute]; return is })
	})
	w.step("and from then on a difference is only reported", func() {
		w.quiet()
		w.kernel.ForgetWrites()
		w.kernel.Mutate(func(s state.State) { delete(s[ns("ns1")].Routes, defaultRoute) })
		w.await(name, "Ready=False/Drifted", "Realized=False/Drifted", "Drifted=True/Drifted")
		if got := w.message(name, "Realized"); !strings.Contains(got, "route replace default") {
			w.Errorf("the message is %q", got)
		}
		w.await(name, "Reachable=False/NetworkUnreachable")
		if got := w.lab(name).Status.FailingProbes; len(got) != 1 || !strings.Contains(got[0].Message, "ns1") {
			w.Errorf("failing probes are %+v", got)
		}
		if got := w.kernel.Writes(); got != 0 {
			w.Errorf("%d writes to the kernel: %v", got, w.kernel.Applied())
		}
	})
	w.step("a deleted lab leaves nothing", func() {
		id := state.Identity{Namespace: w.namespace, Name: name}
		if err := w.admin.Delete(w.Context(), lab); err != nil {
			w.Fatal(err)
		}
		w.awaitKernel("an empty machine", func(s state.State) bool { return s.Equal(state.State{}) })
		if _, err := w.kernel.LoadRecord(id); !errors.Is(err, fs.ErrNotExist) {
			w.Errorf("its record is left: %v", err)
		}
		eventually(w.T, "an empty report", func(context.Context) (bool, string) {
			return w.report().LabCount == 0, fmt.Sprint(w.report())
		})
	})
}

func TestALabIsOnlyOnSelectedNodes(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	lab.Spec.Placement = labtest.Selecting("pool", "elsewhere")
	create(t, w.admin, lab)
	w.await(lab.Name, "Ready=False/NoNodesSelected", "Realized=False/NoNodesSelected", "Stalled=True/NoNodesSelected")
	w.edit(lab.Name, func(s *v1alpha1.NetLabSpec) { s.Placement = labtest.Selecting("pool", w.namespace) })
	w.await(lab.Name, "Ready=True/Ready")

	node := &corev1.Node{}
	if err := w.admin.Get(t.Context(), client.ObjectKey{Name: w.node}, node); err != nil {
		t.Fatal(err)
	}
	node.Labels = nil
	if err := w.admin.Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	w.awaitKernel("an empty machine", func(s state.State) bool { return s.Equal(state.State{}) })
	w.await(lab.Name, "Ready=False/NoNodesSelected")
}

// Nothing is reported as unreachable while a spanning tree converges, whichever generation the probes are of.
func TestNoVerdictWhileASpanningTreeConverges(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	lab.Spec.Switches = []v1alpha1.Switch{{Name: "sw1", STP: v1alpha1.Enabled, Subnet: lab.Spec.Links[0].Subnet}, {Name: "sw2", STP: v1alpha1.Enabled}}
	router := lab.Spec.Links[0].Endpoints[1]
	lab.Spec.Links[0].Subnet, lab.Spec.Links[0].Endpoints[1] = "", v1alpha1.Endpoint{Name: "sw1"}
	lab.Spec.Links = append(lab.Spec.Links,
		v1alpha1.Link{Name: "trunk", Endpoints: []v1alpha1.Endpoint{{Name: "sw1"}, {Name: "sw2"}}},
		v1alpha1.Link{Name: "up", Endpoints: []v1alpha1.Endpoint{{Name: "sw2"}, router}})
	lab.Spec.Probes[0].PeriodSeconds, lab.Spec.Probes[0].FailureThreshold = 1, 1
	trunk := []state.LinkID{{Namespace: w.namespace + ".routed-pair.sw2", Name: "trunk"}}
	w.kernel.Settle(trunk, nil)
	create(t, w.admin, lab)
	w.await(lab.Name, "Ready=False/Progressing", "Reachable=Unknown/SpanningTree", "Reconciling=True/Progressing")
	if got := w.message(lab.Name, v1alpha1.ConditionReachable); !strings.Contains(got, "waiting: STP has not converged on port trunk of sw2") {
		t.Errorf("it says %q", got)
	}
	w.kernel.Settle(nil, nil)
	w.await(lab.Name, "Ready=True/Ready")
	w.kernel.Settle(trunk, nil)
	w.await(lab.Name, "Ready=False/Progressing", "Reachable=Unknown/SpanningTree")
	w.kernel.Settle(nil, nil)
	w.await(lab.Name, "Ready=True/Ready")
}

func TestALabDeletedWhileTheAgentWasAwayIsSwept(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	create(t, w.admin, lab)
	w.await(lab.Name, "Ready=True/Ready")
	w.stop()
	if len(w.kernel.State()) != 3 {
		t.Fatal("an agent that stops takes its labs down")
	}
	if err := w.admin.Delete(t.Context(), lab); err != nil {
		t.Fatal(err)
	}
	w.startAgent(w.agentPod())
	w.awaitKernel("an empty machine", func(s state.State) bool { return s.Equal(state.State{}) })
}

func TestALabRecreatedWhileTheAgentWasAwayIsBuiltAgain(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	create(t, w.admin, lab)
	w.await(lab.Name, "Ready=True/Ready")
	w.stop()
	if err := w.admin.Delete(t.Context(), lab); err != nil {
		t.Fatal(err)
	}
	again := labtest.RoutedPair()
	again.Namespace = w.namespace
	create(t, w.admin, again)
	w.startAgent(w.agentPod())
	mark := state.AgentOwner(string(again.UID)).Label("ns1")
	w.awaitKernel("the new lab's mark", func(s state.State) bool {
		return s[w.namespace+".routed-pair.ns1"].Label == mark
	})
	w.await(lab.Name, "Ready=True/Ready")
}

func TestWhatIsNotOursIsReportedAndLeft(t *testing.T) {
	w := newWorld(t)
	lab := labtest.RoutedPair()
	lab.Namespace = w.namespace
	taken := w.namespace + ".routed-pair.ns1"
	w.kernel.PlantConflict(state.Conflict{Name: state.NamespaceDir + "/" + taken, Found: "a directory"})
	create(t, w.admin, lab)
	w.await(lab.Name, "Ready=False/Conflict", "Realized=False/Conflict", "Reachable=Unknown/NotRealized", "Reconciling=True/Progressing")
	if got := w.message(lab.Name, "Realized"); !strings.Contains(got, taken) {
		t.Errorf("the message is %q", got)
	}
	if w.kernel.Writes() != 0 {
		t.Errorf("the kernel was changed: %v", w.kernel.Applied())
	}
	w.kernel.RemoveConflicts()
	w.await(lab.Name, "Ready=True/Ready")
}

// step runs a part of a story; the rest makes no sense if it fails.
func (w *world) step(does string, run func()) {
	w.Helper()
	w.Logf("%s", does)
	run()
	if w.Failed() {
		w.Fatalf("failed: %s", does)
	}
}

// quiet waits until the reporter has nothing left to write.
func (w *world) quiet() {
	w.Helper()
	last, since := w.writes.Load(), time.Now()
	eventually(w.T, "quiet", func(context.Context) (bool, string) {
		if now := w.writes.Load(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second, ""
	})
}

func (w *world) awaitKernel(what string, is func(state.State) bool) {
	w.Helper()
	eventually(w.T, what, func(context.Context) (bool, string) { s := w.kernel.State(); return is(s), s.String() })
}

func (w *world) awaitEvent(reason, part string) {
	w.Helper()
	eventually(w.T, "an Event "+reason, func(ctx context.Context) (bool, string) {
		var list eventsv1.EventList
		if err := w.admin.List(ctx, &list, client.InNamespace(w.namespace)); err != nil {
			return false, err.Error()
		}
		var seen []string
		for _, e := range list.Items {
			if e.Reason == reason && strings.Contains(e.Note, part) {
				return true, ""
			}
			seen = append(seen, e.Reason+": "+e.Note)
		}
		return false, strings.Join(seen, "\n")
	})
}

// indexes are the interface indexes of a lab. A link that was created again has another one.
func (w *world) indexes(name string) map[state.LinkID]int {
	w.Helper()
	lab := w.lab(name)
	id := state.Identity{Namespace: lab.Namespace, Name: lab.Name, Owner: state.AgentOwner(string(lab.UID))}
	seen, err := w.kernel.Observe(w.Context(), id, state.State{})
	if err != nil {
		w.Fatal(err)
	}
	return seen.Index
}
