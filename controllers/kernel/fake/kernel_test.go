// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/netlab-dev/netlab/controllers/kernel/fake"
	"github.com/netlab-dev/netlab/controllers/state"
)

const (
	nsA = "default.lab.a"
	nsB = "default.lab.b"
)

var (
	lab   = state.Identity{Namespace: "default", Name: "lab", Owner: state.LocalOwner("default", "lab")}
	other = state.Identity{Namespace: "default", Name: "other", Owner: state.LocalOwner("default", "other")}
)

func create(id state.Identity, node string) state.Op {
	return state.CreateNamespace{Name: id.NetworkNamespace(node), Label: id.Owner.Label(node)}
}

func link(namespace, name string) state.LinkID {
	return state.LinkID{Namespace: namespace, Name: name}
}

func pair(name string) state.Op {
	return state.AddLink{Ends: [2]state.LinkEnd{
		{LinkID: link(nsA, name), MTU: 1500},
		{LinkID: link(nsB, name), MTU: 1500},
	}}
}

func up(namespace, name string) state.Op {
	return state.SetAdmin{LinkID: link(namespace, name), Up: true}
}

func down(namespace, name string) state.Op {
	return state.SetAdmin{LinkID: link(namespace, name)}
}

func address(link, prefix string) state.AddressID {
	return state.AddressID{Namespace: nsA, AddressKey: state.AddressKey{Link: link, Prefix: netip.MustParsePrefix(prefix)}}
}

func addAddress(link, prefix string) state.Op {
	return state.AddAddress{AddressID: address(link, prefix)}
}

func setting(namespace, name, value string) state.Op {
	key, ok := state.ParseSetting(name)
	number, err := strconv.Atoi(value)
	if !ok || err != nil {
		panic(name + "=" + value)
	}
	return state.SetSysctl{SettingID: state.SettingID{Namespace: namespace, SettingKey: key}, Value: state.ValueOf(number)}
}

func sysctl(name, value string) state.Op {
	return setting(nsA, name, value)
}

// via is one leg: "10.1.0.2 l1", or " l1" for a destination on the link.
func via(gateway, link string) state.NextHop {
	hop := state.NextHop{Link: link, Weight: 1}
	if gateway != "" {
		hop.Via = netip.MustParseAddr(gateway)
	}
	return hop
}

func route(to string, hops ...state.NextHop) state.ReplaceRoute {
	prefix := netip.MustParsePrefix(to)
	op := state.ReplaceRoute{
		RouteID: state.RouteID{Namespace: nsA, RouteKey: state.RouteKey{Prefix: prefix}},
		Route:   state.Route{Protocol: state.RouteProtocol},
	}
	if prefix.Addr().Is6() {
		op.Metric = state.DefaultIPv6Metric
	}
	op.Hops, _ = state.GroupOf(hops...)
	return op
}

func from(op state.ReplaceRoute, source string) state.ReplaceRoute {
	op.Source = netip.MustParseAddr(source)
	return op
}

// twoPairs is a machine with two nodes and two links between them, l1 and l2, all up, both
// families in use.
func twoPairs(t *testing.T) *fake.Kernel {
	t.Helper()
	k := fake.New()
	apply(t, k,
		create(lab, "a"), create(lab, "b"), sysctl("net.ipv6.conf.all.disable_ipv6", "0"),
		pair("l1"), pair("l2"), pair("down"),
		up(nsA, "l1"), up(nsB, "l1"), up(nsA, "l2"), up(nsB, "l2"), up(nsA, "lo"),
		addAddress("l1", "10.1.0.1/24"), addAddress("l2", "10.2.0.1/24"), addAddress("down", "10.3.0.1/24"),
		addAddress("l1", "fd01::1/64"), addAddress("l2", "fd02::1/64"), addAddress("down", "fd03::1/64"),
		addAddress("lo", "10.255.0.1/32"), addAddress("lo", "fd55::1/128"),
	)
	return k
}

func apply(t *testing.T, k *fake.Kernel, ops ...state.Op) {
	t.Helper()
	if n, err := k.Apply(t.Context(), ops); err != nil || n != len(ops) {
		t.Fatalf("after %d of %d: %v", n, len(ops), err)
	}
}

