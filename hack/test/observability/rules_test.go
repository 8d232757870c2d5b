// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func readRules(t *testing.T) monitoringv1.PrometheusRuleSpec {
	t.Helper()
	o := decode[monitoringv1.PrometheusRule](t, documents(t, "rules.yaml")[0])
	if o.APIVersion != "monitoring.coreos.com/v1" || o.Kind != monitoringv1.PrometheusRuleKind {
		t.Errorf("%s %s", o.APIVersion, o.Kind)
	}
	return o.Spec
}

func alerts(t *testing.T) []monitoringv1.Rule {
	t.Helper()
	var all []monitoringv1.Rule
	for _, group := range readRules(t).Groups {
		all = append(all, group.Rules...)
	}
	return all
}

var templateLabel = regexp.MustCompile(`\$labels\.(\w+)`)

func TestAlertsAskForWhatIsExported(t *testing.T) {
	known := readCatalogue(t)
	for _, alert := range alerts(t) {
		has, problems := known.check(alert.Expr.String())
		for _, problem := range problems {
			t.Errorf("%s: %s", alert.Alert, problem)
		}
		for _, text := range alert.Annotations {
			for _, label := range templateLabel.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(has, label[1]) {
					t.Errorf("%s speaks of $labels.%s, and has %v", alert.Alert, label[1], has)
				}
			}
		}
	}
}

func TestAlertsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	for _, alert := range alerts(t) {
		for _, wanted := range []string{"summary", "description", "runbook"} {
			if alert.Annotations[wanted] == "" {
				t.Errorf("%s has no %s", alert.Alert, wanted)
			}
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, alert.Labels["severity"]) {
			t.Errorf("%s has severity %q", alert.Alert, alert.Labels["severity"])
		}
		if !strings.HasPrefix(alert.Alert, "NetLab") {
			t.Errorf("%s does not say whose it is", alert.Alert)
		}
	}
}

// ruleTests are in the format of `promtool test rules`.
const ruleTests = "testdata/rules_test.yaml"

func TestAlertsFireWhenTheyShould(t *testing.T) {
	dir := t.TempDir()
	rules, err := yaml.Marshal(readRules(t))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(ruleTests)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"rules.yaml": rules, "rules_test.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(dir, "rules.yaml"))
	promtool(t, "test", "rules", filepath.Join(dir, "rules_test.yaml"))
}

// promtool runs Prometheus's own.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program := os.Getenv("PROMTOOL")
	if program == "" {
		t.Fatal("PROMTOOL is not set. hack/test/observability/check.sh builds promtool and sets it")
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args[:2], " "), err, out)
	}
}

// An alert that no test makes fire, or no test keeps from firing, could be one that never or
// always does.
func TestEveryAlertIsTestedBothWays(t *testing.T) {
	text, err := os.ReadFile(ruleTests)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests []struct {
			AlertRuleTest []struct {
				AlertName string `json:"alertname"`
				ExpAlerts []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, a := range test.AlertRuleTest {
			if len(a.ExpAlerts) > 0 {
				fires[a.AlertName] = true
			} else {
				quiet[a.AlertName] = true
			}
		}
	}
	for _, alert := range alerts(t) {
		if !fires[alert.Alert] || !quiet[alert.Alert] {
			t.Errorf("%s: fires in a test: %t, does not in a test: %t", alert.Alert, fires[alert.Alert], quiet[alert.Alert])
		}
	}
}
