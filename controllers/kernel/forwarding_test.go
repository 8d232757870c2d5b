// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// crossroads is the router between left and right, with a route of every type:
//
//	left 192.0.2.0/24, 2001:db8:1::/64 -- router -- right 198.51.100.0/24, 2001:db8:2::/64
func crossroads(t *testing.T) *Kernel {
	t.Helper()
	k := newKernel(t, Options{})
	perform(t, k, create(router), symlink(router), loUp(router), create(ns1), symlink(ns1),
		set(router, "net.ipv6.conf.all.disable_ipv6", "0"), set(router, "net.ipv6.conf.lo.disable_ipv6", "0"),
		pair(end(router, "left", 1), end(ns1, "left", 2)), up(router, "left"), up(ns1, "left"),
		pair(end(router, "right", 3), end(ns1, "right", 4)), up(router, "right"), up(ns1, "right"))
	sh(t, strings.ReplaceAll(`
		ip -n R address add 192.0.2.254/24 dev left
		ip -n R address add 198.51.100.254/24 dev right
		ip -n R address add 2001:db8:1::fe/64 dev left nodad
		ip -n R address add 2001:db8:2::fe/64 dev right nodad
		ip -n R route add 10.0.0.0/24 via 198.51.100.1 mtu 1300
		ip -n R route add 10.1.0.0/24 nexthop via 192.0.2.1 nexthop via 198.51.100.1
		ip -n R route add 10.2.0.0/24 via inet6 2001:db8:2::1 dev right
		ip -n R route add 10.3.0.0/24 via 198.51.100.1 src 192.0.2.254
		ip -n R route add blackhole 10.66.0.0/16
		ip -n R route add unreachable 10.67.0.0/16
		ip -n R route add prohibit 10.68.0.0/16
		ip -n R route add 2001:db8:a::/64 via 2001:db8:2::1 mtu 1300
		ip -n R route add 2001:db8:b::/64 nexthop via 2001:db8:1::1 nexthop via 2001:db8:2::1
		ip -n R route add blackhole 2001:db8:66::/64
		ip -n R route add unreachable 2001:db8:67::/64
		ip -n R route add prohibit 2001:db8:68::/64`, "R", router))
	mustWake(t, k, []state.LinkID{link(router, "left"), link(router, "right")},
		addrID(router, "left", "2001:db8:1::fe/64"), addrID(router, "right", "2001:db8:2::fe/64"))
	return k
}

// lookups is a table of questions to the router; a source or incoming link may be missing.
type lookups []struct {
	name                          string
	destination, source, incoming string
	want                          state.ForwardingDecision
}

func (table lookups) ask(t *testing.T, k *Kernel) {
	t.Helper()
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			q := state.ForwardingQuery{Namespace: router, Destination: netip.MustParseAddr(test.destination), Incoming: test.incoming}
			if test.source != "" {
				q.Source = netip.MustParseAddr(test.source)
			}
			got, err := k.LookupRoute(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s:\n got %+v\nwant %+v", describeQuery(q), got, test.want)
			}
		})
	}
}

// only is a decision that has no more to say.
func only(v state.ForwardingVerdict) state.ForwardingDecision {
	return state.ForwardingDecision{Verdict: v}
}

func forward(link, via, source string, mtu int) state.ForwardingDecision {
	d := state.ForwardingDecision{Verdict: state.Forward, Link: link, MTU: mtu, RouteMTU: mtu}
	if via != "" {
		d.Via = netip.MustParseAddr(via)
	}
	if source != "" {
		d.Source = netip.MustParseAddr(source)
	}
	return d
}

func deliver(source string) state.ForwardingDecision {
	d := state.ForwardingDecision{Verdict: state.DeliverLocally, Link: state.Loopback}
	if source != "" {
		d.Source = netip.MustParseAddr(source)
	}
	return d
}

