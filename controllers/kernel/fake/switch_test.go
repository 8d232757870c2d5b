// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"net/netip"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// An interface for a VLAN goes down with what it is on, and its routes go with it.
func TestRoutesOverAVLANGoDownWithItsParent(t *testing.T) {
	k := fake.New()
	const ns = "default.lab.r"
	eth0, vlan := topology.LinkID{Namespace: ns, Name: "eth0"}, topology.LinkID{Namespace: ns, Name: "eth0.10"}
	peer := topology.LinkID{Namespace: ns, Name: "other"}
	route := topology.RouteID{Namespace: ns, Prefix: netip.MustParsePrefix("10.9.0.0/24")}
	ops := []topology.Op{
		topology.CreateNamespace{Name: ns, Mark: "mark"},
		topology.AddLink{Ends: [2]topology.LinkEnd{{LinkID: eth0, MTU: 1500}, {LinkID: peer, MTU: 1500}}},
		topology.AddVLANLink{LinkEnd: topology.LinkEnd{LinkID: vlan, MTU: 1500}, Parent: "eth0", VLAN: 10},
		topology.SetAdmin{LinkID: eth0, Up: true}, topology.SetAdmin{LinkID: vlan, Up: true},
		topology.AddAddress{AddressID: topology.AddressID{Namespace: ns, Link: "eth0.10", Prefix: netip.MustParsePrefix("10.1.0.1/24")}},
		topology.ReplaceRoute{RouteID: route, Route: topology.Route{Hops: [topology.MaxNextHops]topology.NextHop{{Link: "eth0.10", Weight: 1}}}},
	}
	if _, err := k.Apply(t.Context(), ops); err != nil {
		t.Fatal(err)
	}
	if _, there := k.State().Routes[route]; !there {
		t.Fatal("there is no route to lose")
	}
	if _, err := k.Apply(t.Context(), []topology.Op{topology.SetAdmin{LinkID: eth0}}); err != nil {
		t.Fatal(err)
	}
	if row, there := k.State().Routes[route]; there {
		t.Errorf("the route stays: %+v", row)
	}
}
