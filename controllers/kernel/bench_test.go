// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/kernel/floor"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// BenchmarkBuild applies the tutorial's lab to an empty machine; BenchmarkFloor below makes the
// same writes without this package. Both leave the teardown out.
func BenchmarkBuild(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	plan := state.Diff(state.State{}, want)
	remove := state.Diff(want, state.State{})
	for b.Loop() {
		if _, err := k.Apply(b.Context(), plan); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

func tearDown(b *testing.B, k *Kernel, remove []state.Op) {
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
	remove := state.Diff(want, state.State{})
	for b.Loop() {
		converge(b, k, want)
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}

// BenchmarkObserve is the no-op compare, of a machine with so many namespaces.
func BenchmarkObserve(b *testing.B) {
	for _, labs := range []int{1, 100, 336} {
		b.Run(fmt.Sprintf("namespaces=%d", 3*labs), func(b *testing.B) {
			k := newKernel(b, Options{})
			wants := map[state.Identity]state.State{}
			for i := range labs {
				id, want := copyOfTutorial(b, i)
				wants[id] = want
				if _, err := k.Apply(b.Context(), state.Diff(state.State{}, want)); err != nil {
					b.Fatal(err)
				}
			}
			time.Sleep(settled) // the directories of names are listed each time until then
			cpu := usedCPU(b)
			for b.Loop() {
				for id, want := range wants {
					found, err := k.Observe(b.Context(), id, want)
					if err != nil {
						b.Fatal(err)
					}
					if plan := state.Diff(found.State, want); len(plan) > 0 {
						b.Fatal(texts(plan))
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*3*labs), "µs/namespace")
			b.ReportMetric(float64((usedCPU(b)-cpu).Microseconds())/float64(b.N*3*labs), "cpu-µs/namespace")
			for _, want := range wants {
				tearDown(b, k, state.Diff(want, state.State{}))
			}
		})
	}
}

// usedCPU is this process' CPU time, which a busy machine changes less than the clock's.
func usedCPU(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// copyOfTutorial is the tutorial's lab under another name.
func copyOfTutorial(b *testing.B, i int) (state.Identity, state.State) {
	b.Helper()
	name := fmt.Sprintf("copy-%d", i)
	id := state.Identity{Namespace: "default", Name: name, Owner: state.LocalOwner("default", name)}
	lab, err := lab.Compile(id, &v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "ns1"}, {Name: "ns2"}},
		Routers:    []v1alpha1.Router{{Name: "router"}},
		Subnets:    []v1alpha1.Subnet{{Name: "left", CIDRs: []string{"192.0.2.0/24"}}, {Name: "right", CIDRs: []string{"198.51.100.0/24"}}},
		Links: []v1alpha1.Link{
			{Name: "l1", Subnet: "left", Endpoints: []v1alpha1.Endpoint{{Name: "ns1"}, {Name: "router"}}},
			{Name: "l2", Subnet: "right", Endpoints: []v1alpha1.Endpoint{{Name: "router"}, {Name: "ns2"}}},
		},
	}, lab.Options{Symlinks: true})
	if err != nil {
		b.Fatal(err)
	}
	return id, lab.Want
}

func BenchmarkTearDown(b *testing.B) {
	k := newKernel(b, Options{})
	want := tutorialLab()
	build := state.Diff(state.State{}, want)
	remove := state.Diff(want, state.State{})
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
	plan := state.Diff(state.State{}, want)
	remove := state.Diff(want, state.State{})
	for b.Loop() {
		if err := floor.Apply(plan, floor.Options{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		tearDown(b, k, remove)
		b.StartTimer()
	}
}
