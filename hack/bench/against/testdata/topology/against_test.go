// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/topology"
)

func BenchmarkDiff(b *testing.B) {
	eachCase(b, func(b *testing.B, c *bench) func() {
		return func() {
			for b.Loop() {
				for _, p := range c.parts {
					topology.Diff(topology.NewState(), p.want)
				}
			}
		}
	})
}

// What is there shares no memory with what is wanted, as after an observation.
func BenchmarkDiffNoChange(b *testing.B) {
	eachCase(b, func(b *testing.B, c *bench) func() {
		have, err := newBench(c.spec, len(c.labs))
		if err != nil {
			b.Fatal(err)
		}
		return func() {
			for b.Loop() {
				for i, p := range c.parts {
					if ops := topology.Diff(have.parts[i].want, p.want); len(ops) != 0 {
						b.Fatal(ops)
					}
				}
			}
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	eachCase(b, func(b *testing.B, c *bench) func() {
		return func() {
			for b.Loop() {
				for _, lab := range c.labs {
					if _, err := topology.Compile(lab, c.spec, topology.Options{Symlinks: true}); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	})
}

// eachCase measures the loop that measure returns. Its CPU time depends less on other load than its time does.
func eachCase(b *testing.B, measure func(*testing.B, *bench) func()) {
	for _, c := range []struct {
		name         string
		labs, copies int
	}{{"tutorials", 100, 1}, {"campus", 0, 1}, {"many", 84, 4}} {
		b.Run(c.name, func(b *testing.B) {
			load := func() (*v1alpha1.NetLabSpec, error) { return tutorials(c.labs) }
			if c.labs == 0 {
				load = func() (*v1alpha1.NetLabSpec, error) { return sample(os.Getenv("NETLAB_CAMPUS")) }
			}
			spec, err := load()
			if err != nil {
				b.Fatal(err)
			}
			made, err := newBench(spec, c.copies)
			if err != nil {
				b.Fatal(err)
			}
			run := measure(b, made)
			start := usedCPU(b)
			run()
			b.ReportMetric(float64(usedCPU(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

func usedCPU(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
