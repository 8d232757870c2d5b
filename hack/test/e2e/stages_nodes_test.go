// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fileTimes prints when each file of a tenant's labs was written: records, and symbolic links to
// network namespaces, which an agent makes right after the namespace.
const fileTimes = `find /run/netlab/labs /run/netns -name "$0.*" -printf '%T@ %f\n'`

// seeKernels notes when each node has begun with each lab, and when it was done.
func (j *journeys) seeKernels(t *testing.T) {
	t.Helper()
	for _, node := range nodes(t) {
		for line := range strings.Lines(on(t, node, "sh", "-c", fileTimes, j.namespace)) {
			seconds, file, _ := strings.Cut(strings.TrimSpace(line), " ")
			at, name := parseSeconds(t, seconds), strings.Split(file, ".") // NAMESPACE.LAB.NODE or NAMESPACE.LAB.json
			passed := begun
			if name[2] == "json" {
				passed = built
			}
			j.pass(passage{name[1], passed, node}, at)
		}
	}
}

func parseSeconds(t *testing.T, text string) time.Time {
	t.Helper()
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second)))
}
