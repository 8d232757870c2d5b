// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// sizes are the labs that are measured: the tutorial's, and one of 300 nodes and 500 links
// with about 10,000 routes.
var sizes = []struct{ routers, namespaces, links int }{{1, 2, 2}, {50, 250, 500}}

// benchmarkEach runs measure on the States of labs of several sizes and reports its time per node.
func benchmarkEach(b *testing.B, measure func(b *testing.B, want state.State)) {
	for _, size := range sizes {
		nodes := size.routers + size.namespaces
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			lab, err := lab.Compile(statetest.Lab, backbone(size.routers, size.namespaces, size.links), lab.Options{Symlinks: true})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			measure(b, lab.Want)
			b.ReportMetric(float64(routes(lab.Want)), "routes")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*nodes), "µs/node")
		})
	}
}

func routes(s state.State) (sum int) {
	for _, n := range s {
		sum += len(n.Routes)
	}
	return sum
}

func BenchmarkCompile(b *testing.B) {
	for _, size := range sizes {
		spec := backbone(size.routers, size.namespaces, size.links)
		b.Run(fmt.Sprintf("nodes=%d", size.routers+size.namespaces), func(b *testing.B) {
			for b.Loop() {
				if _, err := lab.Compile(statetest.Lab, spec, lab.Options{Symlinks: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDiffFromEmpty(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, want state.State) {
		for b.Loop() {
			state.Diff(state.State{}, want)
		}
	})
}

func BenchmarkDiffNothingToDo(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, want state.State) {
		have := want.Clone()
		for b.Loop() {
			state.Diff(have, want)
		}
	})
}

func BenchmarkDiffOneLinkDown(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, want state.State) {
		have := want.With(state.SetAdmin{LinkID: state.LinkID{Namespace: statetest.Lab.NetworkNamespace("n0"), Name: "l0"}})
		for b.Loop() {
			state.Diff(have, want)
		}
	})
}

func BenchmarkDiffTeardown(b *testing.B) {
	benchmarkEach(b, func(b *testing.B, want state.State) {
		for b.Loop() {
			state.Diff(want, state.State{})
		}
	})
}

// backbone is a lab of routers in a ring, every namespace at one of them, and what is left of
// the links, without IPv4, between neighbouring routers.
func backbone(routers, namespaces, links int) *v1alpha1.NetLabSpec {
	spec := &v1alpha1.NetLabSpec{}
	for i := range routers {
		router := v1alpha1.Router{Name: fmt.Sprintf("r%d", i)}
		router.Loopbacks = []string{fmt.Sprintf("10.255.0.%d/32", i)}
		spec.Routers = append(spec.Routers, router)
	}
	for i := range links {
		router := v1alpha1.Endpoint{Name: fmt.Sprintf("r%d", i%routers)}
		link := v1alpha1.Link{Name: fmt.Sprintf("l%d", i)}
		if i < namespaces {
			name := fmt.Sprintf("n%d", i)
			link.Subnet = fmt.Sprintf("s%d", i)
			link.Endpoints = []v1alpha1.Endpoint{{Name: name}, router}
			spec.Namespaces = append(spec.Namespaces, v1alpha1.Namespace{Name: name})
			spec.Subnets = append(spec.Subnets, v1alpha1.Subnet{Name: link.Subnet, CIDRs: []string{fmt.Sprintf("10.0.%d.0/24", i)}})
		} else {
			link.Endpoints = []v1alpha1.Endpoint{{Name: fmt.Sprintf("r%d", (i+1)%routers)}, router}
		}
		spec.Links = append(spec.Links, link)
	}
	return spec
}
