// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/netlab-dev/netlab/hack/test/metrictable"
)

// prometheusDir is what these tests are about.
var prometheusDir = filepath.Join("..", "..", "..", "config", "prometheus")

// catalogue knows which labels a series may have, by its name. Those of histograms are their
// _bucket, _sum and _count.
type catalogue map[string][]string

// targetLabels are on every series, given by config/prometheus/podmonitors.yaml.
var targetLabels = []string{"job", "instance", "namespace", "pod"}

func readCatalogue(t *testing.T) catalogue {
	t.Helper()
	metrics, err := metrictable.Read(filepath.Join(prometheusDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := catalogue{}
	for _, m := range metrics {
		has := slices.Concat(m.Labels, targetLabels)
		if m.Of != "controller" {
			has = append(has, "node")
		}
		if m.Type != "histogram" {
			known[m.Name] = has
			continue
		}
		known[m.Name+"_sum"], known[m.Name+"_count"] = has, has
		known[m.Name+"_bucket"] = slices.Concat(has, []string{"le"})
	}
	return known
}

// check reports what an expression asks for that is not there, and returns the labels that its
// result may have.
func (c catalogue) check(expression string) (has []string, problems []string) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return nil, []string{err.Error()}
	}
	has = c.labelsOf(parsed, func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) })
	return has, problems
}

type complain func(format string, args ...any)

// labelsOf follows what becomes of labels from the series up.
func (c catalogue) labelsOf(e parser.Expr, complain complain) []string {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return c.labelsOfSeries(e, complain)
	case *parser.AggregateExpr:
		return c.labelsOfAggregation(e, complain)
	case *parser.BinaryExpr:
		left, right := c.labelsOf(e.LHS, complain), c.labelsOf(e.RHS, complain)
		if e.Op == parser.LOR {
			return intersection(left, right)
		}
		return slices.Concat(left, right)
	case *parser.Call:
		var has []string
		for _, argument := range e.Args {
			has = append(has, c.labelsOf(argument, complain)...)
		}
		return has
	case *parser.MatrixSelector:
		return c.labelsOf(e.VectorSelector, complain)
	case *parser.ParenExpr:
		return c.labelsOf(e.Expr, complain)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return nil
	}
	complain("this test does not know %T: %s", e, e)
	return nil
}

func (c catalogue) labelsOfSeries(s *parser.VectorSelector, complain complain) []string {
	has, known := c[s.Name]
	if !known {
		complain("no program exports %s", s.Name)
		return nil
	}
	for _, m := range s.LabelMatchers {
		if m.Name != labels.MetricName && !slices.Contains(has, m.Name) {
			complain("%s has no label %s", s.Name, m.Name)
		}
	}
	return has
}

func (c catalogue) labelsOfAggregation(a *parser.AggregateExpr, complain complain) []string {
	inner := c.labelsOf(a.Expr, complain)
	for _, name := range a.Grouping {
		if !slices.Contains(inner, name) {
			complain("%s has no label %s to group by", a.Expr, name)
		}
	}
	if !a.Without {
		return a.Grouping
	}
	return slices.DeleteFunc(slices.Clone(inner), func(name string) bool { return slices.Contains(a.Grouping, name) })
}

func intersection(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) })
}

// A test of the test: what is wrong is found.
func TestMetricsThatNoProgramExportsAreFound(t *testing.T) {
	known := catalogue{"netlab_labs": {"reason", "node"}}
	for expression, problem := range map[string]string{
		"netlab_lab":                                          "no program exports netlab_lab",
		`sum(rate(netlab_lapse[5m])) > 1`:                     "no program exports netlab_lapse",
		`netlab_labs{raeson="Drifted"}`:                       "no label raeson",
		`sum by (nodes) (netlab_labs)`:                        "no label nodes to group by",
		`sum by (node) (sum by (reason) (netlab_labs))`:       "no label node to group by",
		`netlab_labs and on (node) (up == 0)`:                 "no program exports up",
		`histogram_quantile(0.5, rate(netlab_labs[5m]`:        "unclosed",
		`max_over_time(netlab_labs{reason="Drifted"}[5m:1m])`: "does not know",
	} {
		if _, problems := known.check(expression); !strings.Contains(strings.Join(problems, "\n"), problem) {
			t.Errorf("%s: %q, want %q", expression, problems, problem)
		}
	}
	if has, problems := known.check(`sum by (node) (netlab_labs)`); len(problems) > 0 || !slices.Equal(has, []string{"node"}) {
		t.Errorf("labels %v, problems %q", has, problems)
	}
}
