// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"
)

func TestInstallYAMLIsConfigDefaultWithPinnedImages(t *testing.T) {
	set := installed(t)
	for key, want := range map[string]string{
		daemonSet:  "ghcr.io/netlab-dev/netlab-agent:v1.2.3",
		deployment: "ghcr.io/netlab-dev/netlab-controller:v1.2.3",
	} {
		for _, container := range podSpec(set, key)["containers"].([]any) {
			if got := container.(map[string]any)["image"]; got != want {
				t.Errorf("%s runs %s, want %s", key, got, want)
			}
		}
	}
	if diff := cmp.Diff(kustomized(t, "default"), set); diff != "" {
		t.Errorf("config/default (-), install.yaml (+):\n%s", diff)
	}
}

// kubectl applies in the order of the file: what is in a namespace comes after it.
func TestTheNamespaceComesFirst(t *testing.T) {
	for document := range strings.SplitSeq(installText(t), "\n---\n") {
		if strings.Contains(document, "\nkind: Namespace\n") {
			return
		}
		if strings.Contains(document, "namespace: "+namespace) {
			t.Fatalf("before the namespace there is:\n%s", document)
		}
	}
	t.Error("there is no namespace")
}

// The nodes of kind share a kernel, and so its neighbour table.
func TestOnKindImagesAreNeverPulledAndNodesShareAKernel(t *testing.T) {
	set := kustomized(t, "overlays/kind")
	want := kustomized(t, "default")
	agentContainer(want)["imagePullPolicy"] = "Never"
	controllerContainer(want)["imagePullPolicy"] = "Never"
	addAgentArgs("--neighbor-share=15")(want)
	if diff := cmp.Diff(want, set); diff != "" {
		t.Errorf("expected (-), config/overlays/kind (+):\n%s", diff)
	}
}

// The component adds one DaemonSet, whose image is pinned as the agent's is, and which has no token.
func TestTheNeighborTableIsRaisedByAComponent(t *testing.T) {
	dir, err := filepath.Abs(filepath.Join(v1(t).root, "config"))
	if err != nil {
		t.Fatal(err)
	}
	set := kustomized(t, written(t, dir, "default", "neighbor-table"))
	const key = "DaemonSet/netlab-neighbor-table"
	added := podSpec(set, key)
	container := added["containers"].([]any)[0].(map[string]any)
	if got := container["image"]; got != "ghcr.io/netlab-dev/netlab-agent:v1.2.3" {
		t.Errorf("it runs %s", got)
	}
	if added["automountServiceAccountToken"] != false || added["hostNetwork"] != true {
		t.Errorf("its pod is %v", added)
	}
	delete(set, key)
	if diff := cmp.Diff(kustomized(t, "default"), set); diff != "" {
		t.Errorf("config/default (-), with the component (+):\n%s", diff)
	}
}

// written is a kustomization with resources and a component of config, as a user writes it; its path from config.
func written(t *testing.T, config, resources, component string) string {
	t.Helper()
	dir := t.TempDir()
	away, err := filepath.Rel(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("resources: [%s/%s]\ncomponents: [%s/%s]\n", away, resources, away, component)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := filepath.Rel(config, dir)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// The file is for kind create cluster --config; this is how kind reads it.
func TestKindUnderstandsItsCluster(t *testing.T) {
	text, err := os.ReadFile("../../../config/overlays/kind/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cluster v1alpha4.Cluster
	if err := yaml.UnmarshalStrict(text, &cluster); err != nil {
		t.Fatal(err)
	}
	workers := 0
	for _, node := range cluster.Nodes {
		if node.Role == v1alpha4.WorkerRole {
			workers++
		}
	}
	if workers != 2 {
		t.Errorf("%d workers, want 2", workers)
	}
}

func TestAnyVersionMakesOneThatHelmAndKrewTake(t *testing.T) {
	for version, want := range map[string]string{
		"v0.1.0":              "v0.1.0",
		"v0.1.0-rc.1":         "v0.1.0-rc.1",
		"v0.1.0-3-g0123456":   "v0.1.0-3-g0123456",
		"dev":                 "v0.0.0-build.gdev",
		"0123456":             "v0.0.0-build.g0123456",
		"57bccf8-dirty":       "v0.0.0-build.g57bccf8-dirty",
		"v1":                  "v0.0.0-build.gv1",
		"release_2026.11+hot": "v0.0.0-build.grelease-2026-11-hot",
	} {
		if got := (release{version: version}).semver(); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

func installText(t *testing.T) string {
	t.Helper()
	r := v1(t)
	if err := r.make(t.Context(), []string{"install"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func installed(t *testing.T) objects {
	t.Helper()
	found := objects{}
	found.add(t, installText(t))
	return found
}
