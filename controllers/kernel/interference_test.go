// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// interferences are what others can put into a lab's namespace. It is neither drift nor touched, and can be
// seen and taken away by the commands that come with it.
var interferences = []struct {
	name, do string
	is       state.Unmanaged
}{
	{"a rule that rejects", `ip -n $a rule add prohibit from 192.0.2.0/24 pref 100`, state.Unmanaged{
		What: "policy rule 100: from 192.0.2.0/24 prohibit",
		Look: "ip -n default.routed-pair.ns1 rule", Undo: "ip -n default.routed-pair.ns1 rule delete pref 100",
		Rule: state.PolicyRule{Priority: 100, Action: "prohibit", From: netip.MustParsePrefix("192.0.2.0/24")},
	}},
	{"a rule for another table", `ip -n $a rule add to 10.0.0.0/8 iif l1 fwmark 7 lookup 77 pref 101`, state.Unmanaged{
		What: "policy rule 101: from all to 10.0.0.0/8 fwmark 0x7 iif l1 lookup 77",
		Look: "ip -n default.routed-pair.ns1 rule", Undo: "ip -n default.routed-pair.ns1 rule delete pref 101",
		Rule: state.PolicyRule{Priority: 101, Action: "lookup 77", Table: 77, To: netip.MustParsePrefix("10.0.0.0/8"), Incoming: "l1", OtherPackets: true, Marked: true},
	}},
	{"a rule for everything", `ip -n $a rule add blackhole pref 102`, state.Unmanaged{
		What: "policy rule 102: from all blackhole",
		Look: "ip -n default.routed-pair.ns1 rule", Undo: "ip -n default.routed-pair.ns1 rule delete pref 102",
		Rule: state.PolicyRule{Priority: 102, Action: "blackhole"},
	}},
	{"the rule for the main table gone", `ip -n $a rule delete pref 32766`, state.Unmanaged{
		What: "no policy rule 32766",
		Look: "ip -n default.routed-pair.ns1 rule", Undo: "ip -n default.routed-pair.ns1 rule add pref 32766 lookup main",
		Rule: state.PolicyRule{Priority: 32766, Action: "lookup main", Table: 254, Missing: true},
	}},
	{"an IPv6 rule", `ip -6 -n $a rule add unreachable from fd00:1::/64 pref 103`, state.Unmanaged{
		What: "policy rule 103: from fd00:1::/64 unreachable",
		Look: "ip -6 -n default.routed-pair.ns1 rule", Undo: "ip -6 -n default.routed-pair.ns1 rule delete pref 103",
		Rule: state.PolicyRule{Priority: 103, IPv6: true, Action: "unreachable", From: netip.MustParsePrefix("fd00:1::/64")},
	}},
	{"a wrong neighbour", `ip -n $a neighbour add 192.0.2.254 lladdr 02:00:00:00:00:99 dev l1`, state.Unmanaged{
		What:      "a permanent neighbour entry, 192.0.2.254 is 02:00:00:00:00:99 on l1",
		Look:      "ip -n default.routed-pair.ns1 neighbour show dev l1 nud permanent",
		Undo:      "ip -n default.routed-pair.ns1 neighbour delete 192.0.2.254 dev l1",
		Neighbour: state.NeighbourEntry{Link: "l1", Address: netip.MustParseAddr("192.0.2.254"), MAC: state.MAC{2, 0, 0, 0, 0, 0x99}, Permanent: true},
	}},
	{"a wrong IPv6 neighbour", `ip -n $a neighbour add fd00:1::fe lladdr 02:00:00:00:00:99 dev l1`, state.Unmanaged{
		What:      "a permanent neighbour entry, fd00:1::fe is 02:00:00:00:00:99 on l1",
		Look:      "ip -n default.routed-pair.ns1 neighbour show dev l1 nud permanent",
		Undo:      "ip -n default.routed-pair.ns1 neighbour delete fd00:1::fe dev l1",
		Neighbour: state.NeighbourEntry{Link: "l1", Address: netip.MustParseAddr("fd00:1::fe"), MAC: state.MAC{2, 0, 0, 0, 0, 0x99}, Permanent: true},
	}},
	{"a route", `ip -n $a route add 10.9.0.0/16 via 192.0.2.254`, foreignRoute("unicast", "10.9.0.0/16")},
	{"a route that takes packets", `ip -n $a route add prohibit 10.9.0.0/16`, foreignRoute("prohibit", "10.9.0.0/16")},
	{"a route that throws", `ip -n $a route add throw 10.9.0.0/16`, foreignRoute("throw", "10.9.0.0/16")},
	{"an IPv6 route that throws", `ip -n $a route add throw fd00:9::/64`, foreignRoute("throw", "fd00:9::/64")},
	{"a route with a metric", `ip -n $a route add blackhole 10.9.0.0/16 metric 7`, with(foreignRoute("blackhole", "10.9.0.0/16"),
		"ip -n default.routed-pair.ns1 route delete blackhole 10.9.0.0/16 proto 3 metric 7", 7)},
	{"a next hop that is a blackhole", `ip -n $a nexthop add id 9 blackhole; ip -n $a route add 10.9.0.0/16 nhid 9`, with(foreignRoute("blackhole", "10.9.0.0/16"),
		"ip -n default.routed-pair.ns1 route delete 10.9.0.0/16 proto 3", 0)},
	{"an IPsec policy", `ip -n $a xfrm policy add dir out dst 10.9.0.0/16 action block`, state.Unmanaged{
		What: "an IPsec policy, src 0.0.0.0/0 dst 10.9.0.0/16 dir out",
		Look: "ip -n default.routed-pair.ns1 xfrm policy", Undo: "ip -n default.routed-pair.ns1 xfrm policy delete src 0.0.0.0/0 dst 10.9.0.0/16 dir out",
		OnlyFor: 4,
	}},
	{"an IPsec policy of a protocol", `ip -n $a xfrm policy add dir in dst 10.9.0.0/16 proto icmp index 8 if_id 5`, state.Unmanaged{
		What: "an IPsec policy, src 0.0.0.0/0 dst 10.9.0.0/16 dir in",
		Look: "ip -n default.routed-pair.ns1 xfrm policy", Undo: "ip -n default.routed-pair.ns1 xfrm policy delete index 8 dir in if_id 5",
		OnlyFor: 4,
	}},
	{"a local route", `ip -n $a route add local 10.9.9.9 dev lo`, state.Unmanaged{
		What: "an unmanaged route, local 10.9.9.9/32 dev lo table local",
		Look: "ip -n default.routed-pair.ns1 route show table local type local", Undo: "ip -n default.routed-pair.ns1 route delete local 10.9.9.9/32 dev lo table local",
		Route: state.UnmanagedRoute{Type: "local", Prefix: netip.MustParsePrefix("10.9.9.9/32")},
	}},
	{"an IPv6 local route in another table", `ip -6 -n $a route add local fd00:9::/64 dev lo table 1000`, state.Unmanaged{
		What: "an unmanaged route, local fd00:9::/64 dev lo table 1000",
		Look: "ip -n default.routed-pair.ns1 -6 route show table 1000 type local", Undo: "ip -n default.routed-pair.ns1 -6 route delete local fd00:9::/64 dev lo table 1000",
		Route: state.UnmanagedRoute{Type: "local", Prefix: netip.MustParsePrefix("fd00:9::/64")},
	}},
	{"no answers to IPv6 pings", `ip netns exec $a sysctl -qw net.ipv6.icmp.echo_ignore_all=1`, foreignSetting("net.ipv6.icmp.echo_ignore_all")},
	{"filtered ARP", `ip netns exec $a sysctl -qw net.ipv4.conf.l1.arp_filter=1`, foreignSetting("net.ipv4.conf.l1.arp_filter")},
	{"ARP filtered everywhere", `ip netns exec $a sysctl -qw net.ipv4.conf.all.arp_filter=1`, foreignSetting("net.ipv4.conf.all.arp_filter")},
	{"ARP answered for a link", `ip netns exec $a sysctl -qw net.ipv4.conf.l1.proxy_arp_pvlan=1`, foreignSetting("net.ipv4.conf.l1.proxy_arp_pvlan")},
	{"proxied IPv6 neighbours", `ip netns exec $a sysctl -qw net.ipv6.conf.all.proxy_ndp=1`, foreignSetting("net.ipv6.conf.all.proxy_ndp")},
	{"filters of what comes in", `tc -n $a qdisc add dev l1 clsact`, state.Unmanaged{
		What: "a qdisc for filters of incoming packets on l1", Look: "tc -n default.routed-pair.ns1 filter show dev l1 ingress", Frames: true,
	}},
}

