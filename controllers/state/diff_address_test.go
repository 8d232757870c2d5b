// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Each row: the addresses that ends of one segment have, those they should have, and every step from
// there. An end is written "node: first second …".
var readdressings = []struct {
	name             string
	have, want, plan string
}{
	{"the new address comes before the old one goes", "a: 10.0.0.1/24", "a: 10.0.0.7/24", `
+ a 10.0.0.7/24
- a 10.0.0.1/24`},
	{"in another subnet too", "a: 10.0.0.1/24", "a: 10.9.0.1/24", `
+ a 10.9.0.1/24
- a 10.0.0.1/24`},
	{"and of IPv6", "a: fd00::1/64 fe80::1/64", "a: fd00::7/64 fe80::7/64", `
+ a fd00::7/64
+ a fe80::7/64
- a fd00::1/64
- a fe80::1/64`},
	{"another mask", "a: 10.0.0.1/24", "a: 10.0.0.1/16", `
+ a 10.0.0.1/16
- a 10.0.0.1/24`},
	{"another IPv6 prefix length: the kernel holds an address once", "a: fd00::1/64", "a: fd00::1/80", `
> a fd00::1/64 a fd00::1/80`},
	{"a secondary becomes the primary", "a: 10.0.0.1/24 10.0.0.2/24", "a: 10.0.0.2/24", `
- a 10.0.0.1/24`},
	{"what goes first would be promoted last", "a: 10.0.0.1/24 10.0.0.2/24 10.0.0.3/24", "a: 10.0.0.9/24", `
+ a 10.0.0.9/24
- a 10.0.0.3/24
- a 10.0.0.2/24
- a 10.0.0.1/24`},
	{"a new primary before one that stays", "a: 10.0.0.1/24", "a: 10.0.0.7/24 10.0.0.1/24", `
+ a 10.0.0.7/24
> a 10.0.0.1/24 a 10.0.0.1/24`},
	{"two change places", "a: 10.0.0.1/24 10.0.0.2/24", "a: 10.0.0.2/24 10.0.0.1/24", `
> a 10.0.0.1/24 a 10.0.0.1/24`},
	{"three turn round", "a: 10.0.0.1/24 10.0.0.2/24 10.0.0.3/24", "a: 10.0.0.3/24 10.0.0.2/24 10.0.0.1/24", `
> a 10.0.0.2/24 a 10.0.0.2/24
> a 10.0.0.1/24 a 10.0.0.1/24`},
	{"the first of two subnets", "a: 10.0.0.1/24 10.9.0.1/24", "a: 10.0.0.7/24 10.9.0.1/24", `
+ a 10.0.0.7/24
- a 10.0.0.1/24
> a 10.9.0.1/24 a 10.9.0.1/24`},
	{"the second of two subnets", "a: 10.0.0.1/24 10.9.0.1/24", "a: 10.0.0.1/24 10.9.0.7/24", `
+ a 10.9.0.7/24
- a 10.9.0.1/24`},
	{"no address is left", "a: 10.0.0.1/24 10.0.0.2/24", "a:", `
- a 10.0.0.2/24
- a 10.0.0.1/24`},

	{"an address that moves leaves one end before it comes to the other", "a: 10.0.0.1/24; b: 10.0.0.2/24", "a: 10.0.0.2/24; b: 10.0.0.3/24", `
+ b 10.0.0.3/24
- b 10.0.0.2/24
+ a 10.0.0.2/24
- a 10.0.0.1/24`},
	{"the other way round", "a: 10.0.0.2/24; b: 10.0.0.3/24", "a: 10.0.0.1/24; b: 10.0.0.2/24", `
+ a 10.0.0.1/24
- a 10.0.0.2/24
+ b 10.0.0.2/24
- b 10.0.0.3/24`},
	{"everybody moves up", "a: fd00::1/64; b: fd00::2/64; c: fd00::3/64", "a: fd00::2/64; b: fd00::3/64; c: fd00::4/64", `
+ c fd00::4/64
- c fd00::3/64
+ b fd00::3/64
- b fd00::2/64
+ a fd00::2/64
- a fd00::1/64`},
	{"two ends change addresses: both have both for a moment", "a: 10.0.0.1/24; b: 10.0.0.2/24", "a: 10.0.0.2/24; b: 10.0.0.1/24", `
+ a 10.0.0.2/24
+ b 10.0.0.1/24
- a 10.0.0.1/24
- b 10.0.0.2/24`},
	{"an address that two ends keep is no concern", "a: 10.0.0.1/24; b: 10.0.0.9/24", "a: 10.0.0.9/24; b: 10.0.0.9/24", `
+ a 10.0.0.9/24
- a 10.0.0.1/24`},
}

