// SPDX-License-Identifier: Apache-2.0

package summary

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/lab/labtest"
)

// Two controllers would count every lab twice.
func TestOnlyTheLeaderSpeaksOfLabs(t *testing.T) {
	scheme, err := cluster.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	lab := labtest.RoutedPair()
	lab.Namespace = "default"
	elected := make(chan struct{})
	c := &clusterCollector{
		labs:    fake.NewClientBuilder().WithScheme(scheme).WithObjects(client.Object(lab)).Build(),
		agents:  func() (reporting, silent int) { return 2, 1 },
		elected: elected,
	}
	if n := testutil.CollectAndCount(c); n != 0 {
		t.Errorf("without leading it has %d series", n)
	}
	close(elected)
	if n := testutil.CollectAndCount(c, "netlab_lab_ready", "netlab_lab_nodes", "netlab_lab_failing_probes", "netlab_nodes"); n != 8 {
		t.Errorf("%d series, want 6 of the lab and 2 of nodes", n)
	}
	if err := c.labs.(client.Client).Delete(context.Background(), lab); err != nil {
		t.Fatal(err)
	}
	if n := testutil.CollectAndCount(c); n != 2 {
		t.Errorf("%d series after the lab is gone, want 2 of nodes", n)
	}
}
