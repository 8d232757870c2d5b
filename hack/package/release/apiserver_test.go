// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/hack/test/apiserver"
)

var api = apiserver.New("make check-release", "../../../config/crd/bases")

func TestMain(m *testing.M) { api.TestMain(m) }

// apiServer refuses fields it does not know, as kubectl apply does.
func apiServer(t *testing.T) client.Client {
	t.Helper()
	c, err := client.New(api.Config(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return client.WithFieldValidation(c, metav1.FieldValidationStrict)
}

// namespaceWith makes a namespace with a Pod Security level.
func namespaceWith(t *testing.T, c client.Client, name, level string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   name,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": level},
	}}
	if err := c.Create(t.Context(), ns); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.Background(), ns) })
}

func TestTheAPIServerAcceptsWhatPeopleInstall(t *testing.T) {
	c := apiServer(t)
	namespaceWith(t, c, namespace, "privileged")
	given := map[string]any{
		"agent":         map[string]any{"netnsLinks": false, "maxLabs": 10, "priorityClassName": "system-node-critical"},
		"networkPolicy": map[string]any{"enabled": true},
	}
	for name, set := range map[string]objects{
		"install.yaml":              installed(t),
		"the overlay for kind":      kustomized(t, "overlays/kind"),
		"the overlay for monitored": kustomized(t, "overlays/monitored"),
		"the chart":                 render(t, loadChart(t), namespace, given),
	} {
		t.Run(name, func(t *testing.T) {
			for key, o := range set {
				if strings.HasPrefix(o.GetAPIVersion(), "monitoring.coreos.com/") {
					continue // the operator's own; hack/test/observability looks at them
				}
				if err := dryRun(t, c, o); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
}

// dryRun is kubectl apply --server-side --dry-run=server.
func dryRun(t *testing.T, c client.Client, o *unstructured.Unstructured) error {
	t.Helper()
	return c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o.DeepCopy()),
		client.FieldOwner("kubectl"), client.DryRunAll, client.ForceOwnership)
}

// The controller needs no rights on its node; the agent's cannot be had for less.
func TestOnlyTheAgentNeedsAPrivilegedNamespace(t *testing.T) {
	c := apiServer(t)
	namespaceWith(t, c, "restricted", "restricted")
	set := installed(t)
	if err := dryRun(t, c, podOf(set[deployment], "restricted")); err != nil {
		t.Errorf("the controller in a restricted namespace: %v", err)
	}
	err := dryRun(t, c, podOf(set[daemonSet], "restricted"))
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "privileged") {
		t.Errorf("the agent in a restricted namespace: %v", err)
	}
	labels := set["Namespace/"+namespace].GetLabels()
	if labels["pod-security.kubernetes.io/enforce"] != "privileged" {
		t.Errorf("the namespace that comes with the agent does not let it in: %v", labels)
	}
}

// podOf is a pod as the object's controller would make it.
func podOf(owner *unstructured.Unstructured, into string) *unstructured.Unstructured {
	template, _, _ := unstructured.NestedMap(owner.Object, "spec", "template")
	pod := &unstructured.Unstructured{Object: template}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetName(owner.GetName())
	pod.SetNamespace(into)
	return pod
}
