// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

// Every promise can be broken: a run that could not fail would show nothing.
func TestABrokenPromiseIsNamed(t *testing.T) {
	kept := func() result {
		return result{
			options: options{nodes: 100, labs: 20, pause: 5 * time.Second},
			phases: []phase{
				{name: "each is edited", length: 10 * time.Second, reports: 7, writes: counts{done: map[request]int{
					{"netlabs", "status", "PATCH"}: 20 * (4 + 10),
				}}},
				{name: "nothing happens"},
			},
			lab: labCap - 1, state: reportCap - 1,
		}
	}
	if broken := kept().broken(); len(broken) > 0 {
		t.Fatalf("promises that are just kept: %v", broken)
	}
	for want, spoil := range map[string]func(*result){
		"3 labs are not Ready":              func(r *result) { r.phases[0].unready = 3 },
		"reported 8 times, 7 were":          func(r *result) { r.phases[0].reports++ },
		"281 writes of NetLab status":       func(r *result) { r.phases[0].writes.done[request{"netlabs", "status", "PATCH"}]++ },
		"was written in addition to Leases": func(r *result) { r.phases[1].writes.done = map[request]int{{"events", "", "POST"}: 1} },
		"a NetLab took 102400 bytes":        func(r *result) { r.lab++ },
		"a NetLabNodeState took 524288":     func(r *result) { r.state++ },
	} {
		r := kept()
		spoil(&r)
		if broken := r.broken(); len(broken) != 1 || !strings.Contains(broken[0].Error(), want) {
			t.Errorf("%q is broken: %v", want, broken)
		}
	}
}

// The API server's counters are separated by resource, subresource and outcome; reads, Leases and
// dry runs are no writes.
func TestTheMeterCountsWrites(t *testing.T) {
	const metrics = `# HELP apiserver_request_total Counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="netlab.dev",resource="netlabs",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 7
apiserver_request_total{code="201",component="apiserver",dry_run="",group="netlab.dev",resource="netlabs",scope="resource",subresource="",verb="POST",version="v1alpha1"} 3
apiserver_request_total{code="200",component="apiserver",dry_run="",group="netlab.dev",resource="netlabs",scope="resource",subresource="",verb="LIST",version="v1alpha1"} 100
apiserver_request_total{code="201",component="apiserver",dry_run="All",group="netlab.dev",resource="netlabs",scope="resource",subresource="",verb="POST",version="v1alpha1"} 100
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 100
apiserver_request_total{code="429",component="apiserver",dry_run="",group="netlab.dev",resource="netlabs",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 5
process_cpu_seconds_total 1.5
`
	c := counts{done: map[request]int{}}
	err := eachSample(strings.NewReader(metrics), func(name, labels string, value float64) {
		if name == "apiserver_request_total" {
			c.add(labels, int(value))
		}
	})
	if err != nil || c.of("netlabs", "status") != 7 || c.of("netlabs", "") != 3 || c.total() != 10 || c.refused != 5 {
		t.Errorf("counted %+v, error %v", c, err)
	}
}