func foreignRoute(kind, prefix string) state.Unmanaged {
	return state.Unmanaged{
		What:  "an unmanaged route, " + kind + " " + prefix,
		Look:  "ip -n default.routed-pair.ns1 route show type " + kind + " exact " + prefix,
		Undo:  "ip -n default.routed-pair.ns1 route delete " + kind + " " + prefix + " proto 3",
		Route: state.UnmanagedRoute{Type: kind, Prefix: netip.MustParsePrefix(prefix), Metric: routeID(ns1, prefix, 0).Metric},
	}
}

// with is an object that other commands remove.
func with(u state.Unmanaged, undo string, metric uint32) state.Unmanaged {
	u.Undo, u.Route.Metric = undo, metric
	return u
}

func foreignSetting(name string) state.Unmanaged {
	return state.Unmanaged{
		What: name + " 1", Look: "ip netns exec default.routed-pair.ns1 sysctl " + name,
		Undo: "ip netns exec default.routed-pair.ns1 sysctl -qw " + name + "=0", Setting: state.UnmanagedSetting{Name: name, Value: "1"},
	}
}

func TestInterferencesAreFoundAndLeftAlone(t *testing.T) {
	want := everythingLab()
	for _, i := range interferences {
		t.Run(i.name, func(t *testing.T) {
			k := newKernel(t, Options{})
			converge(t, k, want)
			mustInterfere(t, k, ns1, nil)
			sh(t, shorthand+i.do)
			mustHold(t, k, want)
			mustInterfere(t, k, ns1, []state.Unmanaged{i.is})
			sh(t, i.is.Look)
			if i.is.Undo != "" {
				sh(t, i.is.Undo)
				mustInterfere(t, k, ns1, nil)
			}
		})
	}
}

