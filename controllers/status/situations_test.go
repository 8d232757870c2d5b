// SPDX-License-Identifier: Apache-2.0

package status

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/config/crd"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

var update = flag.Bool("update", false, "write testdata/situations anew")

// Every situation a lab can be in is a file: the object as people and their tools see it, with
// the status that summarize gives it. hack/test/gitops asks Flux and Argo CD what they make of each.
func TestEverySituationIsWrittenDown(t *testing.T) {
	for _, s := range situations {
		t.Run(s.file, func(t *testing.T) {
			path := filepath.Join("testdata", "situations", s.file+".yaml")
			got := s.document(t)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what summarize says now (%v); if that is right: go test ./controllers/status -run EverySituation -update\n%s", path, err, got)
			}
		})
	}
	for _, path := range must(filepath.Glob("testdata/situations/*.yaml")) {
		is := func(s situation) bool { return s.file == strings.TrimSuffix(filepath.Base(path), ".yaml") }
		if !slices.ContainsFunc(situations, is) {
			t.Errorf("%s belongs to no situation", path)
		}
	}
}

// situation is one in which a lab can be, by the name of its file.
type situation struct {
	file string
	// tells is what has happened, for the file's readers.
	tells string
	// nodes are what the agents on node-1, node-2… report.
	nodes states
	// change makes other facts of it.
	change func(*Facts)
	// after is for how long it has been so already.
	after time.Duration
	// then is done to the object after its status was written.
	then func(*testing.T, *unstructured.Unstructured)
}

// states are what nodes report, each named when it is put in its place.
type states []func(name string) NodeFacts

// The reports of one node, each with the words an agent uses.
var (
	isGood     = reported(True("Realized", "as described"), True("AllProbesPass", "every probe has the expected outcome"))
	isUnasked  = reported(True("Realized", "as described"), True("NoProbes", "the lab has no probes"))
	isOpen     = reported(True("Realized", "as described"), Unknown("Pending", "waiting for the first verdict of probe ns1-ns2 (IPv4)"))
	isMute     = reported(True("Realized", "as described"), Unknown("ProbeError", "probe ns1-ns2 (IPv4): the neighbour table is full"))
	isBroken   = failingWith("ForwardingDisabled", "router does not forward IPv4: net.ipv4.ip_forward is 0; fix: in the spec, list router under routers without forwarding: Disabled")
	isConflict = reported(False("Conflict", "/run/netlab/netns/default.routed-pair.ns1 is not ours"), Unknown("NotRealized", "probes run only while the lab is realized"))
	isUnread   = reported(Unknown("ObservationFailed", "observe default/routed-pair: the dump was interrupted"), Unknown("NotRealized", "probes run only while the lab is realized"))
	isDrifted  = reported(False("Drifted", "1 difference: ip -n default.routed-pair.ns1 route add default via 192.0.2.254"), True("AllProbesPass", "every probe has the expected outcome"))
)

func reported(realized, reachable v1alpha1.Finding) func(string) NodeFacts {
	return reporting(Conditions{Valid(), realized, reachable})
}

// failingWith reports the failing probe of the tutorial's lab.
func failingWith(reason, message string) func(string) NodeFacts {
	return func(name string) NodeFacts {
		n := reported(True("Realized", "as described"), False(reason, "probe ns1-ns2 (IPv4): "+message))(name)
		n.Report.FailingProbes = []v1alpha1.ProbeReport{{Name: "ns1-ns2", Family: "IPv4", Reason: reason, Message: message}}
		return n
	}
}

