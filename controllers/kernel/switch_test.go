// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

const sw = "default.routed-pair.sw"

// switchedLab is ns1 and ns2 on one switch that has an address, with a limit on what goes to ns1.
func switchedLab() state.State {
	s := play(
		create(sw), symlink(sw), create(ns1), symlink(ns1), create(ns2), symlink(ns2), loUp(sw), loUp(ns1), loUp(ns2),
		state.AddBridge{LinkEnd: end(sw, "br0", 1), Bridge: state.Bridge{ForwardDelay: lab.STPForwardDelay, MaxAge: lab.STPMaxAge}},
		pair(end(sw, "p1", 2), end(ns1, "eth0", 3)), pair(end(sw, "p2", 4), end(ns2, "eth0", 5)),
		state.SetMaster{LinkID: link(sw, "p1"), Master: "br0"}, state.SetMaster{LinkID: link(sw, "p2"), Master: "br0"},
		state.ReplaceQdisc{LinkID: link(sw, "p1"), Qdisc: state.Qdisc{Kind: state.TBF, Rate: 125_000_000, Burst: 62_500, Limit: 6_750_000}},
		up(sw, "br0"), up(sw, "p1"), up(sw, "p2"), up(ns1, "eth0"), up(ns2, "eth0"),
		addr(sw, "br0", "192.0.2.254/24"), addr(ns1, "eth0", "192.0.2.1/24"), addr(ns2, "eth0", "192.0.2.2/24"),
	)
	for _, setting := range state.BridgeSettings {
		s = s.With(set(sw, state.SettingKey{Setting: setting}.String(), "0"))
	}
	return s
}

func TestASwitchSwitches(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	sh(t, "for to in 192.0.2.2 192.0.2.254; do ip netns exec "+ns1+" ping -c1 -W5 $to; done")
}

// To know whether a rate needs tbf must not make a namespace at every look at a quiet lab.
func TestNetemIsTriedOnce(t *testing.T) {
	k := newKernel(t, Options{})
	first := k.HasNetem()
	k.home = netns.Home{} // from now on entering a namespace panics
	if again := k.HasNetem(); again != first {
		t.Errorf("%t, and before %t", again, first)
	}
}