func mustInterfere(t *testing.T, k *Kernel, namespace string, want []state.Unmanaged) {
	t.Helper()
	if found, err := k.Unmanaged(t.Context(), namespace); err != nil || !slices.Equal(found, want) {
		t.Errorf("found %+v, %v, want %+v", found, err, want)
	}
}

func TestAStaticMACEntryInterferes(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	sh(t, "ip netns exec "+ns1+" ping -c1 -W5 192.0.2.2")
	mustInterfere(t, k, sw, nil)
	sh(t, "bridge -n "+sw+" fdb replace 02:00:00:00:00:03 dev p2 master static")
	mustInterfere(t, k, sw, []state.Unmanaged{{
		What: "a static MAC entry, 02:00:00:00:00:03 is at p2", Look: "bridge -n " + sw + " fdb show dev p2",
		Undo:     "bridge -n " + sw + " fdb delete 02:00:00:00:00:03 dev p2 master",
		MACEntry: state.MACEntry{MAC: state.MAC{2, 0, 0, 0, 0, 3}, Port: "p2"},
	}})
	sh(t, "bridge -n "+sw+" fdb delete 02:00:00:00:00:03 dev p2 master")
	mustInterfere(t, k, sw, nil)
}

func TestAStaticMulticastGroupInterferes(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, switchedLab())
	for _, group := range []string{"ff02::1:ff00:1", "239.1.2.3"} {
		sh(t, "bridge -n "+sw+" mdb add dev br0 port p2 grp "+group+" permanent")
		mustInterfere(t, k, sw, []state.Unmanaged{{
			What: "a static multicast group, " + group + " at p2", Look: "bridge -n " + sw + " mdb show dev br0",
			Undo: "bridge -n " + sw + " mdb delete dev br0 port p2 grp " + group + " permanent",
		}})
		sh(t, "bridge -n "+sw+" mdb delete dev br0 port p2 grp "+group+" permanent")
	}
}

