// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netlab-dev/netlab/controllers/state"
)

func end(namespace, link string) state.LinkID {
	return state.LinkID{Namespace: namespace, Name: link}
}

func address(namespace, link, prefix string) state.AddressID {
	return state.AddressID{Namespace: namespace, AddressKey: state.AddressKey{Link: link, Prefix: netip.MustParsePrefix(prefix)}}
}

// route is one of ours; legs are "link via" or "link".
func route(namespace, prefix, source string, legs ...string) state.ReplaceRoute {
	r := state.Route{Protocol: state.RouteProtocol}
	if source != "" {
		r.Source = netip.MustParseAddr(source)
	}
	var hops []state.NextHop
	for _, leg := range legs {
		link, via, _ := strings.Cut(leg, " ")
		hop := state.NextHop{Link: link, Weight: 1}
		if via != "" {
			hop.Via = netip.MustParseAddr(via)
		}
		hops = append(hops, hop)
	}
	r.Hops, _ = state.GroupOf(hops...)
	id := state.RouteID{Namespace: namespace, RouteKey: state.RouteKey{Prefix: netip.MustParsePrefix(prefix)}}
	if id.Prefix.Addr().Is6() {
		id.Metric = state.DefaultIPv6Metric
	}
	return state.ReplaceRoute{RouteID: id, Route: r}
}

func discard(namespace, prefix string, kind state.RouteType) state.ReplaceRoute {
	r := route(namespace, prefix, "")
	r.Type = kind
	return r
}

func sysctl(namespace, name, value string) state.SetSysctl {
	key, ok := state.ParseSetting(name)
	number, err := strconv.Atoi(value)
	if !ok || err != nil {
		panic(name + "=" + value)
	}
	return state.SetSysctl{SettingID: state.SettingID{Namespace: namespace, SettingKey: key}, Value: state.ValueOf(number)}
}

func pair(a, b state.LinkID, mac byte) state.AddLink {
	return state.AddLink{Ends: [2]state.LinkEnd{
		{LinkID: a, MAC: state.MAC{2, 0, 0, 0, mac, 1}, MTU: 1500},
		{LinkID: b, MAC: state.MAC{2, 0, 0, 0, mac, 2}, MTU: 1500},
	}}
}

// twoNodes are a and b with two links between them; a has something of everything.
func twoNodes() state.State {
	s := state.State{}
	for _, op := range []state.Op{
		state.CreateNamespace{Name: "a", Label: "mark-a"}, state.AddSymlink{Name: "a"},
		state.CreateNamespace{Name: "b", Label: "mark-b"},
		sysctl("a", "net.ipv6.conf.all.disable_ipv6", "0"),
		pair(end("a", "l1"), end("b", "l1"), 1), pair(end("a", "l2"), end("b", "l2"), 2),
		state.SetAdmin{LinkID: end("a", "lo"), Up: true},
		state.SetAdmin{LinkID: end("a", "l1"), Up: true}, state.SetAdmin{LinkID: end("a", "l2"), Up: true},
		state.AddAddress{AddressID: address("a", "lo", "10.255.0.1/32")},
		state.AddAddress{AddressID: address("a", "lo", "fd00:ff::1/128")},
		state.AddAddress{AddressID: address("a", "l1", "10.0.1.1/24")},
		state.AddAddress{AddressID: address("a", "l1", "10.0.1.2/24")},
		state.AddAddress{AddressID: address("a", "l1", "10.0.7.1/24")},
		state.AddAddress{AddressID: address("a", "l1", "fd00:1::1/64")},
		state.AddAddress{AddressID: address("a", "l1", "fe80::1/64")},
		state.AddAddress{AddressID: address("a", "l2", "10.0.2.1/24")},
		state.AddAddress{AddressID: address("a", "l2", "fd00:2::1/64")},
		route("a", "0.0.0.0/0", "", "l1 10.0.1.9"),
		route("a", "10.1.0.0/16", "", "l1 10.0.1.9", "l2 10.0.2.9"),
		route("a", "10.2.0.0/16", "", "l1 fe80::9"),
		route("a", "10.3.0.0/16", "10.255.0.1", "l2 10.0.2.9"),
		discard("a", "10.66.0.0/16", state.Blackhole),
		route("a", "::/0", "", "l1 fd00:1::9"),
		route("a", "fd11::/48", "", "l1 fd00:1::9", "l2 fd00:2::9"),
		route("a", "fd13::/48", "fd00:ff::1", "l2 fd00:2::9"),
		discard("a", "fd66::/48", state.Unreachable),
	} {
		s = s.With(op)
	}
	return s
}

