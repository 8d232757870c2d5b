// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/floor"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// BenchmarkBuild applies the tutorial's lab to an empty machine; BenchmarkFloor below makes the
// same writes without this package. Both leave the teardown out.
func BenchmarkBuild(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	plan := topology.Diff(topology.NewState(), want)
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		if _, err := k.Apply(b.Context(), plan); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

func tearDown(b *testing.B, k *Kernel, remove []topology.Op) {
	b.Helper()
	if _, err := k.Apply(b.Context(), remove); err != nil {
		b.Fatal(err)
	}
	if _, err := k.Reap(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkConverge is the whole path: observe, compare, apply, and observe once more.
func BenchmarkConverge(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		converge(b, k, want)
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

func BenchmarkObserve(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	converge(b, k, want)
	for b.Loop() {
		if plan := topology.Diff(observe(b, k, want).State, want); len(plan) > 0 {
			b.Fatal(texts(plan))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(want.Namespaces)), "µs/namespace")
}

func BenchmarkTearDown(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	build := topology.Diff(topology.NewState(), want)
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		b.StopTimer()
		if _, err := k.Apply(b.Context(), build); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		tearDown(b, k, remove)
	}
}

// BenchmarkFloor makes the kernel writes of the tutorial's plan with nothing but system calls.
func BenchmarkFloor(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	plan := topology.Diff(topology.NewState(), want)
	remove := topology.Diff(want, topology.NewState())
	for b.Loop() {
		if err := floor.Apply(plan, floor.Options{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}
