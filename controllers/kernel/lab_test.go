// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
	"github.com/netlab-dev/netlab/controllers/state"
)

// TestMain runs every test of this package as root of a machine of its own.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(apartAtATime)); err != nil {
		panic(err)
	}
	sandbox.TestMain(m)
}

// tutorial is whose lab most tests build.
var tutorial = state.Identity{Namespace: "default", Name: "routed-pair", Owner: state.LocalOwner("default", "routed-pair")}

// The tutorial's network namespaces, and one more for tests that add it.
const (
	ns1    = "default.routed-pair.ns1"
	router = "default.routed-pair.router"
	ns2    = "default.routed-pair.ns2"
	ns3    = "default.routed-pair.ns3"
)

// play is the State after the operations, on an empty machine.
func play(ops ...state.Op) state.State { return playOn(state.State{}, ops...) }

func playOn(s state.State, ops ...state.Op) state.State {
	for _, op := range ops {
		s = s.With(op)
	}
	return s
}

// tutorialLab is ns1 -- router -- ns2 with IPv4 as the tutorial has it.
func tutorialLab() state.State {
	return play(
		create(ns1), symlink(ns1), create(router), symlink(router), create(ns2), symlink(ns2),
		loUp(ns1), loUp(router), loUp(ns2),
		set(router, "net.ipv4.ip_forward", "1"), set(router, "net.ipv4.conf.all.accept_redirects", "0"),
		pair(end(ns1, "l1", 1), end(router, "l1", 2)), pair(end(router, "l2", 3), end(ns2, "l2", 4)),
		up(ns1, "l1"), up(router, "l1"), up(router, "l2"), up(ns2, "l2"),
		addr(ns1, "l1", "192.0.2.1/24"), addr(router, "l1", "192.0.2.254/24"),
		addr(router, "l2", "198.51.100.254/24"), addr(ns2, "l2", "198.51.100.1/24"),
		route(ns1, "0.0.0.0/0", 0, hop("l1", "192.0.2.254")), route(ns2, "0.0.0.0/0", 0, hop("l2", "198.51.100.254")),
	)
}

// everythingLab has, on top of the tutorial's, every kind of row and every form of each.
func everythingLab() state.State {
	s := tutorialLab()
	for _, ns := range []string{ns1, router, ns2} {
		s = playOn(s, set(ns, "net.ipv6.conf.all.disable_ipv6", "0"), set(ns, "net.ipv6.conf.lo.disable_ipv6", "0"))
	}
	return playOn(s,
		set(router, "net.ipv6.conf.all.forwarding", "1"),
		set(ns1, "net.ipv4.ip_default_ttl", "32"),
		pair(end(ns1, "extra", 5), end(router, "extra", 6)), up(ns1, "extra"), up(router, "extra"),
		pair(state.LinkEnd{LinkID: link(ns1, "tiny"), MAC: mac(7), MTU: 1000}, state.LinkEnd{LinkID: link(ns2, "tiny"), MAC: mac(8), MTU: 1000}),
		up(ns1, "tiny"), up(ns2, "tiny"),
		addr(ns1, "lo", "10.255.0.1/32"), addr(router, "lo", "10.255.0.254/32"), addr(router, "lo", "fd00:ffff::1/128"),
		addr(ns1, "l1", "192.0.2.9/24"), addr(ns1, "l1", "172.16.0.1/30"),
		addr(ns1, "extra", "203.0.113.1/24"), addr(router, "extra", "203.0.113.254/24"),
		addr(ns1, "l1", "fe80::1/64"), addr(router, "l1", "fe80::2/64"), addr(ns1, "l1", "fd00:1::1/64"), addr(router, "l1", "fd00:1::fe/64"),
		addr(ns1, "extra", "fd00:2::1/64"), addr(router, "extra", "fd00:2::fe/64"),
		route(ns1, "10.9.0.0/24", 10, hop("l1", "192.0.2.254"), state.NextHop{Link: "extra", Via: netip.MustParseAddr("203.0.113.254"), Weight: 2}),
		route(ns1, "10.10.0.0/24", 0, hop("l1", "")),
		route(ns1, "10.11.0.0/24", 0, hop("l1", "fe80::2")),
		routeFrom(ns1, "10.12.0.0/24", "10.255.0.1", hop("l1", "192.0.2.254")),
		routeOf(ns1, "10.66.0.0/16", state.Blackhole), routeOf(ns1, "10.67.0.0/16", state.Unreachable), routeOf(ns1, "10.68.0.0/16", state.Prohibit),
		route(ns1, "::/0", 1024, hop("l1", "fe80::2")),
		route(ns1, "fd00:9::/64", 10, hop("l1", "fd00:1::fe"), state.NextHop{Link: "extra", Via: netip.MustParseAddr("fd00:2::fe"), Weight: 3}),
		route(ns1, "fd00:10::/64", 1024, hop("extra", "")),
		routeOf(ns1, "fd00:66::/64", state.Blackhole), routeOf(ns1, "fd00:67::/64", state.Unreachable), routeOf(ns1, "fd00:68::/64", state.Prohibit),
	)
}

