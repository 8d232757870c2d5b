// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// quietLabs is how many labs keep quiet together.
const quietLabs = 50

// Labs without changes cause no writes: agents and controller write nothing but the leader's Lease.
func TestAQuietClusterWritesNothing(t *testing.T) {
	s := begin(t)
	ns, quiet := tenant(t, "quiet"), eitherTime(time.Minute, 5*time.Minute)
	var labs []*v1alpha1.NetLab
	for i := range quietLabs {
		labs = append(labs, routedPair(t, ns, fmt.Sprintf("lab-%d", i)))
	}
	createReady(t, labs...)
	time.Sleep(3 * agentPause) // collected reports, Events

	before := writes(t)
	if before == 0 {
		t.Fatal("the API server has seen no write of NetLab at all: this shows nothing")
	}
	time.Sleep(quiet)
	after := writes(t)
	s.counted("%d labs on %d nodes: %d writes in addition to Leases in %s, after %d before", quietLabs, len(nodes(t)), after-before, quiet, before)
	if after != before {
		t.Errorf("%d writes in %s", after-before, quiet)
	}
	for _, lab := range labs {
		if err := says(t, lab, v1alpha1.ConditionReady, "True"); err != nil {
			t.Error(err)
		}
	}
}