func TestASwitchLearns(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	sh(t, "ip netns exec "+ns1+" ping -c1 -W5 192.0.2.2")
	got, err := k.MACTable(t.Context(), sw)
	want := []state.MACEntry{{MAC: mac(3), Port: "p1"}, {MAC: mac(5), Port: "p2"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

// What a switch has learned goes, and what somebody told it stays.
func TestForgettingMACsLeavesStaticOnes(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	const learned, static = "02:00:00:00:00:71", "02:00:00:00:00:72"
	sh(t, "bridge -n "+sw+" fdb add "+learned+" dev p1 master dynamic; bridge -n "+sw+" fdb add "+static+" dev p1 master static")
	if err := k.ForgetMACs(t.Context(), []string{sw, "default.routed-pair.gone"}); err != nil {
		t.Fatal(err)
	}
	table := sh(t, "bridge -n "+sw+" fdb show dev p1")
	if strings.Contains(table, learned) || !strings.Contains(table, static) {
		t.Errorf("the table is\n%s", table)
	}
}

// timerEnds waits for the timer that a port starts when it comes up: it would end a state that is set by hand.
const timerEnds = "until ip -n $s -d link show p1 | grep -q 'forward_delay_timer *0.00'; do sleep 0.1; done; sleep 0.05; "

var switchDrifts = []drift{
	{"port released", `ip -n $s link set p1 nomaster`, []string{
		"ip -n default.routed-pair.sw link set p1 master br0",
	}},
	{"port on another bridge", `ip -n $s link add br7 type bridge && ip -n $s link set p1 master br7`, []string{
		"ip -n default.routed-pair.sw link set p1 master br0",
	}},
	{"spanning tree", `ip -n $s link set br0 type bridge stp_state 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge stp_state 0 ageing_time 30000 forward_delay 200 max_age 600 vlan_filtering 0 vlan_default_pvid 0",
	}},
	{"forward delay", `ip -n $s link set br0 type bridge forward_delay 1500`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge stp_state 0 ageing_time 30000 forward_delay 200 max_age 600 vlan_filtering 0 vlan_default_pvid 0",
	}},
	{"bridge down", `ip -n $s link set br0 down`, []string{
		"ip -n default.routed-pair.sw link set br0 up",
	}},
	{"bridge's MAC", `ip -n $s link set br0 address 02:00:00:00:00:77`, []string{
		"ip -n default.routed-pair.sw link set br0 address 02:00:00:00:00:01",
	}},
	{"bridge's MTU", `ip -n $s link set br0 mtu 1400`, []string{
		"ip -n default.routed-pair.sw link set br0 mtu 1500",
	}},
	{"bridge's address", `ip -n $s address delete 192.0.2.254/24 dev br0`, []string{
		"ip -n default.routed-pair.sw address replace 192.0.2.254/24 dev br0",
	}},
	{"firewall for bridges", `ip netns exec $s sysctl -qw net.bridge.bridge-nf-call-iptables=1`, []string{
		"ip netns exec default.routed-pair.sw sysctl -eqw net.bridge.bridge-nf-call-iptables=0",
	}},
	{"bridge's group", `ip -n $s link set br0 group 7`, []string{
		"ip -n default.routed-pair.sw link set br0 group 20044",
	}},
	{"bridge deleted", `ip -n $s link delete br0`, nil},
	{"bridge renamed", `ip -n $s link set br0 down && ip -n $s link set br0 name br9`, nil},
	{"another kind of its name", `ip -n $s link delete br0 && ip -n $s link add br0 group 20044 type veth peer name theirs group 20044`, nil},
	{"port renamed", `ip -n $s link set p1 down && ip -n $s link set p1 name p9`, nil},
	{"no memory for MACs", `ip -n $s link set br0 type bridge ageing_time 0`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge ageing_time 30000",
	}},
	{"time between hellos", `ip -n $s link set br0 type bridge hello_time 100`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge hello_time 200",
	}},
	{"age of the root's word", `ip -n $s link set br0 type bridge max_age 2000`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge stp_state 0 ageing_time 30000 forward_delay 200 max_age 600 vlan_filtering 0 vlan_default_pvid 0",
	}},
	{"bridge's priority", `ip -n $s link set br0 type bridge priority 4096`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge priority 32768",
	}},
	{"link-local frames forwarded", `ip -n $s link set br0 type bridge group_fwd_mask 8`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge group_fwd_mask 0",
	}},
	{"spanning tree's group", `ip -n $s link set br0 type bridge group_address 01:80:c2:00:00:0e`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge group_address 01:80:c2:00:00:00",
	}},
	{"multicast snooping off", `ip -n $s link set br0 type bridge mcast_snooping 0`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge mcast_snooping 1",
	}},
	{"multicast querier", `ip -n $s link set br0 type bridge mcast_querier 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge mcast_querier 0",
	}},
	{"bridge takes all multicast", `ip -n $s link set br0 type bridge mcast_router 2`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge mcast_router 1",
	}},
	{"nothing learned from link-local frames", `ip -n $s link set br0 type bridge no_linklocal_learn 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge no_linklocal_learn 0",
	}},
	{"firewall for one bridge, IPv4", `ip -n $s link set br0 type bridge nf_call_iptables 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge nf_call_iptables 0",
	}},
	{"firewall for one bridge, IPv6", `ip -n $s link set br0 type bridge nf_call_ip6tables 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge nf_call_ip6tables 0",
	}},
	{"firewall for one bridge, ARP", `ip -n $s link set br0 type bridge nf_call_arptables 1`, []string{
		"ip -n default.routed-pair.sw link set br0 type bridge nf_call_arptables 0",
	}},
	{"port does not learn", `ip -n $s link set p1 type bridge_slave learning off`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave learning on",
	}},
	{"port gets no unknown unicast", `ip -n $s link set p1 type bridge_slave flood off`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave flood on",
	}},
	{"port gets no multicast", `ip -n $s link set p1 type bridge_slave mcast_flood off`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave mcast_flood on",
	}},
	{"port gets no broadcasts", `ip -n $s link set p1 type bridge_slave bcast_flood off`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave bcast_flood on",
	}},
	{"frames back out of the port", `ip -n $s link set p1 type bridge_slave hairpin on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave hairpin off",
	}},
	{"port that refuses BPDUs", `ip -n $s link set p1 type bridge_slave guard on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave guard off",
	}},
	{"port that cannot be the root's", `ip -n $s link set p1 type bridge_slave root_block on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave root_block off",
	}},
	{"port that leaves groups at once", `ip -n $s link set p1 type bridge_slave fastleave on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave fastleave off",
	}},
	{"isolated port", `ip -n $s link set p1 type bridge_slave isolated on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave isolated off",
	}},
	{"locked port", `ip -n $s link set p1 type bridge_slave locked on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave locked off",
	}},
	{"port that answers for neighbours", `ip -n $s link set p1 type bridge_slave neigh_suppress on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave neigh_suppress off",
	}},
	{"port that answers ARP", `ip -n $s link set p1 type bridge_slave proxy_arp on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave proxy_arp off",
	}},
	{"port that answers ARP for Wi-Fi", `ip -n $s link set p1 type bridge_slave proxy_arp_wifi on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave proxy_arp_wifi off",
	}},
	{"tunnels on a port", `ip -n $s link set p1 type bridge_slave vlan_tunnel on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave vlan_tunnel off",
	}},
	{"multicast as unicast", `ip -n $s link set p1 type bridge_slave mcast_to_unicast on`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave mcast_to_unicast off",
	}},
	{"port without multicast routers", `ip -n $s link set p1 type bridge_slave mcast_router 0`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave mcast_router 1",
	}},
	{"port's link-local frames", `ip -n $s link set p1 type bridge_slave group_fwd_mask 8`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave group_fwd_mask 0",
	}},
	{"port's cost", `ip -n $s link set p1 type bridge_slave cost 77`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave cost 2",
	}},
	{"port's priority", `ip -n $s link set p1 type bridge_slave priority 7`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave priority 32",
	}},
	{"port that only learns", timerEnds + `ip -n $s link set p1 type bridge_slave state 2`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave state 0",
	}},
	{"port that only listens", timerEnds + `ip -n $s link set p1 type bridge_slave state 1`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave state 0",
	}},
	{"port that is disabled", `bridge -n $s link set dev p1 state 0`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave state 0",
	}},
	{"a backup for a port", `ip -n $s link set p1 type bridge_slave backup_port p2`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave nobackup_port",
	}},
	{"learning by bridge link", `bridge -n $s link set dev p1 learning off flood off`, []string{
		"ip -n default.routed-pair.sw link set p1 type bridge_slave flood on",
		"ip -n default.routed-pair.sw link set p1 type bridge_slave learning on",
	}},
	{"a queue below the queue", `tc -n $s qdisc add dev p1 parent $(tc -n $s qdisc show dev p1 | cut -d' ' -f3)1 handle 7: pfifo limit 1`, []string{
		"tc -n default.routed-pair.sw qdisc delete dev p1 parent @1",
		"tc -n default.routed-pair.sw qdisc replace dev p1 root tbf rate 1000000000bit burst 500000 limit 6750000",
	}},
	{"the queue's own queue taken", `q=$(tc -n $s qdisc show dev p1 | cut -d' ' -f3)1; tc -n $s qdisc add dev p1 parent $q handle 7: pfifo && tc -n $s qdisc delete dev p1 parent $q`, []string{
		"tc -n default.routed-pair.sw qdisc replace dev p1 root tbf rate 1000000000bit burst 500000 limit 6750000",
	}},
	{"the queue's own queue replaced", `tc -n $s qdisc replace dev p1 parent $(tc -n $s qdisc show dev p1 | cut -d' ' -f3)1 bfifo limit 100`, []string{
		"tc -n default.routed-pair.sw qdisc delete dev p1 parent @1",
		"tc -n default.routed-pair.sw qdisc replace dev p1 root tbf rate 1000000000bit burst 500000 limit 6750000",
	}},
	{"queue gone", `tc -n $s qdisc delete dev p1 root`, []string{
		"tc -n default.routed-pair.sw qdisc replace dev p1 root tbf rate 1000000000bit burst 500000 limit 6750000",
	}},
	{"queue's rate", `tc -n $s qdisc change dev p1 root tbf rate 1mbit burst 5000 limit 10000`, []string{
		"tc -n default.routed-pair.sw qdisc replace dev p1 root tbf rate 1000000000bit burst 500000 limit 6750000",
	}},
	{"queue of another kind", `tc -n $s qdisc replace dev p1 root handle 1: htb`, []string{
		"tc -n default.routed-pair.sw qdisc replace dev p1 root tbf rate 1000000000bit burst 500000 limit 6750000",
	}},
	{"queue added", `tc -n $s qdisc add dev p2 root handle 1: htb`, []string{
		"tc -n default.routed-pair.sw qdisc delete dev p2 root",
	}},
}

func TestDriftOfASwitchIsSeenAndRepaired(t *testing.T) { mustRepair(t, switchedLab(), switchDrifts) }

func TestAPortOfTheirOwnIsShownAndLeftAlone(t *testing.T) {
	k := newKernel(t, Options{})
	want := switchedLab()
	converge(t, k, want)
	sh(t, "ip -n "+sw+" link add dangle type veth && ip -n "+sw+" link set dangle master br0")
	mustHold(t, k, want)
	if found := observe(t, k, want).Unmanaged; !slices.Contains(found, sw+": link dangle (veth)") {
		t.Errorf("shown are %q", found)
	}
}

// A spanning tree makes a bridge forget sooner while the tree changes. That is not drift, and ends with it.
func TestATreeLeavesNothingBehind(t *testing.T) {
	k := newKernel(t, Options{})
	without := switchedLab()
	with := playOn(without, state.SetBridge{LinkID: link(sw, "br0"), Bridge: state.Bridge{STP: true, ForwardDelay: lab.STPForwardDelay, MaxAge: lab.STPMaxAge}})
	converge(t, k, with)
	waitUntil(t, "the tree changes", func() bool {
		return strings.Contains(sh(t, "ip -n "+sw+" -d link show br0"), "ageing_time 400 ")
	})
	mustHold(t, k, with)
	converge(t, k, without)
	if shown := sh(t, "ip -n "+sw+" -d link show br0"); !strings.Contains(shown, "ageing_time 30000 ") {
		t.Errorf("it forgets sooner: %s", shown)
	}
}

// What goes through a switch goes on while its other ports change.
func TestAQueueIsChangedInPlace(t *testing.T) {
	k := newKernel(t, Options{})
	want := switchedLab()
	converge(t, k, want)
	handle := "tc -n " + sw + " qdisc show dev p1 | cut -d' ' -f3"
	before := sh(t, handle)
	q := want[sw].Qdiscs["p1"]
	q.Rate /= 2
	converge(t, k, playOn(want, state.ReplaceQdisc{LinkID: link(sw, "p1"), Qdisc: q}))
	if after := sh(t, handle); after != before {
		t.Errorf("the queue %s was replaced by %s", before, after)
	}
}
