// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// Uninstalling is not a trap: in whatever order it is done every command returns, and what a
// wrong order leaves on the nodes goes once an agent is there again.
func TestUninstallingInAnyOrder(t *testing.T) {
	for _, order := range []struct {
		name  string
		steps [][]string
		clean bool // nothing is left even before NetLab is installed again
	}{
		{"AsDocumented", [][]string{
			{"../../package/release/uninstall.sh", installManifest},
		}, true},
		{"KindsFirst", [][]string{
			{"kubectl", "delete", "crd", "netlabs.netlab.dev", "netlabnodestates.netlab.dev"},
			{"kubectl", "delete", "--ignore-not-found", "-f", installManifest},
		}, false},
		{"ProgramsFirst", [][]string{
			{"kubectl", "delete", "namespace", system},
			{"kubectl", "delete", "--ignore-not-found", "-f", installManifest},
		}, false},
		{"AllAtOnce", [][]string{
			{"kubectl", "delete", "-f", installManifest},
		}, false},
	} {
		t.Run(order.name, func(t *testing.T) { uninstall(t, order.steps, order.clean) })
	}
}

func uninstall(t *testing.T, steps [][]string, clean bool) {
	s := begin(t)
	ns, all := tenant(t, "uninstall"), nodes(t)
	createReady(t, routedPair(t, ns, "last"))
	t.Cleanup(func() {
		if t.Failed() {
			reinstall(t)
		}
	})

	start := time.Now()
	for _, step := range steps {
		if _, err := try(step[0], step[1:]...); err != nil { // it ends what hangs
			t.Fatal(err)
		}
	}
	s.counted("every command returned (%d), after %.0f s", len(steps), time.Since(start).Seconds())
	left := 0
	for _, node := range all {
		left += len(labNamespaces(t, node, ns, "last"))
	}
	s.counted("%d network namespaces left on %d nodes", left, len(all))
	if clean && left > 0 {
		t.Error("the documented order has left something on the nodes")
	}

	again := time.Now()
	reinstall(t)
	nothingLeft(t, "")
	s.counted("nothing left %.0f s after installing again began", time.Since(again).Seconds())
}

func reinstall(t *testing.T) {
	t.Helper()
	if err := install(); err != nil {
		t.Fatal(fmt.Errorf("install again: %w", err))
	}
}