func TestAddressesAreMadeBeforeTheyAreBroken(t *testing.T) {
	for _, c := range readdressings {
		t.Run(c.name, func(t *testing.T) {
			have, want := segmentOf(t, c.have), segmentOf(t, c.want)
			plan := state.Diff(have, want)
			if diff := cmp.Diff(strings.TrimSpace(c.plan), addressing(plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if got := state.Play(have, plan, func() bool { return false }); !got.Equal(want) {
				t.Errorf("it ends up with\n%s", got)
			}
		})
	}
}

// addressing is a plan that has nothing but addresses in it.
func addressing(plan []state.Op) string {
	var lines []string
	for _, op := range plan {
		switch o := op.(type) {
		case state.AddAddress:
			lines = append(lines, fmt.Sprintf("+ %s %s", o.Namespace, o.Prefix))
		case state.DeleteAddress:
			lines = append(lines, fmt.Sprintf("- %s %s", o.Namespace, o.Prefix))
		case state.MoveAddress:
			lines = append(lines, fmt.Sprintf("> %s %s %s %s", o.From.Namespace, o.From.Prefix, o.To.Namespace, o.To.Prefix))
		default:
			lines = append(lines, op.String())
		}
	}
	return strings.Join(lines, "\n")
}

// A next hop that is in a route while its link loses its last IPv4 address is dead, also in an equal route afterwards.
func TestALegIsTakenOutBeforeItsLinkLosesIPv4(t *testing.T) {
	have := segmentOf(t, "a: 10.0.0.1/24 fd00::1/64")
	for _, op := range []state.Op{
		pair(end("a", "m"), end("a", "other"), 'm'), state.SetAdmin{LinkID: end("a", "m"), Up: true}, state.AddAddress{AddressID: address("a", "m", "10.1.0.1/24")},
		route("a", "10.8.0.0/24", "", "l fd00::2"), route("a", "10.9.0.0/24", "", "l fd00::2", "m 10.1.0.2"),
	} {
		have = have.With(op)
	}
	want := have.With(state.DeleteAddress{AddressID: address("a", "l", "10.0.0.1/24")}).
		With(route("a", "10.8.0.0/24", "", "l fd00::2")).With(route("a", "10.9.0.0/24", "", "l fd00::2", "m 10.1.0.2"))
	const plan = `ip -n a route replace 10.9.0.0/24 via 10.1.0.2 dev m proto 78
- a 10.0.0.1/24
ip -n a route replace 10.8.0.0/24 via inet6 fd00::2 dev l proto 78
ip -n a route replace 10.9.0.0/24 proto 78 nexthop via inet6 fd00::2 dev l weight 1 nexthop via 10.1.0.2 dev m weight 1`
	if got := addressing(state.Diff(have, want)); got != plan {
		t.Errorf("the plan is\n%s\nwant\n%s", got, plan)
	}
}

// segmentOf is nodes with an interface each, up and with IPv6, and its addresses as they are written.
func segmentOf(t *testing.T, text string) state.State {
	t.Helper()
	s := state.State{}
	for part := range strings.SplitSeq(text, ";") {
		node, addresses, _ := strings.Cut(strings.TrimSpace(part), ":")
		for _, op := range []state.Op{
			state.CreateNamespace{Name: node, Label: "mark"}, sysctl(node, "net.ipv6.conf.all.disable_ipv6", "0"),
			pair(end(node, "l"), end(node, "peer"), node[0]), state.SetAdmin{LinkID: end(node, "l"), Up: true},
		} {
			s = s.With(op)
		}
		var list []netip.Prefix
		for _, a := range strings.Fields(addresses) {
			s = s.With(state.AddAddress{AddressID: address(node, "l", a)})
			list = append(list, netip.MustParsePrefix(a))
		}
		for i, p := range list {
			if row := s[node].Addresses[address(node, "l", p.String()).AddressKey]; p.Addr().Is4() && row.Order != i {
				t.Fatalf("%s: a kernel would not hold the addresses in this order", list)
			}
		}
	}
	return s
}

// What takes IPv6 off a link may leave an address there: what nobody wants is deleted before that.
func TestUnwantedIPv6AddressesGoBeforeWhatMayTakeThemAlong(t *testing.T) {
	for name, want := range map[string]state.Op{
		"down":    state.SetAdmin{LinkID: end("a", "l")},
		"MTU":     state.SetMTU{LinkID: end("a", "l"), MTU: state.MinIPv6MTU - 1},
		"link":    sysctl("a", "net.ipv6.conf.l.disable_ipv6", "1"),
		"no IPv6": sysctl("a", "net.ipv6.conf.all.disable_ipv6", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			plan := state.Diff(segmentOf(t, "a: fe80::1/64"), segmentOf(t, "a:").With(want))
			if first, want := plan[0].String(), "ip -n a address delete fe80::1/64 dev l"; first != want {
				t.Errorf("first is %q, want %q", first, want)
			}
		})
	}
}

// The kernel takes an IPv4 route along with its source, and the source of an IPv6 route. So a route gets its new
// source when that has come and before the old one goes.
func TestARouteGetsAnotherSourceBeforeItLosesItsOwn(t *testing.T) {
	add := func(link, a string) state.Op { return state.AddAddress{AddressID: address("a", link, a)} }
	remove := func(link, a string) state.Op { return state.DeleteAddress{AddressID: address("a", link, a)} }
	for _, c := range []struct {
		name       string
		have, want []state.Op
		plan       string
	}{
		{"another loopback", nil, []state.Op{
			remove("lo", "10.255.0.1/32"), add("lo", "10.255.0.9/32"), route("a", "10.3.0.0/16", "10.255.0.9", "l2 10.0.2.9"),
			remove("lo", "fd00:ff::1/128"), add("lo", "fd00:ff::9/128"), route("a", "fd13::/48", "fd00:ff::9", "l2 fd00:2::9"),
		}, `
+ a 10.255.0.9/32
+ a fd00:ff::9/128
ip -n a route replace 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.9
ip -n a route replace fd13::/48 via fd00:2::9 dev l2 proto 78 src fd00:ff::9
- a 10.255.0.1/32
- a fd00:ff::1/128`},
		{"no source any more", nil, []state.Op{remove("lo", "10.255.0.1/32"), route("a", "10.3.0.0/16", "", "l2 10.0.2.9")}, `
ip -n a route replace 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78
- a 10.255.0.1/32`},
		{"the new source is on another link, whose turn comes later", []state.Op{route("a", "10.3.0.0/16", "10.0.7.1", "l2 10.0.2.9")},
			[]state.Op{remove("l1", "10.0.7.1/24"), add("lo", "10.255.0.9/32"), route("a", "10.3.0.0/16", "10.255.0.9", "l2 10.0.2.9")}, `
+ a 10.255.0.9/32
ip -n a route replace 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.9
- a 10.0.7.1/24`},
		{"the two addresses change links", []state.Op{route("a", "10.3.0.0/16", "10.0.7.1", "l2 10.0.2.9")},
			[]state.Op{
				remove("l1", "10.0.7.1/24"), remove("lo", "10.255.0.1/32"), add("lo", "10.0.7.1/32"), add("l1", "10.255.0.1/24"),
				route("a", "10.3.0.0/16", "10.255.0.1", "l2 10.0.2.9"),
			}, `
+ a 10.255.0.1/24
+ a 10.0.7.1/32
ip -n a route replace 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1
- a 10.0.7.1/24
- a 10.255.0.1/32
ip -n a route replace 10.3.0.0/16 via 10.0.2.9 dev l2 proto 78 src 10.255.0.1`},
		{"the gateway changes as well", nil, []state.Op{
			remove("lo", "10.255.0.1/32"), add("lo", "10.255.0.9/32"), route("a", "10.3.0.0/16", "10.255.0.9", "l2 10.0.2.8"),
		}, `
+ a 10.255.0.9/32
ip -n a route replace 10.3.0.0/16 via 10.0.2.8 dev l2 proto 78 src 10.255.0.9
- a 10.255.0.1/32`},
	} {
		t.Run(c.name, func(t *testing.T) {
			have := twoNodes()
			for _, op := range c.have {
				have = have.With(op)
			}
			want := have
			for _, op := range c.want {
				want = want.With(op)
			}
			plan := state.Diff(have, want)
			if diff := cmp.Diff(strings.TrimSpace(c.plan), addressing(plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if got := state.Play(have, plan, func() bool { return false }); !got.Equal(want) {
				t.Errorf("it ends up with\n%s", got)
			}
		})
	}
}