// The errors are those of Linux 6.18 for the same commands.
func TestRefusals(t *testing.T) {
	tests := []struct {
		op   state.Op
		want error
	}{
		{sysctl("net.ipv4.ip_forward", "1"), nil},
		{setting("default.lab.nope", "net.ipv4.ip_forward", "1"), syscall.ENOENT},
		{sysctl("net.ipv4.conf.nope.forwarding", "1"), syscall.ENOENT},
		{sysctl("net.ipv4.conf.l9.rp_filter", "1"), syscall.ENOENT},

		{pair("l1"), nil}, // already plugged in like this
		{state.AddLink{Ends: [2]state.LinkEnd{{LinkID: link(nsA, "l1"), MTU: 1500}, {LinkID: link(nsB, "x"), MTU: 1500}}}, syscall.EEXIST},
		{state.AddLink{Ends: [2]state.LinkEnd{{LinkID: link(nsA, "x"), MTU: 1500}, {LinkID: link("default.lab.nope", "x"), MTU: 1500}}}, syscall.ENOENT},
		{up(nsA, "nope"), syscall.ENODEV},
		{state.SetMTU{LinkID: link(nsA, "l1"), MTU: 60}, syscall.EINVAL},
		{state.SetMAC{LinkID: link(nsA, "l1"), MAC: state.MAC{1}}, syscall.EADDRNOTAVAIL},
		{state.DeleteLink{LinkID: link(nsA, "nope")}, nil},
		{state.DeleteLink{LinkID: link("default.lab.nope", "l1")}, nil},

		{addAddress("nope", "10.9.0.1/24"), syscall.ENODEV},
		{addAddress("down", "10.9.0.1/24"), nil},
		{state.AddAddress{AddressID: state.AddressID{Namespace: nsB, AddressKey: state.AddressKey{Link: "l1", Prefix: netip.MustParsePrefix("fd01::2/64")}}}, syscall.EACCES},
		{state.DeleteAddress{AddressID: address("nope", "10.9.0.1/24")}, nil},

		{route("10.9.0.0/24", via("10.1.0.2", "l1")), nil},
		{route("10.9.0.0/24", via("10.1.0.1", "l1")), nil}, // the kernel takes one's own address for a gateway
		{route("10.9.0.0/24", via("", "l1")), nil},
		{route("10.9.0.0/24", via("10.1.0.255", "l1")), syscall.EINVAL},
		{route("10.9.0.0/24", via("10.77.0.1", "l1")), syscall.ENETUNREACH},
		{route("10.9.0.0/24", via("10.1.0.2", "l2")), syscall.ENETUNREACH},
		{route("10.9.0.0/24", via("10.3.0.2", "down")), syscall.ENETUNREACH},
		{route("10.9.0.0/24", via("", "down")), syscall.ENETDOWN},
		{route("10.9.0.0/24", via("10.1.0.2", "nope")), syscall.ENODEV},
		{route("10.9.0.0/24", via("10.1.0.2", "l1"), via("10.77.0.2", "l2")), syscall.ENETUNREACH},
		{route("10.9.0.0/24", via("10.77.0.2", "l1"), via("10.2.0.2", "nope")), syscall.ENODEV},
		{from(route("10.9.0.0/24", via("10.1.0.2", "l1")), "10.2.0.1"), nil},
		{from(route("10.9.0.0/24", via("10.1.0.2", "l1")), "10.2.0.7"), syscall.EINVAL},
		{state.DeleteRoute{RouteID: route("10.99.0.0/24").RouteID}, nil},

		{route("fd09::/64", via("fd01::2", "l1")), nil},
		{route("fd09::/64", via("fe80::2", "l1")), nil},
		{route("fd09::/64", via("fd01::1", "l1")), syscall.EINVAL},
		{route("fd09::/64", via("fd77::1", "l1")), syscall.EHOSTUNREACH},
		{route("fd09::/64", via("fd03::2", "down")), syscall.EHOSTUNREACH},
		{route("fd09::/64", via("fe80::2", "down")), syscall.ENETDOWN},
		{route("fd09::/64", via("", "down")), syscall.ENETDOWN},
		{from(route("fd09::/64", via("fd01::2", "l1")), "fd01::77"), syscall.EINVAL},
		{route("10.8.0.0/24", via("fe80::2", "l1")), nil},
		{route("10.8.0.0/24", via("fd77::2", "l1")), syscall.EHOSTUNREACH},
	}
	for _, tt := range tests {
		k := twoPairs(t)
		if _, err := k.Apply(t.Context(), []state.Op{tt.op}); !errors.Is(err, tt.want) {
			t.Errorf("%s\n got: %v\nwant: %v", tt.op, err, tt.want)
		}
	}
}

