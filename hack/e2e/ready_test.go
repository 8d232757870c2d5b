// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// What a newcomer types: kubectl apply, kubectl wait.
func TestALabIsReadyOnEveryNode(t *testing.T) {
	s := begin(t)
	ns := tenant(t, "first")
	kubectl(t, "apply", "-n", ns, "-f", "../../config/samples/routed-pair.yaml")
	kubectl(t, "wait", "-n", ns, "--for=condition=Ready", "netlab/routed-pair", "--timeout=60s")

	lab := routedPair(t, ns, "routed-pair")
	becomesReady(t, lab)
	all := len(nodes(t))
	if got := lab.Status.Nodes; int(got.Selected) != all || int(got.Realized) != all || int(got.Reachable) != all {
		t.Errorf("on %d nodes: %+v", all, got)
	}
	s.counted("Ready on %s nodes", lab.Status.Nodes.Summary)
}

// latencies is how many labs are timed; those that come one at a time cost a pause each.
const latencies = 30

// oneByOneLabs is how many of them come one at a time.
func oneByOneLabs() int {
	if long {
		return latencies
	}
	return latencies / 3
}

// agentPause is how often an agent reports in the long run; after such a pause it reports at once.
const agentPause = 5 * time.Second

// From creating the object to seeing Ready=True in a watch: for labs that come one at a time,
// and for many at once.
func TestReadyComesWithinMoments(t *testing.T) {
	s := begin(t)
	s.counted("one at a time, create to Ready=True on %d nodes: %s", len(nodes(t)), oneByOne(t, tenant(t, "one-by-one")))
	time.Sleep(agentPause)
	s.counted("%d at once: %s", latencies, allAtOnce(t, tenant(t, "at-once")))
}

func oneByOne(t *testing.T, ns string) spread {
	ready := watchReady(t, ns)
	var took spread
	for i := range oneByOneLabs() {
		lab := routedPair(t, ns, fmt.Sprintf("lab-%d", i))
		start := time.Now()
		create(t, lab)
		took = append(took, next(t, ready).at.Sub(start))
		time.Sleep(agentPause)
	}
	return took
}

func allAtOnce(t *testing.T, ns string) spread {
	ready := watchReady(t, ns)
	var labs []*v1alpha1.NetLab
	for i := range latencies {
		labs = append(labs, routedPair(t, ns, fmt.Sprintf("lab-%d", i)))
	}
	start := time.Now()
	create(t, labs...)
	var took spread
	for range labs {
		took = append(took, next(t, ready).at.Sub(start))
	}
	return took
}

func next(t *testing.T, ready <-chan sighting) sighting {
	t.Helper()
	select {
	case seen := <-ready:
		return seen
	case <-time.After(soon):
		t.Fatalf("no lab became Ready within %s", soon)
		return sighting{}
	}
}

// spread is a set of durations.
type spread []time.Duration

func (s spread) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, n %d", s.percentile(0.50), s.percentile(0.99), len(s))
}

// percentile is the smallest value that at least that share of all does not exceed.
func (s spread) percentile(share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[int(math.Ceil(share*float64(len(sorted))))-1].Round(time.Millisecond)
}
