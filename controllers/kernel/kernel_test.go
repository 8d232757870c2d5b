// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

func TestBuildsAndRemovesALab(t *testing.T) {
	for name, want := range map[string]state.State{"tutorial": tutorialLab(), "everything": everythingLab()} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, Options{})
			converge(t, k, want)
			if again := converge(t, k, want); len(again) > 0 {
				t.Errorf("the second plan is not empty:\n%s", texts(again))
			}
			converge(t, k, state.State{})
			if left := sh(t, "ls "+NamespaceDir+" "+SymlinkDir+"/; grep -c nsfs /proc/mounts || true"); left != NamespaceDir+":\n\n"+SymlinkDir+"/:\n0\n" {
				t.Errorf("left behind:\n%s", left)
			}
		})
	}
}

func TestThePacketsFlow(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	sh(t, "ip netns exec "+ns1+" ping -c1 -W5 198.51.100.1")
}

// drift is something somebody does to a lab by hand, and the plan that puts it right.
type drift struct {
	name string
	do   string
	plan []string
}

// Shorthands for the scripts: $a, $r and $b are the tutorial's namespaces.
const shorthand = "a=" + ns1 + " r=" + router + " b=" + ns2 + "\n"

var drifts = []drift{
	{"link down", `ip -n $r link set l2 down`, []string{
		"ip -n default.routed-pair.router link set l2 up",
	}},
	{"lo down", `ip -n $r link set lo down`, []string{
		"ip -n default.routed-pair.router link set lo up",
	}},
	{"MTU", `ip -n $b link set l2 mtu 1400`, []string{
		"ip -n default.routed-pair.ns2 link set l2 mtu 1500",
	}},
	{"MTU of lo", `ip -n $b link set lo mtu 1400`, []string{
		"ip -n default.routed-pair.ns2 link set lo mtu 65536",
	}},
	{"MAC", `ip -n $b link set l2 address 02:00:00:00:00:99`, []string{
		"ip -n default.routed-pair.ns2 link set l2 address 02:00:00:00:00:04",
	}},
	{"group", `ip -n $b link set l2 group 7`, []string{
		"ip -n default.routed-pair.ns2 link set l2 group 20044",
	}},
	{"master", `ip -n $b link add br0 type bridge && ip -n $b link set l2 master br0`, []string{
		"ip -n default.routed-pair.ns2 link set l2 nomaster",
	}},
	{"ip_forward", `ip netns exec $r sysctl -qw net.ipv4.ip_forward=0`, []string{
		"ip netns exec default.routed-pair.router sysctl -qw net.ipv4.ip_forward=1",
	}},
	{"forwarding of one link", `ip netns exec $r sysctl -qw net.ipv4.conf.l2.forwarding=0`, []string{
		"ip netns exec default.routed-pair.router sysctl -qw net.ipv4.conf.l2.forwarding=1",
	}},
	{"IPv6 forwarding", `ip netns exec $r sysctl -qw net.ipv6.conf.all.forwarding=0`, []string{
		"ip netns exec default.routed-pair.router sysctl -qw net.ipv6.conf.all.forwarding=1",
	}},
	{"rp_filter of the namespace", `ip netns exec $r sysctl -qw net.ipv4.conf.all.rp_filter=1`, []string{
		"ip netns exec default.routed-pair.router sysctl -qw net.ipv4.conf.all.rp_filter=0",
	}},
	{"a declared setting", `ip netns exec $a sysctl -qw net.ipv4.ip_default_ttl=64`, []string{
		"ip netns exec default.routed-pair.ns1 sysctl -qw net.ipv4.ip_default_ttl=32",
	}},
	{"address gone", `ip -n $r address delete 203.0.113.254/24 dev extra`, []string{
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address added", `ip -n $r address add 203.0.113.7/24 dev extra`, []string{
		"ip -n default.routed-pair.router address delete 203.0.113.7/24 dev extra",
	}},
	{"address with a peer", `ip -n $r address add 10.77.0.1 peer 10.77.0.2/32 dev l2`, []string{
		"ip -n default.routed-pair.router address delete 10.77.0.1/32 dev l2",
	}},
	{"address of lo gone", `ip -n $r address delete 10.255.0.254/32 dev lo`, []string{
		"ip -n default.routed-pair.router address replace 10.255.0.254/32 dev lo",
	}},
	{"address order", `ip -n $a address delete 192.0.2.1/24 dev l1 && ip -n $a address add 192.0.2.1/24 dev l1`, nil},
	{"IPv6 address gone", `ip -n $r address delete fd00:2::fe/64 dev extra`, []string{
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"IPv6 prefix length", `ip -n $r address delete fd00:2::fe/64 dev extra && ip -n $r address add fd00:2::fe/48 dev extra`, []string{
		"ip -n default.routed-pair.router address delete fd00:2::fe/48 dev extra && ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"link-local address gone", `ip -n $r address delete fe80::2/64 dev l1`, []string{
		"ip -n default.routed-pair.router address replace fe80::2/64 dev l1 nodad",
	}},
	{"route gone", `ip -n $b route delete default`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route added", `ip -n $b route add 10.0.0.0/8 via 198.51.100.254 proto 78`, []string{
		"ip -n default.routed-pair.ns2 route delete 10.0.0.0/8 proto 78",
	}},
	{"route's gateway", `ip -n $b route change default via 198.51.100.77 proto 78`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route's protocol", `ip -n $b route change default via 198.51.100.254 proto static`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route's source", `ip -n $a route change 10.12.0.0/24 via 192.0.2.254 src 192.0.2.1 proto 78`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.12.0.0/24 via 192.0.2.254 dev l1 proto 78 src 10.255.0.1",
	}},
	{"route's metrics", `ip -n $b route change default via 198.51.100.254 proto 78 mtu 1300`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route onlink", `ip -n $b route change default via 198.51.100.254 dev l2 proto 78 onlink`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route's type", `ip -n $b route change blackhole default proto 78`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"blackhole's type", `ip -n $a route change prohibit 10.66.0.0/16 proto 78`, []string{
		"ip -n default.routed-pair.ns1 route replace blackhole 10.66.0.0/16 proto 78",
	}},
	{"a route in front", `ip -n $b route prepend default via 198.51.100.77 proto static`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route's metric", `ip -n $a route delete 10.10.0.0/24 && ip -n $a route add 10.10.0.0/24 dev l1 proto 78 metric 5`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.10.0.0/24 dev l1 proto 78",
		"ip -n default.routed-pair.ns1 route delete 10.10.0.0/24 proto 78 metric 5",
	}},
	{"a leg's weight", `ip -n $a route change 10.9.0.0/24 metric 10 proto 78 nexthop via 192.0.2.254 nexthop via 203.0.113.254 weight 7`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.9.0.0/24 proto 78 metric 10 nexthop via 203.0.113.254 dev extra weight 2 nexthop via 192.0.2.254 dev l1 weight 1",
	}},
	{"a leg gone", `ip -n $a route change 10.9.0.0/24 metric 10 proto 78 via 192.0.2.254`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.9.0.0/24 proto 78 metric 10 nexthop via 203.0.113.254 dev extra weight 2 nexthop via 192.0.2.254 dev l1 weight 1",
	}},
	{"five legs", `ip -n $a route change 10.9.0.0/24 metric 10 proto 78 nexthop via 192.0.2.254 nexthop via 203.0.113.254 weight 2 nexthop via 192.0.2.7 nexthop via 192.0.2.8 nexthop via 192.0.2.6`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.9.0.0/24 proto 78 metric 10 nexthop via 203.0.113.254 dev extra weight 2 nexthop via 192.0.2.254 dev l1 weight 1",
	}},
	{"unnumbered route gone", `ip -n $a route delete 10.11.0.0/24`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.11.0.0/24 via inet6 fe80::2 dev l1 proto 78",
	}},
	{"unnumbered route's gateway", `ip -n $a route change 10.11.0.0/24 via inet6 fe80::3 dev l1 proto 78`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.11.0.0/24 via inet6 fe80::2 dev l1 proto 78",
	}},
	{"IPv6 default gone", `ip -6 -n $a route delete default`, []string{
		"ip -n default.routed-pair.ns1 route replace ::/0 via fe80::2 dev l1 proto 78",
	}},
	{"IPv6 route gone", `ip -n $a route delete fd00:10::/64`, []string{
		"ip -n default.routed-pair.ns1 route replace fd00:10::/64 dev extra proto 78",
	}},
	{"IPv6 multipath route gone", `ip -n $a route delete fd00:9::/64 proto 78`, []string{
		"ip -n default.routed-pair.ns1 route replace fd00:9::/64 proto 78 metric 10 nexthop via fd00:2::fe dev extra weight 3 nexthop via fd00:1::fe dev l1 weight 1",
	}},
	{"IPv6 leg gone", `ip -n $a route delete fd00:9::/64 via fd00:2::fe metric 10`, []string{
		"ip -n default.routed-pair.ns1 route replace fd00:9::/64 proto 78 metric 10 nexthop via fd00:2::fe dev extra weight 3 nexthop via fd00:1::fe dev l1 weight 1",
	}},
	{"IPv6 leg added", `ip -n $a route append fd00:9::/64 via fd00:1::77 metric 10 proto 78`, []string{
		"ip -n default.routed-pair.ns1 route delete fd00:9::/64 via fd00:1::77 dev l1 metric 10",
	}},
	{"IPv6 leg of another protocol", `ip -n $a route append fd00:9::/64 via fd00:1::77 metric 10 proto static`, []string{
		"ip -n default.routed-pair.ns1 route delete fd00:9::/64 via fd00:1::77 dev l1 metric 10",
	}},
	{"two IPv6 legs", `ip -n $a route append fd00:9::/64 via fd00:1::77 metric 10 && ip -n $a route append fd00:9::/64 via fd00:2::77 metric 10 `, []string{
		"ip -n default.routed-pair.ns1 route delete fd00:9::/64 via fd00:2::77 dev extra metric 10",
		"ip -n default.routed-pair.ns1 route delete fd00:9::/64 via fd00:1::77 dev l1 metric 10",
	}},
	{"IPv6 leg beside a route without", `ip -6 -n $a route append default via fd00:1::77 dev l1`, []string{
		"ip -n default.routed-pair.ns1 route delete ::/0 via fd00:1::77 dev l1 metric 1024",
	}},
	{"IPv6 leg instead of one", `ip -n $a route append fd00:9::/64 via fd00:1::77 metric 10 && ip -n $a route delete fd00:9::/64 via fd00:2::fe metric 10`, []string{
		"ip -n default.routed-pair.ns1 route replace fd00:9::/64 proto 78 metric 10 nexthop via fd00:2::fe dev extra weight 3 nexthop via fd00:1::fe dev l1 weight 1",
	}},
	{"IPv6 blackhole gone", `ip -n $a route delete fd00:66::/64`, []string{
		"ip -n default.routed-pair.ns1 route replace blackhole fd00:66::/64 proto 78",
	}},
	{"ARP off", `ip -n $r link set l1 arp off`, []string{
		"ip -n default.routed-pair.router link set l1 arp on",
	}},
	{"multicast off", `ip -n $r link set l1 multicast off`, []string{
		"ip -n default.routed-pair.router link set l1 multicast on",
	}},
	{"broadcast MAC", `ip -n $r link set l1 broadcast 02:00:00:00:00:99`, []string{
		"ip -n default.routed-pair.router link set l1 broadcast ff:ff:ff:ff:ff:ff",
	}},
	{"dormant mode", `ip -n $r link set l1 mode dormant`, []string{
		"ip -n default.routed-pair.router link set l1 mode default",
	}},
	{"dormant", `ip -n $r link set l1 state dormant`, []string{
		"ip -n default.routed-pair.router link set l1 state up",
	}},
	{"address with a lifetime", `ip -n $r address change 203.0.113.254/24 dev extra valid_lft 600 preferred_lft 300`, []string{
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address deprecated", `ip -n $r address change 203.0.113.254/24 dev extra preferred_lft 0`, []string{
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address' metric", `ip -n $r address change 203.0.113.254/24 dev extra metric 7`, []string{
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address' scope", `ip -n $r address delete 203.0.113.254/24 dev extra && ip -n $r address add 203.0.113.254/24 dev extra scope link`, []string{
		"ip -n default.routed-pair.router address delete 203.0.113.254/24 dev extra",
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address' broadcast", `ip -n $r address delete 203.0.113.254/24 dev extra && ip -n $r address add 203.0.113.254/24 brd 203.0.113.1 dev extra`, []string{
		"ip -n default.routed-pair.router address delete 203.0.113.254/24 dev extra",
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address' peer in another network", `ip -n $r address delete 203.0.113.254/24 dev extra && ip -n $r address add 203.0.113.254 peer 10.88.0.1/24 dev extra`, []string{
		"ip -n default.routed-pair.router address delete 203.0.113.254/24 dev extra",
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"address without its route", `ip -n $r address delete 203.0.113.254/24 dev extra && ip -n $r address add 203.0.113.254/24 dev extra noprefixroute`, []string{
		"ip -n default.routed-pair.router address delete 203.0.113.254/24 dev extra",
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"IPv6 address with a lifetime", `ip -n $r address change fd00:2::fe/64 dev extra valid_lft 600 preferred_lft 300`, []string{
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"IPv6 address deprecated", `ip -n $r address change fd00:2::fe/64 dev extra preferred_lft 0`, []string{
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"IPv6 address' metric", `ip -n $r address change fd00:2::fe/64 dev extra metric 7`, []string{
		"ip -n default.routed-pair.router address delete fd00:2::fe/64 dev extra",
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"IPv6 address' flags", `ip -n $r address change fd00:2::fe/64 dev extra home mngtmpaddr`, []string{
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"IPv6 address without its route", `ip -n $r address change fd00:2::fe/64 dev extra noprefixroute`, []string{
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"IPv6 address' peer", `ip -n $r address change fd00:2::fe peer fd00:88::1/64 dev extra`, []string{
		"ip -n default.routed-pair.router address delete fd00:2::fe/64 dev extra",
		"ip -n default.routed-pair.router address replace fd00:2::fe/64 dev extra nodad",
	}},
	{"address' network unreachable", `ip -n $r route delete 203.0.113.0/24`, []string{
		"ip -n default.routed-pair.router route prepend 203.0.113.0/24 dev extra proto kernel scope link src 203.0.113.254",
	}},
	{"address' network elsewhere", `ip -n $r route replace 203.0.113.0/24 via 192.0.2.1`, []string{
		"ip -n default.routed-pair.router route prepend 203.0.113.0/24 dev extra proto kernel scope link src 203.0.113.254",
	}},
	{"address' network from another source", `ip -n $r route change 203.0.113.0/24 dev extra proto kernel scope link src 192.0.2.254`, []string{
		"ip -n default.routed-pair.router route prepend 203.0.113.0/24 dev extra proto kernel scope link src 203.0.113.254",
	}},
	{"packets for an address not taken", `ip -n $r route delete table local local 203.0.113.254`, []string{
		"ip -n default.routed-pair.router address delete 203.0.113.254/24 dev extra",
		"ip -n default.routed-pair.router address replace 203.0.113.254/24 dev extra",
	}},
	{"IPv6 address' network unreachable", `ip -n $r route delete fd00:2::/64`, []string{
		"ip -n default.routed-pair.router route prepend fd00:2::/64 dev extra proto kernel metric 256",
	}},
	{"link-local network unreachable", `ip -n $r route delete fe80::/64 dev l1`, []string{
		"ip -n default.routed-pair.router route prepend fe80::/64 dev l1 proto kernel metric 256",
	}},
	{"all routes of a host flushed", `ip -n $b route flush table main; ip -6 -n $b route flush table main`, []string{
		"ip -n default.routed-pair.ns2 route prepend 198.51.100.0/24 dev l2 proto kernel scope link src 198.51.100.1",
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route's scope", `ip -n $a route change 10.10.0.0/24 dev l1 proto 78 scope global`, []string{
		"ip -n default.routed-pair.ns1 route replace 10.10.0.0/24 dev l1 proto 78",
	}},
	{"route's congestion control and window", `ip -n $b route change default via 198.51.100.254 proto 78 congctl reno initcwnd 2`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"route by a next hop object", `ip -n $b nexthop add id 7 via 198.51.100.254 dev l2 && ip -n $b route replace default nhid 7 proto 78`, []string{
		"ip -n default.routed-pair.ns2 route replace default via 198.51.100.254 dev l2 proto 78",
	}},
	{"IPv6 route's preference", `ip -6 -n $a route change default via fe80::2 dev l1 proto 78 pref high`, []string{
		"ip -n default.routed-pair.ns1 route replace ::/0 via fe80::2 dev l1 proto 78",
	}},
	{"IPv6 route's end", `ip -6 -n $a route change default via fe80::2 dev l1 proto 78 expires 600`, []string{
		"ip -n default.routed-pair.ns1 route replace ::/0 via fe80::2 dev l1 proto 78",
	}},
	{"IPv6 route's metrics", `ip -6 -n $a route change default via fe80::2 dev l1 proto 78 mtu 1300`, []string{
		"ip -n default.routed-pair.ns1 route replace ::/0 via fe80::2 dev l1 proto 78",
	}},
	{"symlink gone", `rm /run/netns/$a`, []string{
		"ln -s /run/netlab/netns/default.routed-pair.ns1 /run/netns/default.routed-pair.ns1",
	}},
	{"veth deleted", `ip -n $r link delete l2`, nil},
	{"link renamed", `ip -n $b link set l2 down && ip -n $b link set l2 name other && ip -n $b link set other up`, nil},
	{"two links swapped names", `ip -n $r link set l1 down; ip -n $r link set l2 down; ip -n $r link set l1 name x; ip -n $r link set l2 name l1; ip -n $r link set x name l2`, nil},
	{"an end moved away", `ip -n $b link set l2 netns 1`, nil},
	{"namespace unmounted", `umount /run/netlab/netns/$r`, nil},
	{"namespace deleted", `umount /run/netlab/netns/$r && rm /run/netlab/netns/$r`, nil},
	{"everything deleted but the symlinks", `for n in $a $r $b; do umount /run/netlab/netns/$n && rm /run/netlab/netns/$n; done`, nil},
	{"IPv6 disabled", `ip netns exec $a sysctl -qw net.ipv6.conf.all.disable_ipv6=1`, nil},
	{"MTU too small for IPv6", `ip -n $a link set l1 mtu 1000`, nil},
	{"addresses flushed", `ip -n $a address flush dev l1`, nil},
	{"routes flushed", `ip -n $a route flush proto 78; ip -6 -n $a route flush proto 78`, nil},
}

func TestDriftIsSeenAndRepaired(t *testing.T) { mustRepair(t, everythingLab(), drifts) }

// mustRepair does each thing to a lab and wants it seen, undone, and nothing else touched: where
// the table names a plan, that is all there is to do. A @ in it is the handle of the link's queue.
func mustRepair(t *testing.T, want state.State, drifts []drift) {
	mine := apart(t, 3)
	if mine == nil {
		return
	}
	for i, d := range drifts {
		if !mine(i) {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			k := newKernel(t, Options{})
			converge(t, k, want)
			waitUntil(t, "the kernel chooses no port's state any more", func() bool { return len(observe(t, k, want).Settling) == 0 })
			expected := lines(d.plan)
			for _, line := range d.plan {
				if before, _, ok := strings.Cut(line, "@"); ok {
					words := strings.Fields(before) // tc -n NAMESPACE qdisc delete dev LINK parent
					handle := sh(t, fmt.Sprintf("tc -n %s qdisc show dev %s root | cut -d' ' -f3", words[2], words[6]))
					expected = strings.ReplaceAll(expected, "@", strings.TrimSpace(handle))
				}
			}
			look := newLook(t, k, want)
			sh(t, "s="+sw+"\n"+shorthand+d.do)
			look.mustFind(t, d)
			plan := state.Diff(observe(t, k, want).State, want)
			if len(plan) == 0 {
				t.Fatal("it was not seen")
			}
			if d.plan != nil && texts(plan) != expected {
				t.Errorf("the plan is\n%swant\n%s", texts(plan), expected)
			}
			repair(t, k, want)
		})
	}
}

// repair applies plans until nothing is left, at most three times, as converge.Converge does.
func repair(t *testing.T, k *Kernel, want state.State) {
	t.Helper()
	for range 3 {
		plan := state.Diff(observe(t, k, want).State, want)
		if len(plan) == 0 {
			break
		}
		if _, err := k.Apply(t.Context(), plan); err != nil {
			t.Fatalf("Apply: %v\nplan:\n%s", err, texts(plan))
		}
	}
	mustHold(t, k, want)
}

func lines(texts []string) string {
	var all string
	for _, text := range texts {
		all += text + "\n"
	}
	return all
}

func TestAnEditLeavesOtherLinksAlone(t *testing.T) {
	k := newKernel(t, Options{})
	before := tutorialLab()
	converge(t, k, before)
	index := observe(t, k, before).Index
	after := playOn(before, create(ns3), symlink(ns3), loUp(ns3), pair(end(router, "l3", 9), end(ns3, "l3", 10)), up(router, "l3"), up(ns3, "l3"))
	changes := func() string { return sh(t, "grep -h . /proc/net/dev >/dev/null; ip -n "+router+" -o link show l1") }
	shown := changes()
	converge(t, k, after)
	for id, was := range index {
		if is := observe(t, k, after).Index[id]; is != was {
			t.Errorf("%v had index %d and now has %d", id, was, is)
		}
	}
	if now := changes(); now != shown {
		t.Errorf("l1 changed from %s to %s", shown, now)
	}
	converge(t, k, before)
	if got := slices.Sorted(maps.Keys(observe(t, k, before).State)); !slices.Equal(got, []string{ns1, ns2, router}) {
		t.Errorf("namespaces %v", got)
	}
}
