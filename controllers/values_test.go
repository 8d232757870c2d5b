// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func selecting(label, value string) *v1alpha1.Placement {
	return &v1alpha1.Placement{NodeSelector: &metav1.LabelSelector{MatchLabels: map[string]string{label: value}}}
}

// comparisons is how often a lab was compared with the kernel.
func comparisons() uint64 {
	var m dto.Metric
	if err := convergeSeconds.(prometheus.Metric).Write(&m); err != nil {
		panic(err)
	}
	return m.GetHistogram().GetSampleCount()
}

// newTestQueue is a work queue that nobody works off.
func newTestQueue(t *testing.T) workQueue {
	t.Helper()
	q := workqueue.NewTypedRateLimitingQueue(retryLimiter())
	t.Cleanup(q.ShutDown)
	return q
}
