// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// template is the pod of the DaemonSet or Deployment of that name.
func template(t *testing.T, name string) corev1.PodTemplateSpec {
	t.Helper()
	file := map[string]string{"netlab-agent": "agent/daemonset.yaml", "netlab-controller": "controller/deployment.yaml"}[name]
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "config", file))
	if err != nil {
		t.Fatalf("the workload %q: %v", name, err)
	}
	var workload struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &workload); err != nil {
		t.Fatal(err)
	}
	return workload.Spec.Template
}

func hasPort(pod corev1.PodTemplateSpec, name string) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
	})
}

// The ports are those that config/agent and config/controller name: a typing error there would be
// a pod that Prometheus does not scrape.
func TestTheMetricsPortIsWhereMetricsAreServed(t *testing.T) {
	for _, name := range []string{"netlab-agent", "netlab-controller"} {
		for _, c := range template(t, name).Spec.Containers {
			for _, p := range c.Ports {
				flag := map[string]string{"metrics": "--metrics-bind-address=:", "health": "--health-probe-bind-address=:"}[p.Name]
				if !slices.ContainsFunc(c.Args, func(a string) bool {
					return flag != "" && strings.HasPrefix(a, flag) && strings.HasSuffix(a, portText(p))
				}) {
					t.Errorf("%s: port %s is %d, and the arguments are %q", name, p.Name, p.ContainerPort, c.Args)
				}
			}
		}
	}
}

func portText(p corev1.ContainerPort) string { return fmt.Sprintf(":%d", p.ContainerPort) }
