// SPDX-License-Identifier: Apache-2.0

package floor_test

import (
	"testing"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/kernel"
	"github.com/netlab-dev/netlab/controllers/kernel/floor"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

// TestMain runs every test of this package as root of a machine of its own.
func TestMain(m *testing.M) { sandbox.TestMain(m) }

// A floor is a measure only if it makes all the writes: what it built is what NetLab would have.
func TestTheFloorBuildsTheWholeLab(t *testing.T) {
	k, err := kernel.New(kernel.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	want := tutorial(t)
	if err := floor.Apply(state.Diff(state.State{}, want), floor.Options{}); err != nil {
		t.Fatal(err)
	}
	found, err := k.Observe(t.Context(), statetest.Lab, want)
	if err != nil {
		t.Fatal(err)
	}
	if left := state.Diff(found.State, want); len(left) > 0 {
		t.Errorf("NetLab would still have to do %v", left)
	}
	if err := floor.Apply(state.Diff(want, state.State{}), floor.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := floor.Drain(); err != nil {
		t.Fatal(err)
	}
	if found, err := k.Observe(t.Context(), statetest.Lab, want); err != nil || len(found.State) > 0 {
		t.Errorf("torn down: %v, %v", found.State, err)
	}
}

// tutorial is two hosts and the router between them.
func tutorial(t *testing.T) state.State {
	t.Helper()
	ends := func(host string) []v1alpha1.Endpoint {
		return []v1alpha1.Endpoint{{Name: host}, {Name: "router"}}
	}
	lab, err := lab.Compile(statetest.Lab, &v1alpha1.NetLabSpec{
		Namespaces: []v1alpha1.Namespace{{Name: "ns1"}, {Name: "ns2"}},
		Routers:    []v1alpha1.Router{{Name: "router"}},
		Subnets:    []v1alpha1.Subnet{{Name: "left", CIDRs: []string{"192.0.2.0/24"}}, {Name: "right", CIDRs: []string{"198.51.100.0/24"}}},
		Links:      []v1alpha1.Link{{Name: "l1", Subnet: "left", Endpoints: ends("ns1")}, {Name: "l2", Subnet: "right", Endpoints: ends("ns2")}},
	}, lab.Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return lab.Want
}
