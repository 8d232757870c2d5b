// SPDX-License-Identifier: Apache-2.0

package status_test

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
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
	. "github.com/netlab-dev/netlab/controllers/status"
	"github.com/netlab-dev/netlab/controllers/status/statustest"
)

var update = flag.Bool("update", false, "rewrite testdata/situations")

// Every situation of a lab is a file: the object as users and their tools see it, with the status from
// Summarize. hack/test/gitops checks how Flux and Argo CD read each of them.
func TestEverySituationIsRecorded(t *testing.T) {
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
				t.Errorf("%s differs from what Summarize returns (%v); if the new status is right: go test ./controllers/status -run EverySituation -update\n%s", path, err, got)
			}
		})
	}
	for _, path := range must(filepath.Glob("testdata/situations/*.yaml")) {
		is := func(s situation) bool { return s.file == strings.TrimSuffix(filepath.Base(path), ".yaml") }
		if !slices.ContainsFunc(situations, is) {
			t.Errorf("%s is the file of no situation", path)
		}
	}
}

// situation is one of a lab.
type situation struct {
	file string
	// comment is the first line of the file.
	comment string
	// nodes are what the agents on node-1, node-2… report.
	nodes states
	// change changes the facts.
	change func(*Facts)
	// after is how long the facts have been the same.
	after time.Duration
	// then changes the object after its status was written.
	then func(*testing.T, *unstructured.Unstructured)
}

// states are what nodes report. Each becomes the facts of a node with the name it is called with.
type states []func(name string) NodeFacts

// The reports of one node. Each is what an agent writes in a case of statustest, so the recorded
// situations have the words of agents.
var (
	isGood     = inspected("every probe has its expected outcome")
	isUnasked  = inspected("the lab has no probes")
	isPending  = inspected("a probe has no result yet")
	isNotSent  = inspected("a probe could not be sent")
	isBroken   = inspected("a probe fails")
	isConflict = inspected("a name is taken")
	isUnread   = inspected("the kernel could not be read")
	isDrifted  = inspected("a difference after comparing only")
)

func inspected(name string) func(string) NodeFacts {
	return func(node string) NodeFacts {
		report := Report(statustest.Named(name))
		return NodeFacts{Name: node, Report: &report}
	}
}

// situations has every row of Summarize's table, and the situations that Kubernetes adds.
var situations = []situation{
	{file: "not-seen-yet", comment: "Just created: the status is the CRD's default.",
		then: func(t *testing.T, o *unstructured.Unstructured) { o.Object["status"] = defaultStatus(t) }},
	{file: "status-never-written", comment: "No status at all. An API server with NetLab's CRD never returns this: it sets the default.",
		then: func(_ *testing.T, o *unstructured.Unstructured) { delete(o.Object, "status") }},
	{file: "invalid", comment: "The spec is invalid.", nodes: states{isGood, isGood, isGood},
		change: func(f *Facts) {
			f.Problems = statustest.Named("problems in the spec").Problems
		}},
	{file: "building", comment: "One node has built the lab, the others have not yet.", nodes: states{isGood, behind, behind}},
	{file: "built-no-probes", comment: "Every node has built the lab, which has no probes.", nodes: states{isUnasked, isUnasked, isUnasked},
		change: func(f *Facts) { f.NetLab.Spec.Probes = nil }},
	{file: "built-verdicts-open", comment: "Every node has built the lab. On one node a probe has no result yet.", nodes: states{isGood, isGood, isPending}},
	{file: "built-probes-pass", comment: "Every node has built the lab, and every probe has its expected outcome.", nodes: states{isGood, isGood, isGood}},
	{file: "probes-could-not-ask", comment: "Every node has built the lab. On one node a probe could not be sent.", nodes: states{isGood, isGood, isNotSent}},
	{file: "probe-fails", comment: "A probe fails on one node.", nodes: states{isGood, isGood, isBroken}},
	{file: "node-cannot-build", comment: "One node cannot build the lab, for less than a minute so far.", nodes: states{isGood, isGood, isConflict}},
	{file: "node-cannot-build-for-60s", comment: "One node has been unable to build the lab for a minute.", nodes: states{isGood, isGood, isConflict}, after: time.Minute},
	{file: "kernel-unreadable", comment: "The agent of one node cannot read its kernel's state.", nodes: states{isGood, isGood, isUnread}},
	{file: "nodes-silent", comment: "More than maxUnavailable nodes do not report.", nodes: states{isGood, isGood, unavailable}},
	{file: "no-node-selected", comment: "placement selects no node.",
		change: func(f *Facts) { f.NetLab.Spec.Placement = labtest.Selecting("pool", "nobody") }},
	{file: "drifted", comment: "driftPolicy is Report, and a user changed one node by hand.", nodes: states{isGood, isGood, isDrifted},
		change: func(f *Facts) { f.NetLab.Spec.DriftPolicy = v1alpha1.DriftReport }},
	{file: "drifted-and-building", comment: "driftPolicy is Report. A user changed one node by hand, and another node cannot build the lab, for less than a minute so far.",
		nodes: states{isGood, isConflict, isDrifted}, change: func(f *Facts) { f.NetLab.Spec.DriftPolicy = v1alpha1.DriftReport }},
	{file: "suspended", comment: "spec.suspend is true.", nodes: states{isGood, isGood, isGood},
		change: func(f *Facts) { f.NetLab.Spec.Suspend = true }},
	{file: "edited-not-observed", comment: "The lab was ready. Then it was edited, and the controller has not seen the new generation.", nodes: states{isGood, isGood, isGood},
		then: func(_ *testing.T, o *unstructured.Unstructured) { o.SetGeneration(2) }},
	{file: "being-deleted", comment: "The lab was ready. Now it is being deleted, and a finalizer of another program holds it.", nodes: states{isGood, isGood, isGood},
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
	return append([]byte("# "+s.comment+"\n"), must(yaml.Marshal(object))...)
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

// defaultStatus is the default of the CRD for an object without a status.
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
