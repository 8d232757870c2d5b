// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"net/netip"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// comparisons is how often a lab was compared with the kernel.
func comparisons(t *testing.T) uint64 {
	t.Helper()
	return metric(t, "netlab_converge_seconds", "").GetHistogram().GetSampleCount()
}

// repairs is how many operations of a kind have repaired labs.
func repairs(t *testing.T, op string) float64 {
	t.Helper()
	return metric(t, "netlab_repairs_total", op).GetCounter().GetValue()
}

// metric is the series of a metric that has the label value, or its only one; zero without any.
func metric(t *testing.T, name, value string) *dto.Metric {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && (value == "" || m.GetLabel()[0].GetValue() == value) {
				return m
			}
		}
	}
	return &dto.Metric{}
}
