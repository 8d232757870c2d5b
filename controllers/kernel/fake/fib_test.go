// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"net/netip"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
)

func reject(to string, kind state.RouteType) state.Op {
	op := route(to)
	op.Type = kind
	return op
}

// The answers are those of Linux 6.18's ip route get, but for two where package kernel says
// more: IPv6 look-ups do not ask whether the node forwards, and a refused source is EINVAL
// like a blackhole.
func TestLookups(t *testing.T) {
	base := []state.Op{
		route("10.9.0.0/24", via("10.1.0.2", "l1")),
		route("fd09::/64", via("fd01::2", "l1")),
		reject("10.66.0.0/16", state.Blackhole),
		reject("10.67.0.0/16", state.Unreachable),
		reject("10.68.0.0/16", state.Prohibit),
		reject("fd66::/64", state.Blackhole),
	}
	forward := []state.Op{sysctl("net.ipv4.ip_forward", "1"), sysctl("net.ipv6.conf.all.forwarding", "1")}
	strict := append(forward, sysctl("net.ipv4.conf.all.rp_filter", "1"))
	loose := append(forward, sysctl("net.ipv4.conf.all.rp_filter", "2"))
	tests := []struct {
		name              string
		setup             []state.Op
		to, from, arrives string
		want              string
	}{
		{name: "its own address", to: "10.1.0.1", want: "local"},
		{name: "its own IPv4 address on a link that is down", to: "10.3.0.1", want: "local"},
		{name: "its own IPv6 address on a link that is down", to: "fd03::1", want: "no route"},
		{name: "lo", to: "127.0.0.1", want: "local"},
		{name: "a neighbour", to: "10.1.0.2", want: "l1 src 10.1.0.1"},
		{name: "an IPv6 neighbour", to: "fd02::7", want: "l2 src fd02::1"},
		{name: "behind a gateway", to: "10.9.0.1", want: "l1 via 10.1.0.2 src 10.1.0.1"},
		{name: "nowhere", to: "10.99.0.1", want: "no route"},
		{name: "over a link that is down", to: "10.3.0.2", want: "no route"},
		{name: "a blackhole", to: "10.66.0.1", want: "discarded"},
		{name: "an unreachable route", to: "10.67.0.1", want: "not forwarded"},
		{name: "a prohibit route", to: "10.68.0.1", want: "prohibited"},
		{name: "from another of its addresses", to: "10.9.0.1", from: "10.2.0.1", want: "l1 via 10.1.0.2 src 10.1.0.1"},

		{name: "arriving for itself", to: "10.1.0.1", from: "10.2.0.2", arrives: "l2", want: "local"},
		{name: "arriving where nothing is forwarded", to: "10.9.0.1", from: "10.2.0.2", arrives: "l2", want: "not forwarded"},
		{name: "forwarding is asked before the route", to: "10.66.0.1", from: "10.2.0.2", arrives: "l2", want: "not forwarded"},
		{name: "IPv6 arriving where nothing is forwarded", to: "fd09::1", from: "fd02::2", arrives: "l2", want: "not forwarded"},
		{name: "forwarding is asked before the IPv6 route", to: "fd99::1", from: "fd02::2", arrives: "l2", want: "not forwarded"},
		{name: "IPv6 forwarded to nowhere", setup: forward, to: "fd99::1", from: "fd02::2", arrives: "l2", want: "no route"},
		{name: "forwarded", setup: forward, to: "10.9.0.1", from: "10.2.0.2", arrives: "l2", want: "l1 via 10.1.0.2 src 10.1.0.1"},
		{name: "IPv6 forwarded", setup: forward, to: "fd09::1", from: "fd02::2", arrives: "l2", want: "l1 via fd01::2 src fd01::1"},
		{name: "forwarded into a blackhole", setup: forward, to: "fd66::1", from: "fd02::2", arrives: "l2", want: "discarded"},
		{name: "one interface does not forward", setup: append(forward, sysctl("net.ipv4.conf.l2.forwarding", "0")),
			to: "10.9.0.1", from: "10.2.0.2", arrives: "l2", want: "not forwarded"},
		{name: "from one of its own addresses", setup: forward, to: "10.9.0.1", from: "10.1.0.1", arrives: "l2", want: "filtered"},
		{name: "strict filter, source elsewhere", setup: strict, to: "10.9.0.1", from: "10.1.0.7", arrives: "l2", want: "filtered"},
		{name: "strict filter, source unknown", setup: strict, to: "10.1.0.1", from: "10.77.0.7", arrives: "l2", want: "filtered"},
		{name: "strict filter, source where it should be", setup: strict, to: "10.9.0.1", from: "10.2.0.7", arrives: "l2", want: "l1 via 10.1.0.2 src 10.1.0.1"},
		{name: "loose filter, source elsewhere", setup: loose, to: "10.9.0.1", from: "10.1.0.7", arrives: "l2", want: "l1 via 10.1.0.2 src 10.1.0.1"},
		{name: "loose filter, source unknown", setup: loose, to: "10.9.0.1", from: "10.77.0.7", arrives: "l2", want: "filtered"},
		{name: "the longer prefix wins", setup: []state.Op{route("10.9.0.128/25", via("10.2.0.9", "l2"))}, to: "10.9.0.200", want: "l2 via 10.2.0.9 src 10.2.0.1"},
		{name: "a whole IPv4 prefix on lo is local", setup: []state.Op{addAddress("lo", "10.50.0.1/24")}, to: "10.50.0.9", want: "local"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := twoPairs(t)
			apply(t, k, base...)
			apply(t, k, tt.setup...)
			q := state.ForwardingQuery{Namespace: nsA, Destination: netip.MustParseAddr(tt.to), Incoming: tt.arrives}
			if tt.from != "" {
				q.Source = netip.MustParseAddr(tt.from)
			}
			if got := answer(t, k, q); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func answer(t *testing.T, k *fake.Kernel, q state.ForwardingQuery) string {
	t.Helper()
	d, err := k.LookupRoute(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if d.Verdict != state.Forward {
		return [...]string{"", "local", "no route", "not forwarded", "discarded", "prohibited", "filtered"}[d.Verdict]
	}
	text := d.Link
	if d.Via.IsValid() {
		text += " via " + d.Via.String()
	}
	return text + " src " + d.Source.String()
}

func TestLookupsThatCannotBeMade(t *testing.T) {
	k := twoPairs(t)
	for _, q := range []state.ForwardingQuery{
		{Namespace: "default.lab.nope", Destination: netip.MustParseAddr("10.1.0.1")},
		{Namespace: nsA, Destination: netip.MustParseAddr("10.1.0.1"), Incoming: "nope"},
		{Namespace: nsA, Destination: netip.MustParseAddr("10.1.0.2"), Source: netip.MustParseAddr("10.77.0.1")},
	} {
		if d, err := k.LookupRoute(t.Context(), q); err == nil {
			t.Errorf("%+v has an answer: %+v", q, d)
		}
	}
}
