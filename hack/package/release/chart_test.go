// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
)

// v1 is the release that the tests make.
func v1(t *testing.T) release {
	return release{root: "../../..", out: t.TempDir(), version: "v1.2.3", registry: "ghcr.io/netlab-dev"}
}

// objects are by KIND/NAME.
type objects map[string]*unstructured.Unstructured

func TestTheChartIsConfigDefaultInAnotherNotation(t *testing.T) {
	got := render(t, loadChart(t), namespace, nil)
	if diff := cmp.Diff(withoutNamespace(kustomized(t, "default")), got); diff != "" {
		t.Errorf("config/default (-), the chart with its defaults (+):\n%s", diff)
	}
}

func TestTheChartWithEverythingIsTheMonitoredOverlay(t *testing.T) {
	all := map[string]any{
		"networkPolicy": map[string]any{"enabled": true},
		"monitoring":    map[string]any{"rules": true, "dashboard": true, "podMonitors": true},
	}
	got := render(t, loadChart(t), namespace, all)
	if diff := cmp.Diff(withoutNamespace(kustomized(t, "overlays/monitored")), got); diff != "" {
		t.Errorf("config/overlays/monitored (-), the chart with everything (+):\n%s", diff)
	}
}

// Every value changes what it says, and nothing else: the rest is compared, too.
func TestEveryValueChangesOneThing(t *testing.T) {
	c := loadChart(t)
	for _, tc := range []struct {
		values string
		change func(objects)
	}{
		{"agent: {image: {repository: example.com:5000/a}}", setAgent("image", "example.com:5000/a:v1.2.3")},
		{"agent: {image: {tag: v2}}", setAgent("image", "ghcr.io/netlab-dev/netlab-agent:v2")},
		{"agent: {image: {digest: sha256:0a}}", setAgent("image", "ghcr.io/netlab-dev/netlab-agent@sha256:0a")},
		{"agent: {imagePullPolicy: Never}", setAgent("imagePullPolicy", "Never")},
		{"agent: {imagePullSecrets: [{name: s}]}", setAgentPod("imagePullSecrets", []any{map[string]any{"name": "s"}})},
		{"agent: {maxLabs: 0}", addAgentArgs("--max-labs=0")},
		{"agent: {maxNamespaces: 2000000}", addAgentArgs("--max-namespaces=2000000")},
		{"agent: {neighborShare: 15}", addAgentArgs("--neighbor-share=15")},
		{"agent: {netnsLinks: false}", withoutLinks},
		{"agent: {extraArgs: [--debug, --compare-period=1m]}", addAgentArgs("--debug", "--compare-period=1m")},
		{"agent: {resources: null}", dropAgent("resources")},
		{"agent: {nodeSelector: {pool: lab}}", func(o objects) {
			podSpec(o, daemonSet)["nodeSelector"].(map[string]any)["pool"] = "lab"
		}},
		{"agent: {affinity: null}", dropAgentPod("affinity")},
		{"agent: {tolerations: []}", dropAgentPod("tolerations")},
		{"agent: {priorityClassName: system-node-critical}", setAgentPod("priorityClassName", "system-node-critical")},
		{"agent: {updateStrategy: {type: OnDelete, rollingUpdate: null}}", func(o objects) {
			o[daemonSet].Object["spec"].(map[string]any)["updateStrategy"] = map[string]any{"type": "OnDelete"}
		}},
		{"controller: {replicas: 3}", func(o objects) { o[deployment].Object["spec"].(map[string]any)["replicas"] = int64(3) }},
		{"controller: {image: {tag: v2}}", func(o objects) { controllerContainer(o)["image"] = "ghcr.io/netlab-dev/netlab-controller:v2" }},
		{"controller: {imagePullPolicy: Always}", func(o objects) { controllerContainer(o)["imagePullPolicy"] = "Always" }},
		{"controller: {imagePullSecrets: [{name: s}]}", func(o objects) { podSpec(o, deployment)["imagePullSecrets"] = []any{map[string]any{"name": "s"}} }},
		{"controller: {extraArgs: [--leader-elect=false]}", func(o objects) {
			controllerContainer(o)["args"] = append(controllerContainer(o)["args"].([]any), "--leader-elect=false")
		}},
		{"controller: {resources: null}", func(o objects) { delete(controllerContainer(o), "resources") }},
		{"controller: {nodeSelector: null}", func(o objects) { delete(podSpec(o, deployment), "nodeSelector") }},
		{"controller: {affinity: null}", func(o objects) { delete(podSpec(o, deployment), "affinity") }},
		{"controller: {topologySpreadConstraints: []}", func(o objects) { delete(podSpec(o, deployment), "topologySpreadConstraints") }},
		{"controller: {tolerations: []}", func(o objects) { delete(podSpec(o, deployment), "tolerations") }},
		{"controller: {priorityClassName: high}", func(o objects) { podSpec(o, deployment)["priorityClassName"] = "high" }},
		{"crds: {enabled: false}", func(o objects) {
			for key := range o {
				if strings.HasPrefix(key, "CustomResourceDefinition/") {
					delete(o, key)
				}
			}
		}},
	} {
		t.Run(tc.values, func(t *testing.T) {
			given, err := loader.LoadValues(strings.NewReader(tc.values))
			if err != nil {
				t.Fatal(err)
			}
			want := withoutNamespace(kustomized(t, "default"))
			tc.change(want)
			if diff := cmp.Diff(want, render(t, c, namespace, given)); diff != "" {
				t.Errorf("expected (-), rendered (+):\n%s", diff)
			}
		})
	}
}