func TestIPv6IsRefusedWhereItIsOff(t *testing.T) {
	k := twoPairs(t)
	apply(t, k, sysctl("net.ipv6.conf.l1.disable_ipv6", "1"), state.SetMTU{LinkID: link(nsA, "l2"), MTU: 1000})
	for op, want := range map[state.Op]error{
		addAddress("l1", "fd07::1/64"):            syscall.EACCES,
		route("fd09::/64", via("fe80::2", "l1")):  syscall.EACCES,
		route("fd09::/64", via("fd01::2", "l1")):  syscall.EHOSTUNREACH,
		addAddress("l2", "fd07::1/64"):            syscall.EINVAL,
		route("fd09::/64", via("fe80::2", "l2")):  syscall.ENODEV,
		sysctl("net.ipv6.conf.l2.hop_limit", "9"): syscall.ENOENT,
	} {
		if _, err := k.Apply(t.Context(), []state.Op{op}); !errors.Is(err, want) {
			t.Errorf("%s\n got: %v\nwant: %v", op, err, want)
		}
	}
}

func TestErrorsReadLikeCommands(t *testing.T) {
	k := twoPairs(t)
	n, err := k.Apply(t.Context(), []state.Op{down(nsA, "l2"), route("10.9.0.0/24", via("10.77.0.1", "l1")), down(nsA, "l1")})
	const want = "ip -n default.lab.a route replace 10.9.0.0/24 via 10.77.0.1 dev l1 proto 78: network is unreachable"
	if n != 1 || err == nil || err.Error() != want {
		t.Errorf("applied %d\n got: %v\nwant: %s", n, err, want)
	}
	if s := k.State(); s[nsA].Links["l2"].Up || !s[nsA].Links["l1"].Up {
		t.Error("the operations before the refused one are done, those after it are not")
	}
}

// What goes and what stays is that of Linux 6.18: "10.8 fd08" are over both links, "10.9 fd09"
// over l1 only, "10.7" is IPv4 over an IPv6 neighbour on l1, "fd05" is over l2 with lo's source.
func TestSurvivors(t *testing.T) {
	tests := []struct {
		op   state.Op
		want []string
	}{
		{down(nsB, "l1"), []string{"10.7.0.0/24", "10.8.0.0/24", "10.9.0.0/24", "fd05::/64", "fd08::/64", "fd09::/64"}},
		{down(nsA, "l1"), []string{"10.8.0.0/24", "fd05::/64", "fd08::/64"}},
		{state.DeleteLink{LinkID: link(nsA, "l1")}, []string{"fd05::/64", "fd08::/64"}},
		{state.DeleteNamespace{Name: nsB}, nil},
		{state.DeleteAddress{AddressID: address("l1", "10.1.0.1/24")}, []string{"10.8.0.0/24", "fd05::/64", "fd08::/64", "fd09::/64"}},
		{state.SetMTU{LinkID: link(nsA, "l1"), MTU: 1000}, []string{"10.7.0.0/24", "10.8.0.0/24", "10.9.0.0/24", "fd05::/64", "fd08::/64"}},
		{sysctl("net.ipv6.conf.l1.disable_ipv6", "1"), []string{"10.7.0.0/24", "10.8.0.0/24", "10.9.0.0/24", "fd05::/64", "fd08::/64"}},
		{sysctl("net.ipv6.conf.all.disable_ipv6", "1"), []string{"10.7.0.0/24", "10.8.0.0/24", "10.9.0.0/24"}},
		{state.DeleteAddress{AddressID: address("lo", "fd55::1/128")}, []string{"10.7.0.0/24", "10.8.0.0/24", "10.9.0.0/24", "fd05::/64", "fd08::/64", "fd09::/64"}},
	}
	for _, tt := range tests {
		k := routed(t)
		apply(t, k, tt.op)
		var got []string
		for id := range k.State()[nsA].Routes {
			got = append(got, id.Prefix.String())
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s\n got: %v\nwant: %v", tt.op, got, tt.want)
		}
	}
}

func routed(t *testing.T) *fake.Kernel {
	k := twoPairs(t)
	apply(t, k,
		route("10.7.0.0/24", via("fe80::2", "l1")),
		route("10.8.0.0/24", via("10.1.0.2", "l1"), via("10.2.0.2", "l2")),
		route("10.9.0.0/24", via("10.1.0.2", "l1")),
		from(route("fd05::/64", via("fd02::2", "l2")), "fd55::1"),
		route("fd08::/64", via("fd01::2", "l1"), via("fd02::2", "l2")),
		route("fd09::/64", via("fd01::2", "l1")),
	)
	return k
}

