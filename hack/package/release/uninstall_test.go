// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// The agent is the last to go: it has labs to tear down.
func TestUninstallingWaitsForTheLabsToBeGone(t *testing.T) {
	c := apiServer(t)
	apply := func(text string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Delete(context.Background(), o) })
		return o
	}
	lab := apply("{apiVersion: netlab.dev/v1alpha1, kind: NetLab, metadata: {name: lab, namespace: default}, spec: {namespaces: [{name: a}]}}")
	installed := apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: installed, namespace: default}}")
	apply("{apiVersion: netlab.dev/v1alpha1, kind: NetLabNodeState, metadata: {name: idle}}")
	node := apply("{apiVersion: netlab.dev/v1alpha1, kind: NetLabNodeState, metadata: {name: busy}}")
	report := func(labs int64) {
		node.Object["status"] = map[string]any{"labCount": labs}
		if err := c.Status().Update(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	exists := func(o *unstructured.Unstructured) bool {
		err := c.Get(t.Context(), client.ObjectKeyFromObject(o), o.DeepCopy())
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		return err == nil
	}

	report(1)
	out, err := uninstall(t, installed, "2")
	if err == nil || !strings.Contains(out, "these nodes still have labs: busy\n") && !strings.Contains(out, "these nodes still have labs: busy ") {
		t.Errorf("while a node holds a lab: %v: %s", err, out)
	}
	if exists(lab) || !exists(installed) {
		t.Errorf("the lab is there: %t, want false; NetLab is there: %t, want true", exists(lab), exists(installed))
	}

	report(0)
	if out, err := uninstall(t, installed, "60"); err != nil {
		t.Errorf("once no node holds a lab: %v: %s", err, out)
	}
	if exists(installed) {
		t.Error("NetLab is still there")
	}
}

func uninstall(t *testing.T, what *unstructured.Unstructured, seconds string) (string, error) {
	t.Helper()
	manifest := filepath.Join(t.TempDir(), "install.yaml")
	text, err := yaml.Marshal(what.Object)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "./uninstall.sh", manifest)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+api.Kubeconfig(t), "NETLAB_UNINSTALL_SECONDS="+seconds,
		"PATH="+os.Getenv("KUBEBUILDER_ASSETS")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