// Each row: an operation, and the lines of the dump that it takes away and puts there.
var cascades = []struct {
	name  string
	op    state.Op
	delta string
}{
	{"a namespace goes with everything in it and the other ends of its links", state.DeleteNamespace{Name: "b"}, `
- namespace b {Label:mark-b Mounted:true Symlink:false}
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
- link a l2 peer=b/l2 mac=02:00:00:00:02:01 mtu=1500 group=20044 master="" up=true
- link b l1 peer=a/l1 mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=false
- link b l2 peer=a/l2 mac=02:00:00:00:02:02 mtu=1500 group=20044 master="" up=false
- link b lo peer=/ mac=00:00:00:00:00:00 mtu=65536 group=0 master="" up=false
- address a l1 10.0.1.1/24 order=0
- address a l1 10.0.1.2/24 order=2
- address a l1 10.0.7.1/24 order=1
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- address a l2 10.0.2.1/24 order=0
- address a l2 fd00:2::1/64 order=0
- route a default via 10.0.1.9 dev l1 proto 78 more=0
- route a 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1 more=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- route a fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::1 more=0
- 94 sysctls
`},
	{"a symlink keeps the name", state.DeleteNamespace{Name: "a"}, `
- namespace a {Label:mark-a Mounted:true Symlink:true}
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
- link a l2 peer=b/l2 mac=02:00:00:00:02:01 mtu=1500 group=20044 master="" up=true
- link a lo peer=/ mac=00:00:00:00:00:00 mtu=65536 group=0 master="" up=true
- link b l1 peer=a/l1 mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=false
- link b l2 peer=a/l2 mac=02:00:00:00:02:02 mtu=1500 group=20044 master="" up=false
- address a l1 10.0.1.1/24 order=0
- address a l1 10.0.1.2/24 order=2
- address a l1 10.0.7.1/24 order=1
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- address a l2 10.0.2.1/24 order=0
- address a l2 fd00:2::1/64 order=0
- address a lo 10.255.0.1/32 order=0
- address a lo fd00:ff::1/128 order=0
- route a default via 10.0.1.9 dev l1 proto 78 more=0
- route a 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1 more=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1 more=0
- route a blackhole 10.66.0.0/16 proto 78 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- route a fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::1 more=0
- route a unreachable fd66::/48 proto 78 more=0
- 94 sysctls
+ namespace a {Label: Mounted:false Symlink:true}
`},
	{"a link goes at both ends, with IPv4 routes that have any leg on it", state.DeleteLink{LinkID: end("b", "l1")}, `
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
- link b l1 peer=a/l1 mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=false
- address a l1 10.0.1.1/24 order=0
- address a l1 10.0.1.2/24 order=2
- address a l1 10.0.7.1/24 order=1
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- route a default via 10.0.1.9 dev l1 proto 78 more=0
- route a 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1 more=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- 30 sysctls
`},
	{"routes over a link that is set down", state.SetAdmin{LinkID: end("a", "l1")}, `
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
- address a l1 fe80::1/64 order=0
- route a default via 10.0.1.9 dev l1 proto 78 more=0
- route a 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1 more=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
+ link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=false
`},
	{"lo carries IPv6's routes to nowhere", state.SetAdmin{LinkID: end("a", "lo")}, `
- link a lo peer=/ mac=00:00:00:00:00:00 mtu=65536 group=0 master="" up=true
- route a unreachable fd66::/48 proto 78 more=0
+ link a lo peer=/ mac=00:00:00:00:00:00 mtu=65536 group=0 master="" up=false
`},
	{"an MTU too small for IPv6", state.SetMTU{LinkID: end("a", "l1"), MTU: 1279}, `
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- sysctl a net.ipv6.conf.l1.accept_ra=0
- sysctl a net.ipv6.conf.l1.accept_redirects=0
- sysctl a net.ipv6.conf.l1.addr_gen_mode=1
- sysctl a net.ipv6.conf.l1.disable_ipv6=0
- sysctl a net.ipv6.conf.l1.forwarding=0
- sysctl a net.ipv6.conf.l1.hop_limit=64
+ link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1279 group=20044 master="" up=true
`},
	{"an MTU that is not", state.SetMTU{LinkID: end("a", "l1"), MTU: 1280}, `
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
+ link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1280 group=20044 master="" up=true
`},
	{"a primary address is followed by its first secondary", state.DeleteAddress{AddressID: address("a", "l1", "10.0.1.1/24")}, `
- address a l1 10.0.1.1/24 order=0
- address a l1 10.0.1.2/24 order=2
- address a l1 10.0.7.1/24 order=1
+ address a l1 10.0.1.2/24 order=1
+ address a l1 10.0.7.1/24 order=0
`},
	{"the last IPv4 address takes IPv4 routes along", state.DeleteAddress{AddressID: address("a", "l2", "10.0.2.1/24")}, `
- address a l2 10.0.2.1/24 order=0
- route a 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1 more=0
- route a 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1 more=0
`},
	{"a source takes its routes along", state.DeleteAddress{AddressID: address("a", "lo", "10.255.0.1/32")}, `
- address a lo 10.255.0.1/32 order=0
- route a 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1 more=0
`},
	{"an IPv6 address takes only routes with it as source", state.DeleteAddress{AddressID: address("a", "l1", "fd00:1::1/64")}, `
- address a l1 fd00:1::1/64 order=0
`},
	{"a new primary stands before secondaries", state.AddAddress{AddressID: address("a", "l1", "10.0.9.1/24")}, `
- address a l1 10.0.1.2/24 order=2
+ address a l1 10.0.1.2/24 order=3
+ address a l1 10.0.9.1/24 order=2
`},
	{"forwarding is every link's", sysctl("a", "net.ipv4.ip_forward", "1"), `
- sysctl a net.ipv4.conf.l1.forwarding=0
- sysctl a net.ipv4.conf.l2.forwarding=0
- sysctl a net.ipv4.ip_forward=0
+ sysctl a net.ipv4.conf.l1.forwarding=1
+ sysctl a net.ipv4.conf.l2.forwarding=1
+ sysctl a net.ipv4.ip_forward=1
`},
	{"the same value changes nothing", sysctl("a", "net.ipv4.ip_forward", "0"), ``},
	{"IPv6 forwarding too", sysctl("a", "net.ipv6.conf.all.forwarding", "1"), `
- sysctl a net.ipv6.conf.all.forwarding=0
- sysctl a net.ipv6.conf.l1.forwarding=0
- sysctl a net.ipv6.conf.l2.forwarding=0
+ sysctl a net.ipv6.conf.all.forwarding=1
+ sysctl a net.ipv6.conf.l1.forwarding=1
+ sysctl a net.ipv6.conf.l2.forwarding=1
`},
	{"a namespace without IPv6", sysctl("a", "net.ipv6.conf.all.disable_ipv6", "1"), `
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- address a l2 fd00:2::1/64 order=0
- address a lo fd00:ff::1/128 order=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- route a fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::1 more=0
- route a unreachable fd66::/48 proto 78 more=0
- sysctl a net.ipv6.conf.all.disable_ipv6=0
- sysctl a net.ipv6.conf.l1.disable_ipv6=0
- sysctl a net.ipv6.conf.l2.disable_ipv6=0
- sysctl a net.ipv6.conf.lo.disable_ipv6=0
+ sysctl a net.ipv6.conf.all.disable_ipv6=1
+ sysctl a net.ipv6.conf.l1.disable_ipv6=1
+ sysctl a net.ipv6.conf.l2.disable_ipv6=1
+ sysctl a net.ipv6.conf.lo.disable_ipv6=1
`},
	{"a link without IPv6", sysctl("a", "net.ipv6.conf.l1.disable_ipv6", "1"), `
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- sysctl a net.ipv6.conf.l1.disable_ipv6=0
+ sysctl a net.ipv6.conf.l1.disable_ipv6=1
`},
	{"lo without IPv6", sysctl("a", "net.ipv6.conf.lo.disable_ipv6", "1"), `
- address a lo fd00:ff::1/128 order=0
- route a fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::1 more=0
- route a unreachable fd66::/48 proto 78 more=0
- sysctl a net.ipv6.conf.lo.disable_ipv6=0
+ sysctl a net.ipv6.conf.lo.disable_ipv6=1
`},
	{"a namespace that is there is not made again", state.CreateNamespace{Name: "a", Label: "mark-a"}, ``},
	{"a namespace with another mark is", state.CreateNamespace{Name: "b", Label: "mark-c"}, `
- namespace b {Label:mark-b Mounted:true Symlink:false}
- link a l1 peer=b/l1 mac=02:00:00:00:01:01 mtu=1500 group=20044 master="" up=true
- link a l2 peer=b/l2 mac=02:00:00:00:02:01 mtu=1500 group=20044 master="" up=true
- link b l1 peer=a/l1 mac=02:00:00:00:01:02 mtu=1500 group=20044 master="" up=false
- link b l2 peer=a/l2 mac=02:00:00:00:02:02 mtu=1500 group=20044 master="" up=false
- address a l1 10.0.1.1/24 order=0
- address a l1 10.0.1.2/24 order=2
- address a l1 10.0.7.1/24 order=1
- address a l1 fd00:1::1/64 order=0
- address a l1 fe80::1/64 order=0
- address a l2 10.0.2.1/24 order=0
- address a l2 fd00:2::1/64 order=0
- route a default via 10.0.1.9 dev l1 proto 78 more=0
- route a 10.1.0.0/16 proto 78 nexthop via 10.0.1.9 dev l1 weight 1 nexthop via 10.0.2.9 dev l2 weight 1 more=0
- route a 10.2.0.0/16 via inet6 fe80::9 dev l1 proto 78 more=0
- route a 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1 more=0
- route a ::/0 via fd00:1::9 dev l1 proto 78 more=0
- route a fd11::/48 proto 78 nexthop via fd00:1::9 dev l1 weight 1 nexthop via fd00:2::9 dev l2 weight 1 more=0
- route a fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::1 more=0
- 60 sysctls
+ namespace b {Label:mark-c Mounted:true Symlink:false}
`},
	{"a link that is there is not made again", pair(end("a", "l1"), end("b", "l1"), 9), ``},
	{"what is not there cannot be deleted", state.DeleteLink{LinkID: end("a", "l9")}, ``},
}

