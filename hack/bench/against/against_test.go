// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadBenchmarks(t *testing.T) {
	got := readBenchmarks(`goos: linux
BenchmarkDiff/tutorials-2         	      20	  15213456 ns/op	  15313456 cpu-ns/op	 120 B/op
BenchmarkDiff/many       	       5	  60213456 ns/op	 61213456.5 cpu-ns/op
BenchmarkBroken/many-2   	 --- FAIL
PASS
`)
	if want := map[string]float64{"Diff/tutorials": 15313456, "Diff/many": 61213456.5}; !maps.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
}

func TestReadMemory(t *testing.T) {
	all, own, ok := readMemory("    memory_test.go:54: 1020 namespaces in 10 labs with 80 probes: 67 MiB (28 MiB its own, 39 of its program); up to 90 MiB (51 its own, 39 of its program) in the 30 s before\n")
	if ok {
		t.Errorf("read %v and %v of another format", all, own)
	}
	all, own, ok = readMemory("    memory_test.go:54: 1020 namespaces in 10 labs with 80 probes: 67 MiB (28 its own, 39 of its program); up to 90 MiB (51 its own, 39 of its program) in the 30 s before\n")
	if !ok || all != 67 || own != 28 {
		t.Errorf("read %v and %v, %v; want 67 and 28", all, own, ok)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{4}, 4},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 90}, 3.5},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v is %v, want %v", test.values, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	old := &side{revision: "a", samples: map[string][]float64{"Diff/campus": {9e6, 2e6, 4e6}, "share/many": {0.06}, "agent": {67}}}
	now := &side{revision: "b", samples: map[string][]float64{"Diff/campus": {1e6, 3e6, 1.5e6}, "share/many": {0.03}}}
	var out strings.Builder
	printTable(&out, old, now)
	want := `| | a | b | new/old | of the least | goal |
|---|---:|---:|---:|---:|---:|
| ` + "`Diff`" + ` from nothing, CPU time, the campus | 4.00 ms | 1.50 ms | 0.38 | 0.50 | 0.5 × |
| compile and plan, share of applying, 1,008 namespaces | 6.0 % | 3.0 % | 0.50 | 0.50 | 3 % |
`
	if out.String() != want {
		t.Errorf("printed\n%s, want\n%s", &out, want)
	}
}

// Changing the API of planning changes the benchmarks, too.
func TestTheBenchmarksCompile(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	s := side{root: root}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(root, s.labsDir(), "against_test.go"): filepath.Join(root, s.benchmarks()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.output(t.Context(), "go", "vet", "-overlay", file, "./"+s.labsDir()); err != nil {
		t.Error(err)
	}
}
