// SPDX-License-Identifier: Apache-2.0

package acceptance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netlab-dev/netlab/hack/test/metrictable"
)

// What the programs export after labs were built, broken, repaired, failing and deleted is what
// config/prometheus/README.md lists, no more and no less. Alert rules and dashboard are held to
// the same list in hack/test/observability.
func TestTheMetricsAreThoseOfTheTable(t *testing.T) {
	newCluster(t)
	live(t)
	table, err := metrictable.Read("../../../config/prometheus/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for program, address := range map[string]string{"agent": agentMetrics, "controller": controllerMetrics} {
		text, err := scrape(address)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, program, table, families(t, text))
		lint(t, program, text)
	}
	vanish(t)
}

// live does to labs what makes every metric move.
func live(t *testing.T) {
	t.Helper()
	kubectl(t, "apply", "-f", sample("routed-pair"), "-f", sample("dual-stack"), "-f", sample("tutorial-1-no-routes"))
	waitFor(t, "routed-pair", "Ready")
	waitFor(t, "dual-stack", "Ready")
	waitFor(t, "routed-pair-no-routes", "Reachable=false")
	ip(t, "-n default.routed-pair.ns1 route delete default")
	eventually(t, 10*time.Second, "a repair", func() error {
		if metric(t, "netlab_repairs_total") == 0 {
			return errors.New("netlab_repairs_total is 0")
		}
		return nil
	})
}

// vanish deletes a lab and checks that none of its series remains.
func vanish(t *testing.T) {
	t.Helper()
	of := `lab="dual-stack"`
	if text, err := scrape(controllerMetrics); err != nil || !strings.Contains(text, of) {
		t.Errorf("an existing lab has no series: %v", err)
	}
	kubectl(t, "delete", "netlab", "dual-stack")
	eventually(t, 10*time.Second, "the series of a deleted lab are gone", func() error {
		text, err := scrape(controllerMetrics)
		if err == nil && strings.Contains(text, of) {
			err = fmt.Errorf("there is still %s", of)
		}
		return err
	})
}

func families(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// compare looks in both directions; libraries may export more than the table has.
func compare(t *testing.T, program string, table []metrictable.Metric, exported map[string]*dto.MetricFamily) {
	t.Helper()
	listed := map[string]bool{}
	for _, m := range table {
		if !m.IsOf(program) {
			continue
		}
		listed[m.Name] = true
		family, there := exported[m.Name]
		if !there {
			t.Errorf("the %s does not export %s, which the table has", program, m.Name)
			continue
		}
		if kind := strings.ToLower(family.GetType().String()); kind != m.Type {
			t.Errorf("%s is a %s, and in the table a %s", m.Name, kind, m.Type)
		}
		for _, series := range family.Metric {
			if labels := labelsOf(series); !slices.Equal(labels, m.Labels) {
				t.Errorf("%s has labels %v, and in the table %v", m.Name, labels, m.Labels)
			}
		}
	}
	for name := range exported {
		if strings.HasPrefix(name, "netlab_") && !listed[name] {
			t.Errorf("the %s exports %s, which the table has not", program, name)
		}
	}
}

func labelsOf(series *dto.Metric) []string {
	var names []string
	for _, pair := range series.Label {
		names = append(names, pair.GetName())
	}
	slices.Sort(names)
	return names
}

// lint holds our metrics to the conventions of Prometheus.
func lint(t *testing.T, program, text string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "netlab_") {
			t.Errorf("%s of the %s: %s", p.Metric, program, p.Text)
		}
	}
}