func TestDeadLegsCarryNothingUntilTheirLinkIsBack(t *testing.T) {
	k := routed(t)
	leaves := func(want string) {
		t.Helper()
		d, err := k.LookupRoute(t.Context(), state.ForwardingQuery{Namespace: nsA, Destination: netip.MustParseAddr("10.8.0.1")})
		if err != nil || d.Link != want {
			t.Errorf("leaves over %q, want %q (%v)", d.Link, want, err)
		}
	}
	leaves("l1")
	apply(t, k, down(nsA, "l1"))
	leaves("l2")
	apply(t, k, up(nsA, "l1"))
	leaves("l1")
	apply(t, k, down(nsA, "l1"), down(nsA, "l2"))
	leaves("")
}

func TestAnIPv6RouteForgetsASourceThatIsGone(t *testing.T) {
	k := routed(t)
	apply(t, k, state.DeleteAddress{AddressID: address("lo", "fd55::1/128")})
	if source := k.State()[nsA].Routes[route("fd05::/64").RouteKey].Source; source.IsValid() {
		t.Errorf("the route still has source %s", source)
	}
}

func TestObserveSeesOnlyTheLab(t *testing.T) {
	k := twoPairs(t)
	apply(t, k, create(other, "a"))
	k.Mutate(func(s state.State) {
		s[nsA].Links["tun0"] = state.Link{MTU: 1500}
		s[nsA].Addresses[address("tun0", "10.77.0.1/24").AddressKey] = state.Address{}
		s[nsA].Routes[state.RouteKey{Prefix: netip.MustParsePrefix("10.88.0.0/16")}] = state.Route{Protocol: 186}
		s["default.lab.stranger"] = state.Namespace{Mounted: true}
	})
	want := state.State{}
	want["default.lab.stranger"] = state.Namespace{}
	got, err := k.Observe(t.Context(), lab, want)
	if err != nil {
		t.Fatal(err)
	}
	if !got.State.Equal(twoPairs(t).State()) {
		t.Errorf("the lab's rows are not what was built:\n%s", got.State)
	}
	wantForeign := []string{"default.lab.a: interface tun0", "default.lab.a: route 10.88.0.0/16 (protocol 186)"}
	if !slices.Equal(got.Unmanaged, wantForeign) {
		t.Errorf("foreign %q, want %q", got.Unmanaged, wantForeign)
	}
	wantConflict := state.Conflict{Name: "/run/netlab/netns/default.lab.stranger", Found: "a network namespace without a mark"}
	if !slices.Equal(got.Conflicts, []state.Conflict{wantConflict}) {
		t.Errorf("conflicts %v, want %v", got.Conflicts, wantConflict)
	}
}

func TestObserveSeesCarrierAndIndex(t *testing.T) {
	k := twoPairs(t)
	before, _ := k.Observe(t.Context(), lab, state.State{})
	apply(t, k, down(nsB, "l2"), state.DeleteLink{LinkID: link(nsA, "l1")}, pair("l1"))
	after, err := k.Observe(t.Context(), lab, state.State{})
	if err != nil {
		t.Fatal(err)
	}
	if carrier, isUp := after.Carrier[link(nsA, "l2")]; !isUp || carrier {
		t.Error("l2 is up without a carrier while its other end is down")
	}
	if _, isUp := after.Carrier[link(nsA, "l1")]; isUp {
		t.Error("only links that are up have an opinion about the carrier")
	}
	if before.Index[link(nsA, "l2")] != after.Index[link(nsA, "l2")] {
		t.Error("setting a link down keeps its index")
	}
	if before.Index[link(nsA, "l1")] == after.Index[link(nsA, "l1")] {
		t.Error("a link that is made anew has a new index")
	}
}

func TestPlantedConflictsAreOneLabs(t *testing.T) {
	k := twoPairs(t)
	planted := state.Conflict{Name: "/run/netns/default.lab.a", Found: "a directory"}
	k.PlantConflict(planted)
	for id, want := range map[state.Identity][]state.Conflict{lab: {planted}, other: nil} {
		got, err := k.Observe(t.Context(), id, state.State{})
		if err != nil || !slices.Equal(got.Conflicts, want) {
			t.Errorf("%s: %v, %v; want %v", id, got.Conflicts, err, want)
		}
	}
}