func TestTheChartGoesIntoAnyNamespace(t *testing.T) {
	for key, o := range render(t, loadChart(t), "labs-infra", nil) {
		text, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(namespace)) {
			t.Errorf("%s still names %s: %s", key, namespace, text)
		}
	}
}

func TestAMisspelledValueIsRefused(t *testing.T) {
	for _, text := range []string{"agent: {toleration: []}", "agents: {}", "controller: {replicas: two}", "agent: {netnsLinks: 'no'}"} {
		given, err := loader.LoadValues(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := util.ToRenderValues(loadChart(t), given, common.ReleaseOptions{}, common.DefaultCapabilities); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
}

func TestHelmLintHasNothingToSay(t *testing.T) {
	r := v1(t)
	dir := t.TempDir()
	files, err := r.chartContent()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	linter := lint.RunAll(filepath.Join(dir, "netlab"), nil, namespace)
	for _, m := range linter.Messages {
		if !strings.Contains(m.Error(), "icon is recommended") {
			t.Error(m)
		}
	}
}

// loadChart makes the chart and reads the archive as Helm does.
func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	path, err := v1(t).chart()
	if err != nil {
		t.Fatal(err)
	}
	c, err := loader.LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render is `helm template`, without NOTES.txt and without what tells Helm to keep CRDs, which
// every CRD must have.
func render(t *testing.T, c *chart.Chart, into string, given map[string]any) objects {
	t.Helper()
	capabilities := *common.DefaultCapabilities
	all, err := util.ToRenderValues(c, given, common.ReleaseOptions{Name: "netlab", Namespace: into, IsInstall: true}, &capabilities)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := engine.Render(c, all)
	if err != nil {
		t.Fatal(err)
	}
	found := objects{}
	for name, text := range rendered {
		if strings.HasSuffix(name, ".yaml") {
			found.add(t, text)
		}
	}
	for key, o := range found {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		annotations := o.GetAnnotations()
		if annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("uninstalling the chart would delete %s, and every lab", key)
		}
		delete(annotations, "helm.sh/resource-policy")
		o.SetAnnotations(annotations)
	}
	return found
}

func kustomized(t *testing.T, dir string) objects {
	t.Helper()
	built, err := v1(t).build(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	found := objects{}
	found.add(t, string(text))
	return found
}

func withoutNamespace(o objects) objects {
	delete(o, "Namespace/"+namespace)
	return o
}

// add decodes a stream of YAML documents.
func (o objects) add(t *testing.T, text string) {
	t.Helper()
	for decoder := yamlstream.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if object.Object == nil {
			continue
		}
		key := object.GetKind() + "/" + object.GetName()
		if o[key] != nil {
			t.Errorf("%s is there twice", key)
		}
		o[key] = object
	}
}

func podSpec(o objects, key string) map[string]any {
	return o[key].Object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
}

func agentContainer(o objects) map[string]any {
	return podSpec(o, daemonSet)["containers"].([]any)[0].(map[string]any)
}

func controllerContainer(o objects) map[string]any {
	return podSpec(o, deployment)["containers"].([]any)[0].(map[string]any)
}

func setAgent(field string, value any) func(objects) {
	return func(o objects) { agentContainer(o)[field] = value }
}

func dropAgent(field string) func(objects) {
	return func(o objects) { delete(agentContainer(o), field) }
}

func setAgentPod(field string, value any) func(objects) {
	return func(o objects) { podSpec(o, daemonSet)[field] = value }
}

func dropAgentPod(field string) func(objects) {
	return func(o objects) { delete(podSpec(o, daemonSet), field) }
}

func addAgentArgs(args ...string) func(objects) {
	return func(o objects) {
		for _, arg := range args {
			agentContainer(o)["args"] = append(agentContainer(o)["args"].([]any), arg)
		}
	}
}

// withoutLinks: without symlinks the agent does not get at /run/netns at all.
func withoutLinks(o objects) {
	addAgentArgs("--netns-links=false")(o)
	links := func(e any) bool { return e.(map[string]any)["name"] == "run-netns" }
	agentContainer(o)["volumeMounts"] = slices.DeleteFunc(agentContainer(o)["volumeMounts"].([]any), links)
	podSpec(o, daemonSet)["volumes"] = slices.DeleteFunc(podSpec(o, daemonSet)["volumes"].([]any), links)
}
