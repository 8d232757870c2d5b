// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// soon is how long a lab may take on a busy machine before a story gives up.
const soon = 60 * time.Second

// tenant makes a Kubernetes namespace of its own for a story's labs. When the story ends the
// namespace goes with them, and no node may have anything of it left.
func tenant(t *testing.T, name string) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + name}}
	t.Cleanup(func() {
		if t.Failed() {
			logCluster(t)
		}
		client.IgnoreNotFound(api.Delete(lasting(t), ns)) //nolint:errcheck // the wait below says whether it went
		eventually(t, patience, "namespace "+ns.Name+" is gone", func() error { return gone(t, ns) })
		nothingLeft(t, ns.Name)
	})
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// gone says nil once an object is no longer there.
func gone(t *testing.T, o client.Object) error {
	err := api.Get(lasting(t), client.ObjectKeyFromObject(o), o.DeepCopyObject().(client.Object))
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%s is still there", o.GetName())
	}
}

// routedPair is the tutorial's lab: 3 network namespaces, 2 links, 1 probe.
func routedPair(t *testing.T, namespace, name string) *v1alpha1.NetLab {
	t.Helper()
	lab := readLab(t, "../../../config/samples/routed-pair.yaml", namespace)
	lab.Name = name
	return lab
}

// readLab reads a lab's manifest.
func readLab(t *testing.T, file, namespace string) *v1alpha1.NetLab {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lab := &v1alpha1.NetLab{}
	if err := yaml.UnmarshalStrict(text, lab); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	lab.Namespace = namespace
	return lab
}

// namespacesOfRoutedPair are what a routed pair takes on each node.
const namespacesOfRoutedPair = 3

// named is a lab that is there already, or will be.
func named(namespace, name string) *v1alpha1.NetLab {
	lab := &v1alpha1.NetLab{}
	lab.Namespace, lab.Name = namespace, name
	return lab
}

// single is the smallest lab: one network namespace.
func single(namespace, name string) *v1alpha1.NetLab {
	lab := named(namespace, name)
	lab.Spec.Namespaces = []v1alpha1.Namespace{{Name: "h1"}}
	return lab
}

// onNodesWith places a lab on the nodes with a label.
func onNodesWith(lab *v1alpha1.NetLab, label, value string) *v1alpha1.NetLab {
	lab.Spec.Placement = &v1alpha1.Placement{NodeSelector: &v1alpha1.NodeSelector{MatchLabels: map[string]string{label: value}}}
	return lab
}

func create(t *testing.T, labs ...*v1alpha1.NetLab) {
	t.Helper()
	for _, lab := range labs {
		if err := api.Create(t.Context(), lab); err != nil {
			t.Fatalf("create lab %s: %v", lab.Name, err)
		}
	}
}

// createReady creates labs and waits until each is Ready.
func createReady(t *testing.T, labs ...*v1alpha1.NetLab) {
	t.Helper()
	create(t, labs...)
	for _, lab := range labs {
		becomesReady(t, lab)
	}
}

// edit changes a lab's spec. The controller may write its status meanwhile.
func edit(t *testing.T, lab *v1alpha1.NetLab, change func(*v1alpha1.NetLabSpec)) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(lab), lab); err != nil {
			return err
		}
		change(&lab.Spec)
		return api.Update(t.Context(), lab)
	})
	if err != nil {
		t.Fatalf("edit lab %s: %v", lab.Name, err)
	}
}

func becomesReady(t *testing.T, lab *v1alpha1.NetLab) time.Duration {
	t.Helper()
	return eventually(t, soon, lab.Name+" is Ready", func() error { return says(t, lab, v1alpha1.ConditionReady, metav1.ConditionTrue) })
}

// says reads the lab anew and says nil if that condition has that status for its generation.
func says(t *testing.T, lab *v1alpha1.NetLab, condition string, status metav1.ConditionStatus) error {
	if err := api.Get(lasting(t), client.ObjectKeyFromObject(lab), lab); err != nil {
		return err
	}
	c := conditionOf(lab, condition)
	if c.Status != status || c.ObservedGeneration != lab.Generation {
		return fmt.Errorf("generation %d: %s is %s for generation %d: %s: %s", lab.Generation, condition, c.Status, c.ObservedGeneration, c.Reason, c.Message)
	}
	return nil
}

// conditionOf is a condition of the lab as last read, empty if it has none of that type.
func conditionOf(lab *v1alpha1.NetLab, kind string) metav1.Condition {
	if c := meta.FindStatusCondition(lab.Status.Conditions, kind); c != nil {
		return *c
	}
	return metav1.Condition{}
}

func isReady(lab *v1alpha1.NetLab) bool {
	ready := conditionOf(lab, v1alpha1.ConditionReady)
	return ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == lab.Generation
}
