// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Senders learn of a smaller MTU by themselves; of a larger one they have to be told, wherever they are.
func TestALargerMTUConcernsEveryNamespace(t *testing.T) {
	before := twoNodes()
	mtu := before["a"].Links["l1"].MTU
	remade := func(mtu int) state.Op {
		return state.AddLink{Ends: [2]state.LinkEnd{linkEnd(end("a", "l1"), mtu), linkEnd(end("b", "l1"), mtu)}}
	}
	create, remove := state.CreateNamespace{Name: "b"}, state.DeleteNamespace{Name: "b"}
	both := []string{"a", "b"}
	for _, c := range []struct {
		name string
		ops  []state.Op
		want []string
	}{
		{"nothing", nil, nil},
		{"an address", []state.Op{state.AddAddress{AddressID: address("a", "l1", "10.9.0.1/24")}}, nil},
		{"a smaller MTU", []state.Op{state.SetMTU{LinkID: end("a", "l1"), MTU: mtu - 1}}, nil},
		{"a larger MTU", []state.Op{state.SetMTU{LinkID: end("a", "l1"), MTU: mtu + 1}}, both},
		{"a larger link in a link's place", []state.Op{state.DeleteLink{LinkID: end("a", "l1")}, remade(mtu + 1)}, both},
		{"the same link again", []state.Op{state.DeleteLink{LinkID: end("a", "l1")}, remade(mtu)}, nil},
		{"one more link", []state.Op{state.AddLink{Ends: [2]state.LinkEnd{linkEnd(end("a", "new"), 9000), linkEnd(end("b", "new"), 9000)}}}, nil},
		{"a namespace made anew", []state.Op{remove, create, remade(mtu + 1)}, []string{"a"}},
	} {
		if got := state.StaleExceptions(before, c.ops); !slices.Equal(got, c.want) {
			t.Errorf("%s concerns %v, want %v", c.name, got, c.want)
		}
	}
}

// A redirect is cached by a namespace that accepts them, and wrong when the node that it names changes.
func TestARedirectIsStaleWhenNextHopsChange(t *testing.T) {
	accepting := twoNodes().With(sysctl("a", "net.ipv4.conf.l1.accept_redirects", "1"))
	for _, c := range []struct {
		name string
		op   state.Op
		want []string
	}{
		{"an address goes", state.DeleteAddress{AddressID: address("b", "l1", "10.0.1.9/24")}, []string{"a"}},
		{"a route changes", route("b", "10.9.0.0/16", "", "l1 10.0.1.1"), []string{"a"}},
		{"a node no longer forwards", sysctl("b", "net.ipv4.ip_forward", "0"), []string{"a"}},
		{"a link goes down", state.SetAdmin{LinkID: end("b", "l1")}, []string{"a"}},
		{"a link comes up", state.SetAdmin{LinkID: end("b", "l1"), Up: true}, nil},
		{"the namespace is made by the plan", state.CreateNamespace{Name: "a"}, nil},
	} {
		if got := state.StaleExceptions(accepting, []state.Op{c.op}); !slices.Equal(got, c.want) {
			t.Errorf("%s: stale at %v, want %v", c.name, got, c.want)
		}
		if got := state.StaleExceptions(twoNodes(), []state.Op{c.op}); len(got) > 0 {
			t.Errorf("%s: stale at %v, which accept no redirects", c.name, got)
		}
	}
}
