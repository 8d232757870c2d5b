// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netlab-dev/netlab/controllers/state"
)

func linkEnd(id state.LinkID, mtu int) state.LinkEnd {
	return state.LinkEnd{LinkID: id, MAC: state.MAC{2, 0, 0, 0, 0, 1}, MTU: mtu}
}

// aSwitch is sw, a bridge that filters VLANs with one port, to h, which has an interface for VLAN 10 on
// its end; the switch has one too.
func aSwitch() state.State {
	s := state.State{}
	for _, op := range []state.Op{
		state.CreateNamespace{Name: "sw"}, state.CreateNamespace{Name: "h"},
		state.AddBridge{LinkEnd: linkEnd(end("sw", "br0"), 1500), Bridge: state.Bridge{VLANFiltering: true, DefaultVLAN: 1}},
		pair(end("sw", "p"), end("h", "eth0"), 1),
		state.SetMaster{LinkID: end("sw", "p"), Master: "br0"},
		state.SetPortVLAN{PortVLANID: member("sw", "p", 1), PortVLAN: state.PortVLAN{PVID: true, Untagged: true}},
		state.SetPortVLAN{PortVLANID: member("sw", "p", 10)},
		state.SetPortVLAN{PortVLANID: member("sw", "br0", 10), Self: true},
		state.AddVLANLink{LinkEnd: linkEnd(end("sw", "br0.10"), 1500), Parent: "br0", VLAN: 10},
		state.AddVLANLink{LinkEnd: linkEnd(end("h", "eth0.10"), 1400), Parent: "eth0", VLAN: 10},
		state.SetAdmin{LinkID: end("sw", "br0"), Up: true},
		state.SetAdmin{LinkID: end("h", "eth0"), Up: true},
		state.AddAddress{AddressID: address("h", "eth0.10", "10.0.0.1/24")},
		route("h", "0.0.0.0/0", "", "eth0.10 10.0.0.9"),
		state.ReplaceQdisc{LinkID: end("sw", "p"), Qdisc: state.Qdisc{Kind: state.Netem, Limit: 1000}},
	} {
		s = s.With(op)
	}
	s["sw"].AttributeDrift[override("br0", state.BridgeAgeing)] = "0"
	s["sw"].AttributeDrift[override("p", "type bridge_slave learning")] = "0"
	s["sw"].AttributeDrift[override("p", state.PortState)] = "1"
	s["sw"].AttributeDrift[override("p", "arp")] = "128"
	s["h"].AttributeDrift[override("eth0.10", "type vlan reorder_hdr")] = "0"
	key := address("h", "eth0.10", "10.0.0.1/24").AddressKey
	row := s["h"].Addresses[key]
	row.PrefixRouteMissing = true
	s["h"].Addresses[key] = row
	return s
}

func override(link string, attribute state.LinkAttribute) state.AttributeKey {
	return state.AttributeKey{Link: link, Attribute: attribute}
}

