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
	s := beginBeside(t)
	ns := tenant(t, "first")
	kubectl(t, "apply", "-n", ns, "-f", "../../../config/samples/routed-pair.yaml")
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
	ns, other := tenant(t, "one-by-one"), tenant(t, "at-once")
	time.Sleep(agentPause)
	one := oneByOne(t, ns)
	s.counted("one at a time, create to Ready=True on %d nodes: %s; on the way: %s", len(nodes(t)), one.took(ready), one)
	before := effortNow()
	all := allAtOnce(t, other)
	s.counted("%d at once: %s; on the way: %s; %s", latencies, all.took(ready), all, effortNow().since(before))
}

func oneByOne(t *testing.T, ns string) *journeys {
	j := watchJourneys(t, ns)
	for i := range oneByOneLabs() {
		j.start(t, routedPair(t, ns, fmt.Sprintf("lab-%d", i)), time.Now())
		j.arrive(t)
		time.Sleep(agentPause)
	}
	j.seeKernels(t)
	return j
}

func allAtOnce(t *testing.T, ns string) *journeys {
	j := watchJourneys(t, ns)
	var labs []*v1alpha1.NetLab
	for i := range latencies {
		labs = append(labs, routedPair(t, ns, fmt.Sprintf("lab-%d", i)))
	}
	start := time.Now()
	for _, lab := range labs {
		j.start(t, lab, start)
	}
	for range labs {
		j.arrive(t)
	}
	j.seeKernels(t)
	return j
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