func create(ns string) state.Op {
	return state.CreateNamespace{Name: ns, Label: tutorial.Owner.Label(state.NodeOf(ns))}
}

func symlink(ns string) state.Op { return state.AddSymlink{Name: ns} }

func set(ns, name, value string) state.Op {
	key, ok := state.ParseSetting(name)
	number, err := strconv.Atoi(value)
	if !ok || err != nil {
		panic(name + "=" + value)
	}
	return state.SetSysctl{SettingID: state.SettingID{Namespace: ns, SettingKey: key}, Value: state.ValueOf(number)}
}

func link(ns, name string) state.LinkID { return state.LinkID{Namespace: ns, Name: name} }

func mac(last byte) state.MAC { return state.MAC{0x02, 0, 0, 0, 0, last} }

func end(ns, name string, m byte) state.LinkEnd {
	return state.LinkEnd{LinkID: link(ns, name), MAC: mac(m), MTU: 1500}
}

func pair(a, b state.LinkEnd) state.Op {
	return state.AddLink{Ends: [2]state.LinkEnd{a, b}}
}

func up(ns, name string) state.Op { return state.SetAdmin{LinkID: link(ns, name), Up: true} }

func loUp(ns string) state.Op { return up(ns, state.Loopback) }

func addrID(ns, name, prefix string) state.AddressID {
	return state.AddressID{Namespace: ns, AddressKey: state.AddressKey{Link: name, Prefix: netip.MustParsePrefix(prefix)}}
}

func addr(ns, name, prefix string) state.Op {
	return state.AddAddress{AddressID: addrID(ns, name, prefix)}
}

func hop(name, via string) state.NextHop {
	h := state.NextHop{Link: name, Weight: 1}
	if via != "" {
		h.Via = netip.MustParseAddr(via)
	}
	return h
}

func routeID(ns, prefix string, metric uint32) state.RouteID {
	id := state.RouteID{Namespace: ns, RouteKey: state.RouteKey{Prefix: netip.MustParsePrefix(prefix), Metric: metric}}
	if id.Prefix.Addr().Is6() && metric == 0 {
		id.Metric = state.DefaultIPv6Metric
	}
	return id
}

func route(ns, prefix string, metric uint32, hops ...state.NextHop) state.ReplaceRoute {
	r := state.Route{Protocol: state.RouteProtocol}
	r.Hops, r.MoreHops = state.GroupOf(hops...)
	return state.ReplaceRoute{RouteID: routeID(ns, prefix, metric), Route: r}
}

func routeFrom(ns, prefix, source string, hops ...state.NextHop) state.Op {
	r := route(ns, prefix, 0, hops...)
	r.Source = netip.MustParseAddr(source)
	return r
}

func routeOf(ns, prefix string, t state.RouteType) state.Op {
	r := route(ns, prefix, 0)
	r.Type = t
	return r
}

// newKernel returns a Kernel on a machine without labs; when the test is over there must be none again.
func newKernel(t testing.TB, options Options) *Kernel {
	t.Helper()
	options.Symlinks = true
	k, err := New(options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		wipe(t)
		for name := range k.settings.kept {
			k.settings.forget(name)
		}
	})
	return k
}

// wipe removes what a test left, foreign things included.
func wipe(t testing.TB) {
	t.Helper()
	for _, dir := range []string{NamespaceDir, SymlinkDir} {
		sh(t, fmt.Sprintf("for f in %s/*; do umount -l $f 2>/dev/null; rm -rf $f; done", dir))
	}
}

// sh runs what somebody else would type.
func sh(t testing.TB, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func observe(t testing.TB, k *Kernel, want state.State) state.Observation {
	t.Helper()
	found, err := k.Observe(t.Context(), tutorial, want)
	if err != nil {
		t.Fatalf("Observe: %v", err)
	}
	return found
}

// converge applies the plan once and returns it; the machine must hold want afterwards.
func converge(t testing.TB, k *Kernel, want state.State) []state.Op {
	t.Helper()
	ops := state.Diff(observe(t, k, want).State, want)
	if _, err := k.Apply(t.Context(), ops); err != nil {
		t.Fatalf("Apply: %v", err)
	}
	mustHold(t, k, want)
	return ops
}

func mustHold(t testing.TB, k *Kernel, want state.State) {
	t.Helper()
	found := observe(t, k, want)
	if left := state.Diff(found.State, want); len(left) > 0 || !found.State.Equal(want) {
		t.Fatalf("the machine differs from what is wanted:\n%splan:\n%s", lineDiff(found.State.String(), want.String()), texts(left))
	}
}

func texts(ops []state.Op) string {
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.String() + "\n")
	}
	return b.String()
}

// lineDiff lists the lines that only one of two dumps has.
func lineDiff(have, want string) string {
	var b strings.Builder
	only := func(sign, a, other string) {
		for line := range strings.Lines(a) {
			if !strings.Contains("\n"+other, "\n"+line) {
				b.WriteString(sign + line)
			}
		}
	}
	only("- ", have, want)
	only("+ ", want, have)
	return b.String()
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