var switchCascades = []struct {
	name  string
	op    state.Op
	delta string
}{
	{"a bridge frees its ports and goes with what is on it", state.DeleteLink{LinkID: end("sw", "br0")}, `
- link sw br0 bridge mac=02:00:00:00:00:01 mtu=1500 group=20044 master="" up=true
- link sw br0.10 vlan=br0/10 mac=02:00:00:00:00:01 mtu=1500 group=20044 master="" up=true
- link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="br0" up=false
- bridge sw br0 stp_state 0 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 1
- vlan sw br0 10
- vlan sw p 1 pvid untagged
- vlan sw p 10
- override sw br0 type bridge ageing_time=0
- override sw p type bridge_slave learning=0
- override sw p type bridge_slave state=1
- 33 sysctls
+ link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=false
`},
	{"a port that leaves its bridge leaves its VLANs", state.ReleaseLink{LinkID: end("sw", "p")}, `
- link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="br0" up=false
- vlan sw p 1 pvid untagged
- vlan sw p 10
- override sw p type bridge_slave learning=0
- override sw p type bridge_slave state=1
+ link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=false
`},
	{"a bridge without a default VLAN takes its ports out of it", state.SetBridge{LinkID: end("sw", "br0"), Bridge: state.Bridge{VLANFiltering: true}}, `
- bridge sw br0 stp_state 0 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 1
- vlan sw p 1 pvid untagged
- override sw br0 type bridge ageing_time=0
+ bridge sw br0 stp_state 0 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 0
`},
	{"a spanning tree chooses the ports' states", state.SetBridge{LinkID: end("sw", "br0"), Bridge: state.Bridge{STP: true, VLANFiltering: true, DefaultVLAN: 1}}, `
- bridge sw br0 stp_state 0 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 1
- override sw p type bridge_slave state=1
+ bridge sw br0 stp_state 1 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 1
`},
	{"a port that comes up has a new state", state.SetAdmin{LinkID: end("sw", "p"), Up: true}, `
- link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="br0" up=false
- override sw p type bridge_slave state=1
+ link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="br0" up=true
`},
	{"an attribute is reset alone", reset("sw", "p", "arp"), `
- override sw p arp=128
`},
	{"untagged frames belong to one VLAN", state.SetPortVLAN{PortVLANID: member("sw", "p", 20), PortVLAN: state.PortVLAN{PVID: true}}, `
- vlan sw p 1 pvid untagged
+ vlan sw p 1 untagged
+ vlan sw p 20 pvid
`},
	{"what is on a link goes down with it", state.SetAdmin{LinkID: end("h", "eth0")}, `
- link h eth0 peer=sw/p mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=true
- link h eth0.10 vlan=eth0/10 mac=02:00:00:00:00:01 mtu=1400 group=20044 master="" up=true
- address h eth0.10 10.0.0.1/24 order=0 unrouted
- route h default via 10.0.0.9 dev eth0.10 proto 78 more=0
+ link h eth0 peer=sw/p mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=false
+ link h eth0.10 vlan=eth0/10 mac=02:00:00:00:00:01 mtu=1400 group=20044 master="" up=false
+ address h eth0.10 10.0.0.1/24 order=0
`},
	{"what is on a link is no larger", state.SetMTU{LinkID: end("h", "eth0"), MTU: 1300}, `
- link h eth0 peer=sw/p mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=true
- link h eth0.10 vlan=eth0/10 mac=02:00:00:00:00:01 mtu=1400 group=20044 master="" up=true
+ link h eth0 peer=sw/p mac=02:00:00:00:01:02 mtu=1300 group=20044 master="" up=true
+ link h eth0.10 vlan=eth0/10 mac=02:00:00:00:00:01 mtu=1300 group=20044 master="" up=true
`},
	{"a link goes with what is on it and its queue", state.DeleteLink{LinkID: end("h", "eth0")}, `
- link h eth0 peer=sw/p mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=true
- link h eth0.10 vlan=eth0/10 mac=02:00:00:00:00:01 mtu=1400 group=20044 master="" up=true
- link sw p peer=h/eth0 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="br0" up=false
- vlan sw p 1 pvid untagged
- vlan sw p 10
- qdisc sw p netem limit 1000
- override h eth0.10 type vlan reorder_hdr=0
- override sw p arp=128
- override sw p type bridge_slave learning=0
- override sw p type bridge_slave state=1
- address h eth0.10 10.0.0.1/24 order=0 unrouted
- route h default via 10.0.0.9 dev eth0.10 proto 78 more=0
- 45 sysctls
`},
}

func TestWhatAnOperationOnASwitchTakesAlong(t *testing.T) {
	before := aSwitch()
	for _, c := range switchCascades {
		t.Run(c.name, func(t *testing.T) {
			got := delta(before.String(), before.With(c.op).String())
			if diff := cmp.Diff(strings.TrimSpace(c.delta), strings.TrimSpace(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.op, diff)
			}
		})
	}
}

