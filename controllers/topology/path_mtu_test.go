// SPDX-License-Identifier: Apache-2.0

package topology_test

import (
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// Senders learn of a smaller MTU by themselves; of a larger one they have to be told, wherever they are.
func TestALargerMTUConcernsWhoeverWasThere(t *testing.T) {
	before := twoNodes()
	mtu := before.Links[end("a", "l1")].MTU
	remade := func(mtu int) topology.Op {
		return topology.AddLink{Ends: [2]topology.LinkEnd{linkEnd(end("a", "l1"), mtu), linkEnd(end("b", "l1"), mtu)}}
	}
	create, remove := topology.CreateNamespace{Name: "b"}, topology.DeleteNamespace{Name: "b"}
	both := []string{"a", "b"}
	for _, c := range []struct {
		name string
		ops  []topology.Op
		want []string
	}{
		{"nothing", nil, nil},
		{"an address", []topology.Op{topology.AddAddress{AddressID: address("a", "l1", "10.9.0.1/24")}}, nil},
		{"a smaller MTU", []topology.Op{topology.SetMTU{LinkID: end("a", "l1"), MTU: mtu - 1}}, nil},
		{"a larger MTU", []topology.Op{topology.SetMTU{LinkID: end("a", "l1"), MTU: mtu + 1}}, both},
		{"a larger link in a link's place", []topology.Op{topology.DeleteLink{LinkID: end("a", "l1")}, remade(mtu + 1)}, both},
		{"the same link again", []topology.Op{topology.DeleteLink{LinkID: end("a", "l1")}, remade(mtu)}, nil},
		{"one more link", []topology.Op{topology.AddLink{Ends: [2]topology.LinkEnd{linkEnd(end("a", "new"), 9000), linkEnd(end("b", "new"), 9000)}}}, nil},
		{"a namespace made anew", []topology.Op{remove, create, remade(mtu + 1)}, []string{"a"}},
	} {
		if got := topology.Widened(before, c.ops); !slices.Equal(got, c.want) {
			t.Errorf("%s concerns %v, want %v", c.name, got, c.want)
		}
	}
}
