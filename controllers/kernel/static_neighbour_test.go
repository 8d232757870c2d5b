// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// staticLab is the tutorial's lab with permanent neighbour entries of both families.
func staticLab() state.State {
	s := playOn(tutorialLab(), set(ns1, "net.ipv6.conf.all.disable_ipv6", "0"), set(router, "net.ipv6.conf.all.disable_ipv6", "0"),
		addr(ns1, "l1", "fd00:1::1/64"), addr(router, "l1", "fd00:1::fe/64"), addr(ns1, "l1", "fe80::1/64"), addr(router, "l1", "fe80::2/64"))
	return playOn(s, knows(ns1, "l1", "192.0.2.254", 2), knows(router, "l1", "192.0.2.1", 1), knows(router, "l2", "198.51.100.1", 4), knows(ns2, "l2", "198.51.100.254", 3),
		knows(ns1, "l1", "fd00:1::fe", 2), knows(ns1, "l1", "fe80::2", 2), knows(router, "l1", "fd00:1::1", 1))
}

func knows(ns, link, address string, last byte) state.Op {
	return state.ReplaceNeighbour{
		NeighbourID:     state.NeighbourID{Namespace: ns, NeighbourKey: state.NeighbourKey{Link: link, Address: netip.MustParseAddr(address)}},
		StaticNeighbour: state.StaticNeighbour{MAC: mac(last), Protocol: state.RouteProtocol},
	}
}

const (
	gatewayOfNS1  = "ip -n default.routed-pair.ns1 neigh replace 192.0.2.254 lladdr 02:00:00:00:00:02 dev l1 nud permanent protocol 78"
	gatewayOfNS16 = "ip -n default.routed-pair.ns1 neigh replace fd00:1::fe lladdr 02:00:00:00:00:02 dev l1 nud permanent protocol 78"
)

// What ip can do to an entry, and what takes entries along without naming them.
var neighbourDrifts = []drift{
	{"another MAC", `ip -n $a neigh replace 192.0.2.254 lladdr 02:00:00:00:00:77 dev l1 nud permanent`, []string{gatewayOfNS1}},
	{"another MAC, IPv6", `ip -n $a neigh replace fd00:1::fe lladdr 02:00:00:00:00:77 dev l1 nud permanent`, []string{gatewayOfNS16}},
	{"deleted", `ip -n $a neigh delete 192.0.2.254 dev l1`, []string{gatewayOfNS1}},
	{"deleted, IPv6", `ip -n $a neigh delete fd00:1::fe dev l1`, []string{gatewayOfNS16}},
	{"no longer permanent", `ip -n $a neigh replace 192.0.2.254 lladdr 02:00:00:00:00:02 dev l1 nud reachable`, []string{gatewayOfNS1}},
	{"stale with another MAC", `ip -n $a neigh replace 192.0.2.254 lladdr 02:00:00:00:00:77 dev l1 nud stale`, []string{gatewayOfNS1}},
	{"noarp", `ip -n $a neigh replace 192.0.2.254 lladdr 02:00:00:00:00:02 dev l1 nud noarp`, []string{gatewayOfNS1}},
	{"another protocol", `ip -n $a neigh replace 192.0.2.254 lladdr 02:00:00:00:00:02 dev l1 nud permanent protocol 3`, []string{gatewayOfNS1}},
	{"flushed", `ip -n $r neigh flush nud permanent dev l1`, nil},
	{"link down and up", `ip -n $a link set l1 down; ip -n $a link set l1 up`, nil},
	{"MAC of the link changed and back", `ip -n $r link set l1 address 02:00:00:00:00:77; ip -n $r link set l1 address 02:00:00:00:00:02`, nil},
	{"ARP off and on", `ip -n $a link set l1 arp off; ip -n $a link set l1 arp on`, nil},
	{"ARP off", `ip -n $a link set l1 arp off`, nil},
	{"broadcast address", `ip -n $a link set l1 broadcast ff:ff:ff:ff:ff:fe`, nil},
	{"last IPv4 address", `ip -n $a address delete 192.0.2.1/24 dev l1`, nil},
	{"MTU too small for IPv6", `ip -n $a link set l1 mtu 1000`, nil},
	{"IPv6 disabled", `ip netns exec $a sysctl -qw net.ipv6.conf.all.disable_ipv6=1`, nil},
	{"veth deleted", `ip -n $r link delete l1`, nil},
}