// A queue below netem goes alone; one below tbf leaves it without room until it is given its limit again.
func TestAQueueBelowAnotherGoes(t *testing.T) {
	id, below := end("sw", "p"), state.Handle(0x80010001)
	for _, want := range []state.Qdisc{{Kind: state.Netem, Limit: 1000}, {Kind: state.TBF, Rate: 125_000, Limit: 3000}} {
		hung := want
		hung.Child = below
		s := aSwitch()
		s[id.Namespace].Qdiscs[id.Name] = hung
		if got := s.With(state.ReplaceQdisc{LinkID: id, Qdisc: want})["sw"].Qdiscs["p"]; got != hung {
			t.Errorf("changed in place it is %+v, want %+v", got, hung)
		}
		if got := s.With(state.DeleteChildQdisc{LinkID: id, Parent: 1})["sw"].Qdiscs["p"]; got != hung {
			t.Errorf("without another child it is %+v, want %+v", got, hung)
		}
		left := want
		if want.Kind == state.TBF {
			left.Limit = 0
		}
		if got := s.With(state.DeleteChildQdisc{LinkID: id, Parent: below})["sw"].Qdiscs["p"]; got != left {
			t.Errorf("without its child it is %+v, want %+v", got, left)
		}
	}
}

// What is on a link follows it up only when it comes up.
func TestALinkThatIsUpAlreadyTakesNothingUp(t *testing.T) {
	added := aSwitch().With(state.AddVLANLink{LinkEnd: linkEnd(end("h", "eth0.20"), 1400), Parent: "eth0", VLAN: 20})
	again := added.With(state.SetAdmin{LinkID: end("h", "eth0"), Up: true})
	if changed := delta(added.String(), again.String()); changed != "" {
		t.Errorf("it changed\n%s", changed)
	}
}

// A cable that is to go down may close a cycle until it does, and one that is to come up afterwards: the
// spanning tree is turned off late and on early.
func TestATreeOutlivesWhatNeedsIt(t *testing.T) {
	tree := aSwitch()
	for _, op := range []state.Op{
		state.SetBridge{LinkID: end("sw", "br0"), Bridge: state.Bridge{STP: true, VLANFiltering: true, DefaultVLAN: 1}},
		state.SetAdmin{LinkID: end("sw", "p"), Up: true},
	} {
		tree = tree.With(op)
	}
	clear(tree["sw"].AttributeDrift)
	without := tree
	for _, op := range []state.Op{
		state.SetAdmin{LinkID: end("sw", "p")},
		state.SetBridge{LinkID: end("sw", "br0"), Bridge: state.Bridge{VLANFiltering: true, DefaultVLAN: 1}},
	} {
		without = without.With(op)
	}
	for _, c := range []struct {
		name       string
		have, want state.State
		plan       string
	}{
		{"off", tree, without, `
ip -n sw link set dev p down
ip -n sw link set br0 type bridge stp_state 0 ageing_time 30000 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 1`},
		{"on", without, tree, `
ip -n sw link set br0 type bridge stp_state 1 forward_delay 0 max_age 0 vlan_filtering 1 vlan_default_pvid 1
ip -n sw link set dev p up`},
	} {
		if diff := cmp.Diff(strings.TrimSpace(c.plan), text(state.Diff(c.have, c.want))); diff != "" {
			t.Errorf("turned %s (-want +got):\n%s", c.name, diff)
		}
	}
}

// An IPv6 route outlives one of its links. It goes all the same if that is on a link that goes.
func TestNoRouteIsLeftOfALinkThatGoes(t *testing.T) {
	want := aSwitch().With(sysctl("h", "net.ipv6.conf.all.disable_ipv6", "0")).With(pair(end("h", "eth1"), end("sw", "q"), 2))
	unwanted := route("h", "fd80::/48", "", "eth0.10 fe80::9", "eth1 fe80::9")
	have := want.Clone().With(unwanted)
	replug(have, end("sw", "p"), end("h", "x"))
	ops := state.Diff(have, want)
	got := state.Play(have, ops, func() bool { return true })
	if row, left := got["h"].Routes[unwanted.RouteKey]; left {
		t.Errorf("%v is left by\n%s", row, text(ops))
	}
}

// A link has one interface for each VLAN, so the one that is to have it waits until the other has gone.
func TestAVLANHasOneInterfaceAtATime(t *testing.T) {
	gone := state.DeleteLink{LinkID: end("h", "eth0.10")}
	added := state.AddVLANLink{LinkEnd: linkEnd(end("h", "voice"), 1400), Parent: "eth0", VLAN: 10}
	plan := state.Diff(aSwitch(), aSwitch().With(gone).With(added))
	if before, after := slices.Index(plan, state.Op(gone)), slices.Index(plan, state.Op(added)); before < 0 || after < before {
		t.Errorf("renamed by\n%s", text(plan))
	}
}