// A table of nftables is a packet filter if it has a rule, or a chain that drops what no rule decides about.
func TestAPacketFilterInterferes(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	filter := []state.Unmanaged{{
		What: "a packet filter, nftables table inet theirs", Look: "ip netns exec default.routed-pair.router nft list ruleset",
	}}
	for _, c := range []struct {
		do   string
		want []state.Unmanaged
	}{
		{"add table inet theirs", nil},
		{"add chain inet theirs c { type filter hook input priority 0; policy accept; }", nil},
		{"add rule inet theirs c icmp type echo-request drop", filter},
		{"flush chain inet theirs c", nil},
		{"chain inet theirs c { policy drop; }", filter},
	} {
		sh(t, "ip netns exec "+router+" nft '"+c.do+"'")
		mustInterfere(t, k, router, c.want)
	}
	mustHold(t, k, tutorialLab())
}

// To load a program needs rights that a machine of its own does not have, so this is the message of one that has.
func TestAnXDPProgramIsSeen(t *testing.T) {
	for attached, want := range map[byte]bool{0: false, 2: true} {
		xdp := nl.NewRtAttr(unix.IFLA_XDP, nil)
		xdp.AddRtAttr(unix.IFLA_XDP_ATTACHED, []byte{attached})
		l, err := parseLink(append(nl.NewIfInfomsg(unix.AF_UNSPEC).Serialize(), xdp.Serialize()...))
		if err != nil || l.xdp != want {
			t.Errorf("attached %d: %t, %v", attached, l.xdp, err)
		}
	}
}

// The kernel lists proxies apart from neighbours, and by family.
func TestNeighboursAndProxiesAreListed(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, everythingLab())
	sh(t, shorthand+`ip -n $a neighbour replace 192.0.2.254 lladdr 02:00:00:00:00:98 nud reachable dev l1
		ip -n $a neighbour replace fd00:1::fe lladdr 02:00:00:00:00:99 nud permanent dev l1
		ip -n $a neighbour add proxy 192.0.2.77 dev l1
		ip -n $a neighbour add proxy fd00:1::77 dev l1`)
	address := netip.MustParseAddr
	want := []state.NeighbourEntry{
		{Link: "l1", Address: address("192.0.2.254"), MAC: state.MAC{2, 0, 0, 0, 0, 0x98}},
		{Link: "l1", Address: address("fd00:1::fe"), MAC: state.MAC{2, 0, 0, 0, 0, 0x99}, Permanent: true},
		{Link: "l1", Address: address("192.0.2.77"), Proxy: true},
		{Link: "l1", Address: address("fd00:1::77"), Proxy: true},
	}
	found, err := k.Neighbours(t.Context(), ns1)
	found = slices.DeleteFunc(found, func(e state.NeighbourEntry) bool { return e.Address.IsMulticast() || e.Address.IsLoopback() })
	slices.SortFunc(found, func(a, b state.NeighbourEntry) int {
		return slices.Index(want, a) - slices.Index(want, b)
	})
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("%+v, %v, want %+v", found, err, want)
	}
}