func TestWhatARouterDoesWithItsOwnPackets(t *testing.T) {
	lookups{
		{"IPv4 on the link", "198.51.100.1", "", "", forward("right", "", "198.51.100.254", 0)},
		{"IPv4 through a gateway", "10.0.0.1", "", "", forward("right", "198.51.100.1", "198.51.100.254", 1300)},
		{"IPv4 from another of its addresses", "10.0.0.1", "192.0.2.254", "", forward("right", "198.51.100.1", "192.0.2.254", 1300)},
		{"IPv4 through an IPv6 gateway", "10.2.0.1", "", "", forward("right", "2001:db8:2::1", "198.51.100.254", 0)},
		{"IPv4 by a route with a source", "10.3.0.1", "", "", forward("right", "198.51.100.1", "192.0.2.254", 0)},
		{"IPv4 to itself", "192.0.2.254", "", "", deliver("192.0.2.254")},
		{"IPv4 broadcast", "192.0.2.255", "", "", state.ForwardingDecision{Verdict: state.Forward, Link: "left", Source: netip.MustParseAddr("192.0.2.254"), Broadcast: true}},
		{"IPv4 without a route", "203.0.113.1", "", "", only(state.NoRoute)},
		{"IPv4 without a route from itself", "203.0.113.1", "192.0.2.254", "", only(state.NoRoute)},
		{"IPv4 blackhole", "10.66.0.1", "", "", only(state.Discarded)},
		{"IPv4 blackhole from itself", "10.66.0.1", "192.0.2.254", "", only(state.Discarded)},
		{"IPv4 unreachable", "10.67.0.1", "", "", only(state.NotForwarded)},
		{"IPv4 prohibit", "10.68.0.1", "", "", only(state.Prohibited)},
		{"IPv6 on the link", "2001:db8:2::1", "", "", forward("right", "", "2001:db8:2::fe", 0)},
		{"IPv6 through a gateway", "2001:db8:a::1", "", "", forward("right", "2001:db8:2::1", "2001:db8:2::fe", 1300)},
		{"IPv6 to itself", "2001:db8:1::fe", "", "", deliver("2001:db8:1::fe")},
		{"IPv6 without a route", "2001:db8:dead::1", "", "", only(state.NoRoute)},
		{"IPv6 blackhole", "2001:db8:66::1", "", "", only(state.Discarded)},
		{"IPv6 unreachable", "2001:db8:67::1", "", "", only(state.NotForwarded)},
		{"IPv6 prohibit", "2001:db8:68::1", "", "", only(state.Prohibited)},
	}.ask(t, crossroads(t))
}

func TestWhatARouterDoesWithPacketsThatComeIn(t *testing.T) {
	k := crossroads(t)
	perform(t, k, set(router, "net.ipv4.ip_forward", "1"), set(router, "net.ipv6.conf.all.forwarding", "1"))
	const from4, from6 = "192.0.2.1", "2001:db8:1::1"
	lookups{
		{"IPv4 on the link", "198.51.100.1", from4, "left", forward("right", "", "", 0)},
		{"IPv4 through a gateway", "10.0.0.1", from4, "left", forward("right", "198.51.100.1", "", 1300)},
		{"IPv4 for itself", "198.51.100.254", from4, "left", deliver("")},
		{"IPv4 broadcast", "192.0.2.255", from4, "left", deliver("")},
		{"IPv4 without a route", "203.0.113.1", from4, "left", only(state.NoRoute)},
		{"IPv4 blackhole", "10.66.0.1", from4, "left", only(state.Discarded)},
		{"IPv4 unreachable", "10.67.0.1", from4, "left", only(state.NotForwarded)},
		{"IPv4 prohibit", "10.68.0.1", from4, "left", only(state.Prohibited)},
		{"IPv6 on the link", "2001:db8:2::1", from6, "left", forward("right", "", "", 0)},
		{"IPv6 through a gateway", "2001:db8:a::1", from6, "left", forward("right", "2001:db8:2::1", "", 1300)},
		{"IPv6 for itself", "2001:db8:2::fe", from6, "left", deliver("")},
		{"IPv6 without a route", "2001:db8:dead::1", from6, "left", only(state.NoRoute)},
		{"IPv6 blackhole", "2001:db8:66::1", from6, "left", only(state.Discarded)},
		{"IPv6 unreachable", "2001:db8:67::1", from6, "left", only(state.NotForwarded)},
		{"IPv6 prohibit", "2001:db8:68::1", from6, "left", only(state.Prohibited)},
	}.ask(t, k)
}

func TestWhatANodeThatDoesNotForwardDoesWithPacketsThatComeIn(t *testing.T) {
	const from4, from6 = "192.0.2.1", "2001:db8:1::1"
	lookups{
		{"IPv4", "198.51.100.1", from4, "left", only(state.NotForwarded)},
		{"IPv4 without a route", "203.0.113.1", from4, "left", only(state.NotForwarded)},
		{"IPv4 for itself", "192.0.2.254", from4, "left", deliver("")},
		{"IPv6", "2001:db8:2::1", from6, "left", only(state.NotForwarded)},
		{"IPv6 without a route", "2001:db8:dead::1", from6, "left", only(state.NotForwarded)},
		{"IPv6 for itself", "2001:db8:1::fe", from6, "left", deliver("")},
	}.ask(t, crossroads(t))
}

func TestReversePathFilterRefusesASource(t *testing.T) {
	k := crossroads(t)
	perform(t, k, set(router, "net.ipv4.ip_forward", "1"), set(router, "net.ipv4.conf.left.rp_filter", "1"))
	lookups{
		{"it lies elsewhere", "198.51.100.1", "198.51.100.7", "left", only(state.Filtered)},
		{"it lies elsewhere, for the router itself", "192.0.2.254", "198.51.100.7", "left", only(state.Filtered)},
		{"it is the router's own", "198.51.100.1", "192.0.2.254", "left", only(state.Filtered)},
		{"it lies here", "198.51.100.1", "192.0.2.7", "left", forward("right", "", "", 0)},
		{"there is no filter", "192.0.2.1", "192.0.2.7", "right", forward("left", "", "", 0)},
	}.ask(t, k)
}

