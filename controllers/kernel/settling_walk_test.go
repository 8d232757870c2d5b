// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// A port has its carrier before its bridge knows of it, and loses what it is to forward until then: whoever
// asks whether the lab is ready is to wait. A bridge that is down holds its ports in that state.
func TestAPortThatDoesNotForwardYetIsSettling(t *testing.T) {
	k := newKernel(t, Options{})
	want := switchedLab()
	converge(t, k, want)
	sh(t, "ip -n "+sw+" link set br0 down")
	settling := observe(t, k, want).Settling
	for _, port := range []string{"p1", "p2"} {
		if !slices.Contains(settling, topology.LinkID{Namespace: sw, Name: port}) {
			t.Errorf("%s is not settling; these are: %v", port, settling)
		}
	}
	sh(t, "ip -n "+sw+" link set p1 down")
	if settling := observe(t, k, want).Settling; slices.Contains(settling, link(sw, "p1")) {
		t.Error("a port that is down is settling, and will never have")
	}
	converge(t, k, want)
	for end := time.Now().Add(10 * time.Second); len(observe(t, k, want).Settling) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the ports do not settle")
		}
	}
}