func TestDriftOfNeighboursIsSeenAndRepaired(t *testing.T) {
	mustRepair(t, staticLab(), neighbourDrifts)
}

// A permanent entry that another program wrote is no drift, and outlives the lab's own.
func TestForeignPermanentNeighboursStay(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, staticLab())
	sh(t, `ip -n `+ns1+` neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev l1 nud permanent`)
	mustHold(t, k, staticLab())
	found, err := k.Unmanaged(t.Context(), ns1)
	if err != nil || len(found) != 1 || found[0].Neighbour.Address != netip.MustParseAddr("192.0.2.77") {
		t.Errorf("unmanaged are %+v, %v", found, err)
	}
	converge(t, k, tutorialLab())
	left := sh(t, "ip -n "+ns1+" neigh show nud permanent")
	if !strings.Contains(left, "192.0.2.77 ") || strings.Contains(left, "proto 78") {
		t.Errorf("left are\n%s", left)
	}
}

// Another Kernel finds the entries that this one wrote, whether or not they are wanted.
func TestEntriesOfAnEarlierProcessAreFound(t *testing.T) {
	converge(t, newKernel(t, Options{}), staticLab())
	later, err := New(Options{Symlinks: true})
	if err != nil {
		t.Fatal(err)
	}
	if plan := texts(state.Diff(observe(t, later, tutorialLab()).State, tutorialLab())); strings.Count(plan, "neigh delete") != 7 {
		t.Errorf("the plan is\n%s", plan)
	}
}

// Permanent entries do not count towards the limit, so they are not in use.
func TestStaticNeighboursAreNotInUse(t *testing.T) {
	k := newKernel(t, Options{})
	_, limit, err := k.NeighbourUse(4)
	if err != nil {
		t.Fatal(err)
	}
	want := staticLab()
	n := want[ns1]
	for i := range limit {
		address := netip.AddrFrom4([4]byte{192, 0, byte(3 + i/250), byte(1 + i%250)})
		n.Neighbours[state.NeighbourKey{Link: "l1", Address: address}] = state.StaticNeighbour{MAC: mac(2), Protocol: state.RouteProtocol}
	}
	converge(t, k, want)
	other, err := New(Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []*Kernel{k, other} {
		if used, _, err := asked.NeighbourUse(4); err != nil || used >= limit {
			t.Errorf("%d of %d entries are in use, %v", used, limit, err)
		}
	}
}

// An entry of ours changes with the MAC that it names, in the same operation. Others say what they said.
func TestStaticEntriesFollowAMAC(t *testing.T) {
	k := newKernel(t, Options{})
	have := staticLab()
	converge(t, k, have)
	sh(t, `ip -n `+ns1+` neigh add 192.0.2.77 lladdr 02:00:00:00:00:02 dev l1 nud permanent`)
	stale := map[int][]state.Neighbour{}
	for _, address := range []string{"192.0.2.254", "fd00:1::fe", "192.0.2.77"} {
		stale[0] = append(stale[0], state.Neighbour{LinkID: link(ns1, "l1"), Address: netip.MustParseAddr(address), MAC: mac(9), Was: mac(2)})
	}
	stale[0] = append(stale[0], state.Neighbour{LinkID: link(ns1, "l1"), Address: netip.MustParseAddr("fe80::2"), MAC: mac(9), Was: mac(7)})
	if _, err := k.Edit(t.Context(), []state.Op{state.SetMAC{LinkID: link(router, "l1"), MAC: mac(9)}}, stale); err != nil {
		t.Fatal(err)
	}
	neighbours := sh(t, "ip -n "+ns1+" neigh show nud permanent")
	for address, last := range map[string]byte{"192.0.2.254": 9, "fd00:1::fe": 9, "192.0.2.77": 2, "fe80::2": 2} {
		if !strings.Contains(neighbours, address+" dev l1 lladdr "+mac(last).String()+" ") {
			t.Errorf("%s is not at %s:\n%s", address, mac(last), neighbours)
		}
	}
	if !strings.Contains(neighbours, "192.0.2.254 dev l1 lladdr "+mac(9).String()+" PERMANENT proto 78") {
		t.Errorf("an entry of ours has lost its protocol:\n%s", neighbours)
	}
}