func TestWhatAnOperationTakesAlong(t *testing.T) {
	before := twoNodes()
	for _, c := range cascades {
		t.Run(c.name, func(t *testing.T) {
			got := delta(before.String(), before.With(c.op).String())
			if diff := cmp.Diff(strings.TrimSpace(c.delta), strings.TrimSpace(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.op, diff)
			}
		})
	}
	if after := twoNodes(); !after.Equal(before) {
		t.Errorf("With changed its receiver: %s", delta(before.String(), after.String()))
	}
}

// The order in which a kernel with promote_secondaries lists a link's addresses, as 3,000 random
// additions and deletions on Linux 6.18 showed it.
func TestOrderOfIPv4AddressesIsTheKernels(t *testing.T) {
	const all = "10.0.1.1/24 10.0.2.1/24 10.0.3.1/24 10.0.1.2/24 10.0.3.2/24 10.0.1.3/24"
	for _, c := range []struct{ gone, left string }{
		{"10.0.1.1/24", "10.0.2.1/24 10.0.3.1/24 10.0.1.2/24 10.0.3.2/24 10.0.1.3/24"},
		{"10.0.2.1/24", "10.0.1.1/24 10.0.3.1/24 10.0.1.2/24 10.0.3.2/24 10.0.1.3/24"},
		{"10.0.3.1/24", "10.0.1.1/24 10.0.2.1/24 10.0.3.2/24 10.0.1.2/24 10.0.1.3/24"},
		{"10.0.1.2/24", "10.0.1.1/24 10.0.2.1/24 10.0.3.1/24 10.0.3.2/24 10.0.1.3/24"},
	} {
		s := state.State{}
		for _, prefix := range []string{"10.0.1.1/24", "10.0.1.2/24", "10.0.2.1/24", "10.0.3.1/24", "10.0.3.2/24", "10.0.1.3/24"} {
			s = s.With(state.AddAddress{AddressID: address("a", "l1", prefix)})
		}
		if got := order(s); got != all {
			t.Fatalf("added, they stand as %s, want %s", got, all)
		}
		if got := order(s.With(state.DeleteAddress{AddressID: address("a", "l1", c.gone)})); got != c.left {
			t.Errorf("without %s they stand as\n%s, want\n%s", c.gone, got, c.left)
		}
	}
}

// order is all IPv4 addresses of a State with one link, the primary first.
func order(s state.State) string {
	list := make([]string, len(s["a"].Addresses))
	for id, row := range s["a"].Addresses {
		list[row.Order] = id.Prefix.String()
	}
	return strings.Join(list, " ")
}

// delta is the lines that are gone and the lines that are new; many settings are one line.
func delta(before, after string) string {
	return only("- ", before, after) + only("+ ", after, before)
}

func only(sign, of, against string) string {
	others := map[string]bool{}
	for line := range strings.Lines(against) {
		others[line] = true
	}
	var rows, settings []string
	for line := range strings.Lines(of) {
		switch {
		case others[line]:
		case strings.HasPrefix(line, "sysctl"):
			settings = append(settings, sign+line)
		default:
			rows = append(rows, sign+line)
		}
	}
	if len(settings) > 6 {
		settings = []string{fmt.Sprintf("%s%d sysctls\n", sign, len(settings))}
	}
	return strings.Join(append(rows, settings...), "")
}
