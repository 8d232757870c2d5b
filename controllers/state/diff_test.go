// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netlab-dev/netlab/controllers/state"
)

// What happens to a lab of twoNodes, and the whole plan that puts it right.
func TestPlanIsAsSmallAsWhatHappened(t *testing.T) {
	for _, c := range []struct {
		name string
		hand func(state.State)
		plan string
	}{
		{"nothing", func(state.State) {}, ``},
		{"an address is deleted", func(s state.State) { delete(s["a"].Addresses, address("a", "l1", "fd00:1::1/64").AddressKey) }, `
ip -n a address replace fd00:1::1/64 dev l1 nodad`},
		{"an address is added", func(s state.State) {
			s["a"].Addresses[address("a", "l2", "10.0.8.1/24").AddressKey] = state.Address{Order: 1}
		}, `
ip -n a address delete 10.0.8.1/24 dev l2`},
		{"two addresses have changed places", func(s state.State) {
			s["a"].Addresses[address("a", "l1", "10.0.1.1/24").AddressKey] = state.Address{Order: 2}
			s["a"].Addresses[address("a", "l1", "10.0.1.2/24").AddressKey] = state.Address{Order: 0}
		}, `
ip -n a address delete 10.0.7.1/24 dev l1
ip -n a address delete 10.0.1.2/24 dev l1
ip -n a address replace 10.0.7.1/24 dev l1
ip -n a address replace 10.0.1.2/24 dev l1`},
		{"a route is deleted", func(s state.State) { delete(s["a"].Routes, route("a", "0.0.0.0/0", "").RouteKey) }, `
ip -n a route replace default via 10.0.1.9 dev l1 proto 78`},
		{"a route is somebody else's", func(s state.State) {
			key := route("a", "::/0", "").RouteKey
			r := s["a"].Routes[key]
			r.Protocol = 4
			s["a"].Routes[key] = r
		}, `
ip -n a route replace ::/0 via fd00:1::9 dev l1 proto 78`},
		{"a longer route keeps the kernel from taking a gateway", func(s state.State) {
			key := route("a", "::/0", "").RouteKey
			r := s["a"].Routes[key]
			hop := r.NextHops()[0]
			hop.OnLink = true
			r.Hops, _ = state.GroupOf(hop)
			s["a"].Routes[key] = r
			longer := route("a", "fd00:1::8/126", "", "l1 fd00:1::9")
			s["a"].Routes[longer.RouteKey] = longer.Route
		}, `
ip -n a route delete fd00:1::8/126 proto 78 metric 1024
ip -n a route replace ::/0 via fd00:1::9 dev l1 proto 78`},
		{"forwarding is on", func(s state.State) {
			maps.Copy(s, s.With(sysctl("a", "net.ipv4.ip_forward", "1")))
		}, `
ip netns exec a sysctl -qw net.ipv4.ip_forward=0
ip netns exec a sysctl -qw net.ipv4.conf.all.accept_redirects=0`},
		{"forwarding is on for one link", func(s state.State) {
			maps.Copy(s, s.With(sysctl("a", "net.ipv4.conf.l1.forwarding", "1")))
		}, `
ip netns exec a sysctl -qw net.ipv4.conf.l1.forwarding=0`},
		{"a link has changed in every way", func(s state.State) {
			link := s["b"].Links["l2"]
			link.MAC, link.MTU, link.Group, link.Master, link.Up = state.MAC{}, 1400, 0, "br0", true
			s["b"].Links["l2"] = link
		}, `
ip -n b link set l2 nomaster
ip -n b link set l2 group 20044
ip -n b link set l2 address 02:00:00:00:02:02
ip -n b link set l2 mtu 1500
ip -n b link set l2 down`},
		{"the symlink is gone", func(s state.State) { setSymlink(s, "a", false) }, `
ln -s /run/netlab/netns/a /run/netns/a`},
		{"a symlink that nobody asked for", func(s state.State) { setSymlink(s, "b", true) }, `
rm /run/netns/b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			have := twoNodes()
			c.hand(have)
			if diff := cmp.Diff(strings.TrimSpace(c.plan), text(state.Diff(have, twoNodes()))); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func setSymlink(s state.State, namespace string, there bool) {
	n := s[namespace]
	n.Symlink = there
	s[namespace] = n
}

// A pair that is not plugged in as wanted is made anew at both ends, and so is what was on it.
func TestPairsThatAreNotPluggedInAsWantedAreMadeAnew(t *testing.T) {
	const anew = `
ip -n a link delete l2
ip -n a link add name l2 address 02:00:00:00:02:01 mtu 1500 group 20044 type veth peer name l2 address 02:00:00:00:02:02 mtu 1500 group 20044 netns b
ip -n a link set l2 up
ip netns exec a sysctl -qw net.ipv6.conf.l2.hop_limit=9
ip -n a address replace 10.0.2.1/24 dev l2
ip -n a address replace fd00:2::1/64 dev l2 nodad
ip -n a route replace 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1
ip -n a route replace 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1
ip -n a route replace fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1
ip -n a route replace fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::1`
	want := twoNodes().With(sysctl("a", "net.ipv6.conf.l2.hop_limit", "9"))
	for name, hand := range map[string]func(state.State){
		"the peer is out of sight": func(s state.State) {
			delete(s["b"].Links, "l2")
			replug(s, end("a", "l2"), state.LinkID{})
		},
		"the peer is there and knows another":  func(s state.State) { replug(s, end("b", "l2"), end("b", "x")) },
		"the peer is missing, its name is not": func(s state.State) { delete(s["b"].Links, "l2") },
	} {
		t.Run(name, func(t *testing.T) {
			have := want.Clone()
			hand(have)
			got := text(state.Diff(have, want))
			got = strings.Replace(got, "ip -n b link delete l2\n", "", 1) // where the ends are two links by now
			if diff := cmp.Diff(strings.TrimSpace(anew), got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func replug(s state.State, id, peer state.LinkID) {
	link := s[id.Namespace].Links[id.Name]
	link.Peer = peer
	s[id.Namespace].Links[id.Name] = link
}

// One more namespace: the plan names it and the other end of its link, and no other link.
func TestOneMoreNamespaceTouchesNothingElse(t *testing.T) {
	have := twoNodes()
	want := have
	for _, op := range []state.Op{
		state.CreateNamespace{Name: "c", Label: "mark-c"}, pair(end("c", "l3"), end("b", "l3"), 3),
		state.AddAddress{AddressID: address("c", "l3", "10.0.3.1/24")},
	} {
		want = want.With(op)
	}
	there, back := state.Diff(have, want), state.Diff(want, have)
	for _, op := range slices.Concat(there, back) {
		if names := op.Namespaces(); slices.Contains(names, "a") || strings.Contains(op.String(), "l1") || strings.Contains(op.String(), "l2") {
			t.Errorf("%s has nothing to do with c", op)
		}
	}
	if got, want := text(back), "ip -n b link delete l3\nip netns delete c"; got != want {
		t.Errorf("removing c again takes\n%s\nwant\n%s", got, want)
	}
}

// A namespace's settings are written before its links are made, which take them over.
func TestNewLinksTakeTheirNamespacesSettings(t *testing.T) {
	want := state.State{}
	for _, op := range []state.Op{
		state.CreateNamespace{Name: "a", Label: "mark-a"}, sysctl("a", "net.ipv4.ip_forward", "1"),
		sysctl("a", "net.ipv4.conf.default.rp_filter", "2"), pair(end("a", "l1"), end("a", "l2"), 1),
	} {
		want = want.With(op)
	}
	const plan = `
ip netns add a
ip netns exec a sysctl -qw net.ipv4.ip_forward=1
ip netns exec a sysctl -qw net.ipv4.conf.default.rp_filter=2
ip -n a link add name l1 address 02:00:00:00:01:01 mtu 1500 group 20044 type veth peer name l2 address 02:00:00:00:01:02 mtu 1500 group 20044 netns a`
	if diff := cmp.Diff(strings.TrimSpace(plan), text(state.Diff(state.State{}, want))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// What carries packets is made before anything is taken away. What goes, goes before anything can take it along:
// what a kernel keeps where another takes it along must not be something that is not wanted.
func TestOrderOfAPlan(t *testing.T) {
	have, want := twoNodes(), state.State{}
	for _, op := range []state.Op{
		state.CreateNamespace{Name: "a", Label: "mark-a"}, state.CreateNamespace{Name: "c", Label: "mark-c"},
		sysctl("a", "net.ipv4.ip_forward", "1"), pair(end("a", "l1"), end("c", "l1"), 1),
		state.SetAdmin{LinkID: end("a", "l1"), Up: true}, state.AddAddress{AddressID: address("a", "l1", "10.0.1.1/24")},
		route("a", "0.0.0.0/0", "", "l1 10.0.1.9"),
	} {
		want = want.With(op)
	}
	var kinds []string
	for _, op := range state.Diff(have, want) {
		kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", op), "state."))
	}
	order := []string{
		"DeleteSymlink", "CreateNamespace", "SetSysctl",
		"DeleteRoute", "DeleteLink", // the default is there; l1 leads elsewhere
		"AddLink", "SetAdmin", "AddAddress", "ReplaceRoute",
		"DeleteAddress", "DeleteRoute", "DeleteAddress", "DeleteRoute", // those that have an address as source go before it
		"DeleteLink", "DeleteNamespace",
		"SetSysctl", "SetAdmin", // IPv6 and lo
	}
	if diff := cmp.Diff(order, slices.Compact(kinds)); diff != "" {
		t.Errorf("kinds of operations (-want +got):\n%s", diff)
	}
}

// Everything in a namespace goes with it: no plan takes it apart first.
func TestTeardownIsOneOperationPerLinkAndNamespace(t *testing.T) {
	const plan = `
ip -n a link delete l1
ip -n a link delete l2
rm /run/netns/a
ip netns delete a
ip netns delete b`
	if diff := cmp.Diff(strings.TrimSpace(plan), text(state.Diff(twoNodes(), state.State{}))); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}
