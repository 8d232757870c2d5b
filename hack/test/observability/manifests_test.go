// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// documents are those of a file of config/prometheus.
func documents(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(prometheusDir, file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n---\n")
}

// decode fails where the operator's type has no such field: the API server would drop it.
func decode[T any](t *testing.T, document string) T {
	t.Helper()
	var o T
	if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return o
}

func TestPodMonitorsAskAsAgentAndControllerAnswer(t *testing.T) {
	for _, document := range documents(t, "podmonitors.yaml") {
		m := decode[monitoringv1.PodMonitor](t, document)
		if m.APIVersion != "monitoring.coreos.com/v1" || m.Kind != monitoringv1.PodMonitorsKind {
			t.Errorf("%s is a %s %s", m.Name, m.APIVersion, m.Kind)
		}
		pod := template(t, m.Name)
		for label, value := range m.Spec.Selector.MatchLabels {
			if pod.Labels[label] != value {
				t.Errorf("%s selects %s=%s, and its pods have %q", m.Name, label, value, pod.Labels[label])
			}
		}
		if job := pod.Labels[m.Spec.JobLabel]; job != m.Name {
			t.Errorf("%s makes job %q", m.Name, job)
		}
		for _, e := range m.Spec.PodMetricsEndpoints {
			if e.Port == nil || !hasPort(pod, *e.Port) {
				t.Errorf("%s asks at a port that the pod has not", m.Name)
			}
			if e.Scheme == nil || *e.Scheme != "https" || e.Authorization == nil || e.Authorization.Credentials.Name != "netlab-metrics-reader" {
				t.Errorf("%s asks without HTTPS or token: the programs would refuse", m.Name)
			}
		}
	}
}
