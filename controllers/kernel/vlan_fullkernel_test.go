// SPDX-License-Identifier: Apache-2.0

//go:build fullkernel

package kernel

import (
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// The tests with this build tag need a kernel with VLANs and netem: `make test-vm` boots one.

// vlanLab is ns1 in VLAN 10 and ns2 in VLAN 20 of a switch, and a router with an interface for
// each on its cable, which has a third VLAN for untagged frames. The switch itself is in VLAN 10.
//
//	ns1 ─ 10 ┐                        ┌ l1.10
//	          p1 ─ sw ─ p3 ═ l1 router ┤ l1.20
//	ns2 ─ 20 ┘      └ br0.10          └ l1 (untagged: 99)
func vlanLab() state.State {
	s := play(
		create(sw), symlink(sw), create(ns1), symlink(ns1), create(ns2), symlink(ns2), create(router), symlink(router),
		loUp(sw), loUp(ns1), loUp(ns2), loUp(router), set(router, "net.ipv4.ip_forward", "1"),
		state.AddBridge{LinkEnd: end(sw, "br0", 1), Bridge: state.Bridge{ForwardDelay: lab.STPForwardDelay, MaxAge: lab.STPMaxAge, VLANFiltering: true}},
		pair(end(sw, "p1", 2), end(ns1, "eth0", 3)), pair(end(sw, "p2", 4), end(ns2, "eth0", 5)), pair(end(sw, "p3", 6), end(router, "l1", 7)),
		vlanLink(end(router, "l1.10", 8), "l1", 10), vlanLink(end(router, "l1.20", 9), "l1", 20), vlanLink(end(sw, "br0.10", 10), "br0", 10),
		enslave("p1"), enslave("p2"), enslave("p3"),
		access("p1", 10), access("p2", 20), access("p3", 99), tagged("p3", 10), tagged("p3", 20), swVLAN("br0", 10, state.PortVLAN{}),
		up(sw, "br0"), up(sw, "br0.10"), up(sw, "p1"), up(sw, "p2"), up(sw, "p3"),
		up(ns1, "eth0"), up(ns2, "eth0"), up(router, "l1"), up(router, "l1.10"), up(router, "l1.20"),
		addr(sw, "br0.10", "10.10.0.253/24"), addr(router, "l1", "192.0.2.254/24"),
		addr(router, "l1.10", "10.10.0.254/24"), addr(router, "l1.20", "10.20.0.254/24"),
		addr(ns1, "eth0", "10.10.0.1/24"), addr(ns2, "eth0", "10.20.0.1/24"),
		route(ns1, "0.0.0.0/0", 0, hop("eth0", "10.10.0.254")), route(ns2, "0.0.0.0/0", 0, hop("eth0", "10.20.0.254")),
	)
	for _, setting := range state.BridgeSettings {
		s = s.With(set(sw, state.SettingKey{Setting: setting}.String(), "0"))
	}
	return s
}

func enslave(port string) state.Op {
	return state.SetMaster{LinkID: link(sw, port), Master: "br0"}
}

func vlanLink(e state.LinkEnd, parent string, vlan uint16) state.Op {
	return state.AddVLANLink{LinkEnd: e, Parent: parent, VLAN: vlan}
}

func swVLAN(port string, vlan uint16, how state.PortVLAN) state.Op {
	id := state.PortVLANID{Namespace: sw, PortVLANKey: state.PortVLANKey{Link: port, VLAN: vlan}}
	return state.SetPortVLAN{PortVLANID: id, PortVLAN: how, Self: port == "br0"}
}

func access(port string, vlan uint16) state.Op {
	return swVLAN(port, vlan, state.PortVLAN{PVID: true, Untagged: true})
}

func tagged(port string, vlan uint16) state.Op { return swVLAN(port, vlan, state.PortVLAN{}) }

func TestALabWithVLANsIsBuiltAndRemoved(t *testing.T) {
	k := newKernel(t, Options{})
	want := vlanLab()
	converge(t, k, want)
	if again := converge(t, k, want); len(again) > 0 {
		t.Errorf("the second plan is not empty:\n%s", texts(again))
	}
	sh(t, shorthand+`
		for to in 10.10.0.253 10.10.0.254 10.20.0.1; do ip netns exec $a ping -c1 -W5 $to; done
		ip -n $a addr add 10.20.0.9/24 dev eth0
		! ip netns exec $a ping -c1 -W1 -I 10.20.0.9 10.20.0.1 # not in the same VLAN`)
	converge(t, k, want)
	converge(t, k, state.State{})
}

const filtering = "ip -n default.routed-pair.sw link set br0 type bridge stp_state 0 ageing_time 30000 forward_delay 200 max_age 600 vlan_filtering 1 vlan_default_pvid 0"

// A default VLAN becomes that of every port's untagged frames.
var filteringAndPVIDs = []string{
	filtering,
	"bridge -n default.routed-pair.sw vlan add dev p1 vid 10 pvid untagged",
	"bridge -n default.routed-pair.sw vlan add dev p2 vid 20 pvid untagged",
	"bridge -n default.routed-pair.sw vlan add dev p3 vid 99 pvid untagged",
}

// filteringLast turns filtering on only when the ports are in their VLANs: until then it would drop everything.
func filteringLast() []string {
	off := strings.Replace(filtering, "vlan_filtering 1", "vlan_filtering 0", 1)
	return append(append([]string{off}, filteringAndPVIDs[1:]...), filtering)
}

var vlanDrifts = []drift{
	{"filtering off", `ip -n $s link set br0 type bridge vlan_filtering 0`, []string{filtering}},
	{"default VLAN", `ip -n $s link set br0 type bridge vlan_default_pvid 1`, filteringAndPVIDs},
	{"filtering off and another default VLAN", `ip -n $s link set br0 type bridge vlan_filtering 0 vlan_default_pvid 5`, filteringLast()},
	{"a port in another VLAN", `bridge -n $s vlan add dev p1 vid 30 pvid untagged && bridge -n $s vlan del dev p1 vid 10`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p1 vid 10 pvid untagged",
		"bridge -n default.routed-pair.sw vlan delete dev p1 vid 30",
	}},
	{"a port in one more VLAN", `bridge -n $s vlan add dev p1 vid 30`, []string{
		"bridge -n default.routed-pair.sw vlan delete dev p1 vid 30",
	}},
	{"a port in a VLAN less", `bridge -n $s vlan del dev p3 vid 20`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 20",
	}},
	{"a port in no VLAN", `bridge -n $s vlan del dev p2 vid 20`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p2 vid 20 pvid untagged",
	}},
	{"a range of VLANs", `bridge -n $s vlan add dev p3 vid 30-32`, []string{
		"bridge -n default.routed-pair.sw vlan delete dev p3 vid 30",
		"bridge -n default.routed-pair.sw vlan delete dev p3 vid 31",
		"bridge -n default.routed-pair.sw vlan delete dev p3 vid 32",
	}},
	{"another VLAN for untagged frames", `bridge -n $s vlan add dev p3 vid 10 pvid untagged`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 10",
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 99 pvid untagged",
	}},
	{"no VLAN for untagged frames", `bridge -n $s vlan add dev p3 vid 99 untagged`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 99 pvid untagged",
	}},
	{"a tag where there was none", `bridge -n $s vlan add dev p1 vid 10 pvid`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p1 vid 10 pvid untagged",
	}},
	{"no tag where there was one", `bridge -n $s vlan add dev p3 vid 20 untagged`, []string{
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 20",
	}},
	{"the switch in a VLAN less", `bridge -n $s vlan del dev br0 vid 10 self`, []string{
		"bridge -n default.routed-pair.sw vlan add dev br0 vid 10 self",
	}},
	{"the switch in one more VLAN", `bridge -n $s vlan add dev br0 vid 20 self`, []string{
		"bridge -n default.routed-pair.sw vlan delete dev br0 vid 20 self",
	}},
	{"a port released, and its VLANs with it", `ip -n $s link set p3 nomaster`, []string{
		"ip -n default.routed-pair.sw link set p3 master br0",
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 10",
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 20",
		"bridge -n default.routed-pair.sw vlan add dev p3 vid 99 pvid untagged",
	}},
	{"the bridge deleted", `ip -n $s link delete br0`, nil},
	{"VLAN interface down", `ip -n $r link set l1.10 down`, []string{
		"ip -n default.routed-pair.router link set l1.10 up",
	}},
	{"VLAN interface's MAC", `ip -n $r link set l1.10 address 02:00:00:00:00:77`, []string{
		"ip -n default.routed-pair.router link set l1.10 address 02:00:00:00:00:08",
	}},
	{"VLAN interface's MTU", `ip -n $r link set l1.10 mtu 1400`, []string{
		"ip -n default.routed-pair.router link set l1.10 mtu 1500",
	}},
	{"VLAN interface's address", `ip -n $r address delete 10.10.0.254/24 dev l1.10`, []string{
		"ip -n default.routed-pair.router address replace 10.10.0.254/24 dev l1.10",
	}},
	{"VLAN interface's headers", `ip -n $r link set l1.10 type vlan reorder_hdr off`, []string{
		"ip -n default.routed-pair.router link set l1.10 type vlan reorder_hdr on",
	}},
	{"VLAN interface that does not follow its parent", `ip -n $r link set l1.10 type vlan loose_binding on`, []string{
		"ip -n default.routed-pair.router link set l1.10 type vlan loose_binding off",
	}},
	{"VLAN interface that announces itself by GVRP", `ip -n $r link set l1.10 type vlan gvrp on`, []string{
		"ip -n default.routed-pair.router link set l1.10 type vlan gvrp off",
	}},
	{"VLAN interface that announces itself by MVRP", `ip -n $r link set l1.10 type vlan mvrp on`, []string{
		"ip -n default.routed-pair.router link set l1.10 type vlan mvrp off",
	}},
	{"VLAN interface that follows its bridge's ports", `ip -n $s link set br0.10 type vlan bridge_binding on`, []string{
		"ip -n default.routed-pair.sw link set br0.10 type vlan bridge_binding off",
	}},
	{"bridge for providers' tags", `ip -n $s link set br0 type bridge vlan_protocol 802.1ad`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge group_address 01:80:c2:00:00:00", // it changes with the tags
		"ip -n default.routed-pair.sw link set br0 type bridge vlan_protocol 802.1Q",
	}},
	{"multicast snooping per VLAN", `ip -n $s link set br0 type bridge mcast_vlan_snooping 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge mcast_vlan_snooping 0",
	}},
	{"isolated port of a VLAN", `bridge -n $s link set dev p1 isolated on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave isolated off",
	}},
	{"VLAN interface deleted", `ip -n $r link delete l1.20`, []string{
		"ip -n default.routed-pair.router link add link l1 name l1.20 address 02:00:00:00:00:09 mtu 1500 group 20044 type vlan id 20",
		"ip -n default.routed-pair.router link set l1.20 up",
		"ip -n default.routed-pair.router address replace 10.20.0.254/24 dev l1.20",
	}},
	{"VLAN interface renamed", `ip -n $r link set l1.10 down && ip -n $r link set l1.10 name other`, nil},
	{"VLAN interface of another VLAN", `ip -n $r link delete l1.10 && ip -n $r link add link l1 name l1.10 group 20044 type vlan id 11`, nil},
	{"VLAN interface of another protocol", `ip -n $r link delete l1.10 && ip -n $r link add link l1 name l1.10 address 02:00:00:00:00:08 group 20044 up type vlan protocol 802.1ad id 10 && ip -n $r address add 10.10.0.254/24 dev l1.10`, nil},
	{"VLAN interface on another link", `ip -n $r link delete l1.10 && ip -n $r link add dangle type veth && ip -n $r link add link dangle name l1.10 group 20044 type vlan id 10`, nil},
	{"VLAN interface for another kind", `ip -n $r link delete l1.10 && ip -n $r link add name l1.10 group 20044 type dummy`, nil},
	{"VLAN interface added and marked as ours", `ip -n $r link add link l1 name l1.30 group 20044 type vlan id 30`, []string{
		"ip -n default.routed-pair.router link delete l1.30",
	}},
	{"parent down", `ip -n $r link set l1 down`, nil},
	{"parent's MTU", `ip -n $r link set l1 mtu 1400`, nil},
	{"parent deleted", `ip -n $r link delete l1`, nil},
	{"parent renamed", `ip -n $r link set l1 down && ip -n $r link set l1 name l9`, nil},
	{"bridge with an interface down", `ip -n $s link set br0 down`, nil},
	{"switch's VLAN interface deleted", `ip -n $s link delete br0.10`, []string{
		"ip -n default.routed-pair.sw link add link br0 name br0.10 address 02:00:00:00:00:0a mtu 1500 group 20044 type vlan id 10",
		"ip -n default.routed-pair.sw link set br0.10 up",
		"ip -n default.routed-pair.sw address replace 10.10.0.253/24 dev br0.10",
	}},
}