// The kernel's look-ups say nothing of these settings; ip6_forward reads them.
func TestWhichIPv6SettingForwards(t *testing.T) {
	for name, want := range map[string]state.ForwardingVerdict{
		"":                                   state.NotForwarded,
		"all.forwarding=1":                   state.Forward,
		"left.forwarding=1":                  state.NotForwarded,
		"left.force_forwarding=1":            state.Forward,
		"right.force_forwarding=1":           state.NotForwarded,
		"all.forwarding=1 left.forwarding=0": state.Forward,
	} {
		t.Run(name, func(t *testing.T) {
			k := crossroads(t)
			for setting := range strings.FieldsSeq(name) {
				sh(t, fmt.Sprintf("ip netns exec %s sysctl -qw net.ipv6.conf.%s", router, setting))
			}
			q := state.ForwardingQuery{Namespace: router, Destination: netip.MustParseAddr("2001:db8:2::1"), Source: netip.MustParseAddr("2001:db8:1::1"), Incoming: "left"}
			got, err := k.LookupRoute(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != want {
				t.Errorf("verdict %d, want %d", got.Verdict, want)
			}
		})
	}
}

func TestOfSeveralNextHopsTheKernelChoosesOne(t *testing.T) {
	k := crossroads(t)
	for _, format := range []string{"10.1.0.%d", "2001:db8:b::%x"} {
		seen := map[string]bool{}
		for host := 1; host < 100; host++ {
			got, err := k.LookupRoute(t.Context(), state.ForwardingQuery{Namespace: router, Destination: netip.MustParseAddr(fmt.Sprintf(format, host))})
			if err != nil {
				t.Fatal(err)
			}
			seen[got.Link+" "+got.Via.String()] = true
		}
		if len(seen) != 2 {
			t.Errorf("%s: the ways are %v, want both", format, seen)
		}
	}
}

// A leg whose link is down stays in the route.
func TestALookupShowsAllNextHops(t *testing.T) {
	k := crossroads(t)
	left, right := state.Leg{Link: "left", Weight: 1}, state.Leg{Link: "right", Weight: 1}
	four, six := []state.Leg{left, right}, []state.Leg{left, right}
	four[0].Via, four[1].Via = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	six[0].Via, six[1].Via = netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:2::1")
	expect := func(to, route string, legs []state.Leg) {
		t.Helper()
		got, err := k.LookupRoute(t.Context(), state.ForwardingQuery{Namespace: router, Destination: netip.MustParseAddr(to)})
		if err != nil || !slices.Equal(got.Legs, legs) || (len(legs) > 0) != (got.Route == netip.MustParsePrefix(route)) {
			t.Errorf("%s: %+v, %v, want %s %+v", to, got, err, route, legs)
		}
	}
	expect("10.1.0.1", "10.1.0.0/24", four)
	expect("2001:db8:b::1", "2001:db8:b::/64", six)
	expect("10.0.0.1", "10.0.0.0/24", nil)
	sh(t, "ip -n "+router+" link set left down")
	four[0].Dead, six[0].Dead = true, true
	expect("10.1.0.1", "10.1.0.0/24", four)
	expect("2001:db8:b::1", "2001:db8:b::/64", six)
}

// A lookup over one link is for packets that take that leg.
func TestALookupOverOneLink(t *testing.T) {
	k := crossroads(t)
	for _, link := range []string{"left", "right"} {
		for _, to := range []string{"10.1.0.1", "2001:db8:b::1"} {
			got, err := k.LookupRoute(t.Context(), state.ForwardingQuery{Namespace: router, Destination: netip.MustParseAddr(to), Outgoing: link})
			if err != nil || got.Link != link || !got.Source.IsValid() {
				t.Errorf("%s over %s: %+v, %v", to, link, got, err)
			}
		}
	}
}

func TestALookupThatCannotBeAnswered(t *testing.T) {
	k := crossroads(t)
	here, four := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("203.0.113.9")
	tests := []struct {
		name string
		q    state.ForwardingQuery
		want string
	}{
		{"no such link", state.ForwardingQuery{Namespace: router, Destination: here, Incoming: "none"},
			"look up 10.0.0.1 iif none in " + router + ": find none: no such device"},
		{"no such namespace", state.ForwardingQuery{Namespace: ns3, Destination: here},
			"look up 10.0.0.1 in " + ns3 + ": open " + NamespaceDir + "/" + ns3 + ": no such file or directory"},
		{"a source that is somebody else's", state.ForwardingQuery{Namespace: router, Destination: here, Source: four},
			"look up 10.0.0.1 from 203.0.113.9 in " + router + ": 203.0.113.9 is not an address of " + router},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := k.LookupRoute(t.Context(), test.q); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.LookupRoute(cancelled, tests[0].q); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}
