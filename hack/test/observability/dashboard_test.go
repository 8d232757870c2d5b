// SPDX-License-Identifier: Apache-2.0

package observability

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what these tests read of Grafana's format.
type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	GridPos     struct{ H, W, X, Y int }
	Targets     []struct{ Expr, LegendFormat string }
}

type variable struct {
	Name, Type, Definition string
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(prometheusDir, "dashboards", "netlab.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var (
	legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	reference   = regexp.MustCompile(`\$\{?(\w+)`)
	// labelValues is the form of a query that lists a label's values.
	labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
)

// filled is an expression as Grafana sends it: every variable has a value.
func (d dashboard) filled(t *testing.T, expression string) string {
	t.Helper()
	return reference.ReplaceAllStringFunc(expression, func(name string) string {
		name = strings.Trim(name, "${")
		known := slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == name })
		switch {
		case name == "__rate_interval":
			return "5m"
		case !known:
			t.Errorf("%s: there is no variable %s", expression, name)
		}
		return ".*"
	})
}

func TestTheDashboardAsksForWhatIsExported(t *testing.T) {
	known, d := readCatalogue(t), readDashboard(t)
	asked := 0
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			asked++
			has, problems := known.check(d.filled(t, target.Expr))
			for _, problem := range problems {
				t.Errorf("panel %q: %s", p.Title, problem)
			}
			for _, label := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(has, label[1]) {
					t.Errorf("panel %q: the legend says %s, and there is %v", p.Title, label[0], has)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("the dashboard asks for nothing: this shows nothing")
	}
}

func TestTheDashboardsVariablesListWhatIsExported(t *testing.T) {
	known, d := readCatalogue(t), readDashboard(t)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		m := labelValues.FindStringSubmatch(v.Definition)
		if m == nil {
			t.Errorf("variable %s: %s", v.Name, v.Definition)
			continue
		}
		has, problems := known.check(d.filled(t, m[1]))
		if len(problems) > 0 || !slices.Contains(has, m[2]) {
			t.Errorf("variable %s: %v, and the labels are %v", v.Name, problems, has)
		}
	}
}

// A metric that neither a panel nor an alert uses is not needed.
func TestEveryMetricIsShownOrWatched(t *testing.T) {
	var asked strings.Builder
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			asked.WriteString(target.Expr + "\n")
		}
	}
	for _, alert := range alerts(t) {
		asked.WriteString(alert.Expr.String() + "\n")
	}
	for name := range readCatalogue(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "netlab_") && !strings.Contains(asked.String(), base) {
			t.Errorf("no panel or alert uses %s", name)
		}
	}
}

func TestTheDashboardsPanelsAreReadable(t *testing.T) {
	taken, ids := map[[2]int]string{}, map[int]string{}
	for _, p := range readDashboard(t).Panels {
		if other, twice := ids[p.ID]; twice {
			t.Errorf("%q and %q have one id", p.Title, other)
		}
		ids[p.ID] = p.Title
		if p.Title == "" || p.Type != "row" && p.Description == "" {
			t.Errorf("panel %d %q has no title or description", p.ID, p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, is := taken[[2]int{x, y}]; is || x >= 24 {
					t.Fatalf("%q lies over %q, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
