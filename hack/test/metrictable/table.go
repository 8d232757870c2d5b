// SPDX-License-Identifier: Apache-2.0

// Package metrictable reads the tables of metrics in config/prometheus/README.md. hack/test/acceptance
// compares them with the metrics that the programs export, hack/test/observability with those that the
// alert rules and the dashboard use.
package metrictable

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Metric is a row.
type Metric struct {
	Name string
	// Type is counter, gauge or histogram.
	Type string
	// Labels are sorted.
	Labels []string
	// Of is which program exports it: agent, controller or both; Prometheus makes some itself.
	Of string
}

// Ours reports whether it is NetLab's and not a library's.
func (m Metric) Ours() bool { return strings.HasPrefix(m.Name, "netlab_") }

// IsOf reports whether the program exports the metric.
func (m Metric) IsOf(program string) bool { return m.Of == program || m.Of == "both" }

const columns = 5

var quoted = regexp.MustCompile("`([^`]+)`")

// Read returns the rows of every table of metrics in a file.
func Read(path string) ([]Metric, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tables of metrics: %w", err)
	}
	var metrics []Metric
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		m, err := parse(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		metrics = append(metrics, m)
	}
	return metrics, nil
}

func parse(line string) (Metric, error) {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	if len(cells) != columns {
		return Metric{}, fmt.Errorf("%q has %d columns, want %d: metric, type, labels, of, meaning", line, len(cells), columns)
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	var labels []string
	for _, match := range quoted.FindAllStringSubmatch(cells[2], -1) {
		labels = append(labels, match[1])
	}
	slices.Sort(labels)
	return Metric{Name: strings.Trim(cells[0], "`"), Type: cells[1], Labels: labels, Of: cells[3]}, nil
}