func TestDriftOfVLANsIsSeenAndRepaired(t *testing.T) { mustRepair(t, vlanLab(), vlanDrifts) }

// The plan for the edit names only what is edited, and applied once it leads there.
func TestAnEditOfVLANsIsMadeInPlace(t *testing.T) {
	for _, edit := range []struct {
		name         string
		before, then []state.Op
		plan         []string
	}{
		{"a port changes its VLAN", nil, []state.Op{drop("p1", 10), access("p1", 20)}, []string{
			"bridge -n default.routed-pair.sw vlan add dev p1 vid 20 pvid untagged",
			"bridge -n default.routed-pair.sw vlan delete dev p1 vid 10",
		}},
		{"a trunk gets a VLAN", nil, []state.Op{tagged("p3", 30)}, []string{
			"bridge -n default.routed-pair.sw vlan add dev p3 vid 30",
		}},
		{"a trunk loses a VLAN", nil, []state.Op{drop("p3", 20)}, []string{
			"bridge -n default.routed-pair.sw vlan delete dev p3 vid 20",
		}},
		{"a trunk changes its native VLAN", nil, []state.Op{drop("p3", 99), access("p3", 98)}, []string{
			"bridge -n default.routed-pair.sw vlan add dev p3 vid 98 pvid untagged",
			"bridge -n default.routed-pair.sw vlan delete dev p3 vid 99",
		}},
		{"the native VLAN becomes one of the tagged", nil, []state.Op{access("p3", 10), tagged("p3", 99)}, []string{
			"bridge -n default.routed-pair.sw vlan add dev p3 vid 10 pvid untagged",
			"bridge -n default.routed-pair.sw vlan add dev p3 vid 99",
		}},
		{"a trunk gets a native VLAN", []state.Op{drop("p3", 99)}, []state.Op{access("p3", 99)}, []string{
			"bridge -n default.routed-pair.sw vlan add dev p3 vid 99 pvid untagged",
		}},
		{"a trunk loses its native VLAN", nil, []state.Op{drop("p3", 99)}, []string{
			"bridge -n default.routed-pair.sw vlan delete dev p3 vid 99",
		}},
		{"an interface for one more VLAN", nil, []state.Op{vlanLink(end(router, "l1.30", 30), "l1", 30), up(router, "l1.30")}, []string{
			"ip -n default.routed-pair.router link add link l1 name l1.30 address 02:00:00:00:00:1e mtu 1500 group 20044 type vlan id 30",
			"ip -n default.routed-pair.router link set l1.30 up",
		}},
		{"an interface less", nil, []state.Op{state.DeleteLink{LinkID: link(router, "l1.20")}}, []string{
			"ip -n default.routed-pair.router link delete l1.20",
		}},
		{"spanning tree on", nil, []state.Op{spanningTree(true)}, []string{
			"ip -n default.routed-pair.sw link set br0 type bridge stp_state 1 forward_delay 200 max_age 600 vlan_filtering 1 vlan_default_pvid 0",
		}},
		{"spanning tree off", []state.Op{spanningTree(true)}, []state.Op{spanningTree(false)}, []string{filtering}},
	} {
		t.Run(edit.name, func(t *testing.T) {
			k := newKernel(t, Options{})
			before := playOn(vlanLab(), edit.before...)
			converge(t, k, before)
			index := observe(t, k, before).Index
			after := playOn(before, edit.then...)
			if plan := converge(t, k, after); texts(plan) != lines(edit.plan) {
				t.Errorf("the plan is\n%swant\n%s", texts(plan), lines(edit.plan))
			}
			for id, is := range observe(t, k, after).Index {
				if was, there := index[id]; there && is != was {
					t.Errorf("%v is another interface now", id)
				}
			}
		})
	}
}

func drop(port string, vlan uint16) state.Op {
	return state.DeletePortVLAN{PortVLANID: state.PortVLANID{Namespace: sw, PortVLANKey: state.PortVLANKey{Link: port, VLAN: vlan}}, Self: port == "br0"}
}

func spanningTree(on bool) state.Op {
	return state.SetBridge{LinkID: link(sw, "br0"), Bridge: state.Bridge{STP: on, ForwardDelay: lab.STPForwardDelay, MaxAge: lab.STPMaxAge, VLANFiltering: true}}
}