// situations has every row of summarize's table, and what Kubernetes adds to it.
var situations = []situation{
	{file: "not-seen-yet", tells: "Just created: the status is the CRD's default.",
		then: func(t *testing.T, o *unstructured.Unstructured) { o.Object["status"] = defaultStatus(t) }},
	{file: "status-never-written", tells: "No status at all. An API server with our CRD never shows this: it fills in the default.",
		then: func(_ *testing.T, o *unstructured.Unstructured) { delete(o.Object, "status") }},
	{file: "invalid", tells: "The spec cannot be built.", nodes: states{isGood, isGood, isGood},
		change: func(f *Facts) {
			f.Problems = lab.Problems{{Field: "spec.links[0].endpoints[0].addresses[0]", Message: "192.0.2.300/24 is no address", Fix: "write one of 192.0.2.0/24"}}
		}},
	{file: "building", tells: "One node has built it, the others are still at it.", nodes: states{isGood, behind, behind}},
	{file: "built-no-probes", tells: "Built everywhere; the lab asks nothing.", nodes: states{isUnasked, isUnasked, isUnasked},
		change: func(f *Facts) { f.NetLab.Spec.Probes = nil }},
	{file: "built-verdicts-open", tells: "Built everywhere; a first verdict is still open.", nodes: states{isGood, isGood, isOpen}},
	{file: "built-probes-pass", tells: "Built everywhere, every probe as expected.", nodes: states{isGood, isGood, isGood}},
	{file: "probes-could-not-ask", tells: "Built everywhere; on one node a probe could not be sent.", nodes: states{isGood, isGood, isMute}},
	{file: "probe-fails", tells: "A probe fails on one node.", nodes: states{isGood, isGood, isBroken}},
	{file: "node-cannot-build", tells: "One node cannot build it, for less than a minute.", nodes: states{isGood, isGood, isConflict}},
	{file: "node-cannot-build-for-60s", tells: "One node has not been able to build it for a minute.", nodes: states{isGood, isGood, isConflict}, after: time.Minute},
	{file: "kernel-unreadable", tells: "One node's kernel cannot be read.", nodes: states{isGood, isGood, isUnread}},
	{file: "nodes-silent", tells: "More than maxUnavailable nodes are silent.", nodes: states{isGood, isGood, silent}},
	{file: "no-node-selected", tells: "placement selects no node.",
		change: func(f *Facts) { f.NetLab.Spec.Placement = labtest.Selecting("pool", "nobody") }},
	{file: "drifted", tells: "driftPolicy is Report, and somebody changed something by hand.", nodes: states{isGood, isGood, isDrifted},
		change: func(f *Facts) { f.NetLab.Spec.DriftPolicy = v1alpha1.DriftReport }},
	{file: "drifted-and-building", tells: "driftPolicy is Report; something was changed by hand on one node, and another one cannot build it, for less than a minute.",
		nodes: states{isGood, isConflict, isDrifted}, change: func(f *Facts) { f.NetLab.Spec.DriftPolicy = v1alpha1.DriftReport }},
	{file: "suspended", tells: "spec.suspend is true.", nodes: states{isGood, isGood, isGood},
		change: func(f *Facts) { f.NetLab.Spec.Suspend = true }},
	{file: "edited-not-observed", tells: "It was ready; then it was edited, and nobody has looked at the new generation.", nodes: states{isGood, isGood, isGood},
		then: func(_ *testing.T, o *unstructured.Unstructured) { o.SetGeneration(2) }},
	{file: "being-deleted", tells: "It was ready; now it is being deleted, and somebody's finalizer holds it.", nodes: states{isGood, isGood, isGood},
		then: func(_ *testing.T, o *unstructured.Unstructured) {
			o.SetFinalizers([]string{metav1.FinalizerDeleteDependents})
			o.SetDeletionTimestamp(&metav1.Time{Time: noon.Add(time.Hour)})
		}},
}

// document is the situation's file.
func (s situation) document(t *testing.T) []byte {
	t.Helper()
	f := Facts{NetLab: storedPair(), Now: noon}
	for i, state := range s.nodes {
		f.Nodes = append(f.Nodes, state(fmt.Sprint("node-", i+1)))
	}
	if s.change != nil {
		s.change(&f)
	}
	f.NetLab.Status, _ = Summarize(f)
	if s.after > 0 {
		f.Now = noon.Add(s.after)
		f.NetLab.Status, _ = Summarize(f)
	}
	object := must(runtime.DefaultUnstructuredConverter.ToUnstructured(f.NetLab))
	if s.then != nil {
		s.then(t, &unstructured.Unstructured{Object: object})
	}
	return append([]byte("# "+s.tells+"\n"), must(yaml.Marshal(object))...)
}

// storedPair is the tutorial's lab as an API server would have it.
func storedPair() *v1alpha1.NetLab {
	lab := labtest.RoutedPair()
	lab.Namespace = "default"
	lab.UID = "6a1f1c1e-9f5b-4c0e-8a57-0d6f0e5a7b11"
	lab.Generation = 1
	lab.CreationTimestamp = metav1.NewTime(noon.Add(-time.Second))
	lab.Spec.DriftPolicy = v1alpha1.DriftCorrect
	lab.Status.ObservedGeneration = -1
	return lab
}

// defaultStatus is what the CRD gives an object that has no status.
func defaultStatus(t *testing.T) any {
	t.Helper()
	definition := map[string]any{}
	if err := yaml.Unmarshal(crd.NetLabs, &definition); err != nil {
		t.Fatal(err)
	}
	versions := must(nested(definition, "spec", "versions")).([]any)
	return must(nested(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "status", "default"))
}

func nested(object map[string]any, fields ...string) (any, error) {
	value, found, err := unstructured.NestedFieldNoCopy(object, fields...)
	if err == nil && !found {
		err = fmt.Errorf("there is no %s", strings.Join(fields, "."))
	}
	return value, err
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