func TestFailuresOnDemand(t *testing.T) {
	k := twoPairs(t)
	k.ForgetWrites()
	k.FailOn(func(op state.Op) error {
		if _, ok := op.(state.DeleteLink); ok {
			return syscall.EBUSY
		}
		return nil
	})
	n, err := k.Apply(t.Context(), []state.Op{down(nsA, "l1"), state.DeleteLink{LinkID: link(nsA, "l1")}})
	if refused := new(fake.OpError); n != 1 || !errors.As(err, &refused) || !errors.Is(err, syscall.EBUSY) {
		t.Errorf("applied %d, %v", n, err)
	}
	if k.Writes() != 1 || k.Applied()[0] != down(nsA, "l1") {
		t.Errorf("only what was done counts as a write: %v", k.Applied())
	}
	k.FailObserve(syscall.EINTR)
	if _, err := k.Observe(t.Context(), lab, state.State{}); !errors.Is(err, syscall.EINTR) {
		t.Errorf("observed although reading fails: %v", err)
	}
}

func TestLabsListsEveryMark(t *testing.T) {
	k := twoPairs(t)
	apply(t, k, create(other, "a"))
	k.Mutate(func(s state.State) { s["default.zzz.x"] = state.Namespace{Mounted: true} })
	labs, err := k.Labs(t.Context())
	if err != nil || !slices.Equal(labs, []state.Identity{lab, other}) {
		t.Errorf("%v, %v", labs, err)
	}
}

func TestWatchAnnouncesWhatChanges(t *testing.T) {
	k := twoPairs(t)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := k.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	k.Mutate(func(s state.State) { maps.Copy(s, s.With(state.DeleteLink{LinkID: link(nsA, "l1")})) })
	for _, want := range []string{nsA, nsB} {
		if e := <-events; e.Namespace != want {
			t.Errorf("event for %q, want %q", e.Namespace, want)
		}
	}
	apply(t, k, down(nsB, "l2"))
	if e := <-events; e.Namespace != nsB {
		t.Errorf("event for %q, want %q", e.Namespace, nsB)
	}
	k.LoseEvents()
	if e := <-events; e.Namespace != "" {
		t.Errorf("event for %q, want the one that says compare everything", e.Namespace)
	}
	cancel()
	if _, open := <-events; open {
		t.Error("the channel stays open after the context's end")
	}
}

func TestRecords(t *testing.T) {
	k := fake.New()
	if _, err := k.LoadRecord(lab); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a record nobody saved: %v", err)
	}
	if err := errors.Join(k.SaveRecord(other, nil), k.SaveRecord(lab, []byte("spec"))); err != nil {
		t.Fatal(err)
	}
	if record, err := k.LoadRecord(lab); err != nil || string(record) != "spec" {
		t.Errorf("%q, %v", record, err)
	}
	withoutOwner := []state.Identity{{Namespace: "default", Name: "lab"}, {Namespace: "default", Name: "other"}}
	if labs, err := k.Records(); err != nil || !slices.Equal(labs, withoutOwner) {
		t.Errorf("%v, %v", labs, err)
	}
	if err := errors.Join(k.DeleteRecord(lab), k.DeleteRecord(lab)); err != nil {
		t.Errorf("forgetting twice: %v", err)
	}
}

func TestEnterAndFollowNeedANamespace(t *testing.T) {
	k := twoPairs(t)
	entered := false
	if err := errors.Join(k.Follow(nsA), k.Enter(nsA, func() error { entered = true; return nil })); err != nil || !entered {
		t.Errorf("%v, entered: %t", err, entered)
	}
	for _, err := range []error{k.Follow("default.lab.nope"), k.Enter("default.lab.nope", func() error { return nil })} {
		if !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%v", err)
		}
	}
}

func TestLocks(t *testing.T) {
	k := fake.New()
	unlock, err := k.Lock(lab)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Lock(lab); !errors.Is(err, fake.ErrBusy) {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	if _, err := k.Lock(lab); err != nil {
		t.Errorf("not free after unlock: %v", err)
	}
	first, err := k.AgentLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.AgentLock(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a second agent does not wait: %v", err)
	}
	first()
	if _, err := k.AgentLock(t.Context()); err != nil {
		t.Error(err)
	}
}
