// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"net/netip"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
)

// An interface for a VLAN goes down with what it is on, and its routes go with it.
func TestRoutesOverAVLANGoDownWithItsParent(t *testing.T) {
	k := fake.New()
	const ns = "default.lab.r"
	eth0, vlan := state.LinkID{Namespace: ns, Name: "eth0"}, state.LinkID{Namespace: ns, Name: "eth0.10"}
	peer := state.LinkID{Namespace: ns, Name: "other"}
	route := state.RouteID{Namespace: ns, RouteKey: state.RouteKey{Prefix: netip.MustParsePrefix("10.9.0.0/24")}}
	onVLAN, _ := state.GroupOf(state.NextHop{Link: "eth0.10", Weight: 1})
	ops := []state.Op{
		state.CreateNamespace{Name: ns, Label: "mark"},
		state.AddLink{Ends: [2]state.LinkEnd{{LinkID: eth0, MTU: 1500}, {LinkID: peer, MTU: 1500}}},
		state.AddVLANLink{LinkEnd: state.LinkEnd{LinkID: vlan, MTU: 1500}, Parent: "eth0", VLAN: 10},
		state.SetAdmin{LinkID: eth0, Up: true}, state.SetAdmin{LinkID: vlan, Up: true},
		state.AddAddress{AddressID: state.AddressID{Namespace: ns, AddressKey: state.AddressKey{Link: "eth0.10", Prefix: netip.MustParsePrefix("10.1.0.1/24")}}},
		state.ReplaceRoute{RouteID: route, Route: state.Route{Hops: onVLAN}},
	}
	if _, err := k.Apply(t.Context(), ops); err != nil {
		t.Fatal(err)
	}
	if _, there := k.State()[ns].Routes[route.RouteKey]; !there {
		t.Fatal("there is no route to lose")
	}
	if _, err := k.Apply(t.Context(), []state.Op{state.SetAdmin{LinkID: eth0}}); err != nil {
		t.Fatal(err)
	}
	if row, there := k.State()[ns].Routes[route.RouteKey]; there {
		t.Errorf("the route stays: %+v", row)
	}
}
