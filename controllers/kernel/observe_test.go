// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// TestReadingDuringChurn: whatever others do meanwhile, an observation is right or an error.
func TestReadingDuringChurn(t *testing.T) {
	k := newKernel(t, Options{})
	want := everythingLab()
	converge(t, k, want)
	ctx, stop := context.WithCancel(t.Context())
	var churning sync.WaitGroup
	churning.Go(func() { churn(t, ctx, k, ns1, "churn") })
	for range 20 {
		found, err := k.Observe(t.Context(), tutorial, want)
		if err != nil {
			t.Error(err)
			continue
		}
		if plan := state.Diff(found.State, want); len(plan) > 0 {
			t.Errorf("something seems to be missing:\n%s", texts(plan))
		}
	}
	stop()
	churning.Wait()
}

// churn adds and deletes a bridge with an address and a route, over and over.
func churn(t *testing.T, ctx context.Context, k *Kernel, namespace, name string) {
	var c *conn
	if err := k.Enter(namespace, func() (err error) { c, err = dial(); return err }); err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for ctx.Err() == nil {
		info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
		info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("bridge"))
		nameAttribute := nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name))
		err := c.Send(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, nl.NewIfInfomsg(unix.AF_UNSPEC), nameAttribute, info)
		if err == nil {
			err = c.Send(unix.RTM_DELLINK, 0, nl.NewIfInfomsg(unix.AF_UNSPEC), nameAttribute)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// TestANamespaceThatComesAndGoes is observed as there, as an empty file, or not at all.
func TestANamespaceThatComesAndGoes(t *testing.T) {
	k := newKernel(t, Options{})
	want := tutorialLab()
	converge(t, k, want)
	ctx, stop := context.WithCancel(t.Context())
	var churning sync.WaitGroup
	churning.Go(func() {
		for ctx.Err() == nil {
			ops := []state.Op{state.DeleteNamespace{Name: ns3}, create(ns3)}
			if _, err := k.Apply(t.Context(), ops); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		found := observe(t, k, want)
		delete(found.State, ns3)
		for _, op := range state.Diff(found.State, want) {
			if op.Namespaces()[0] != ns3 {
				t.Errorf("something seems to differ: %s", op)
			}
		}
	}
	stop()
	churning.Wait()
}

func TestAFailedReadIsNoObservation(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found, err := k.Observe(ctx, tutorial, tutorialLab())
	if !errors.Is(err, context.Canceled) || found.State != nil {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestObservesIndexAndCarrier(t *testing.T) {
	k := newKernel(t, Options{})
	want := tutorialLab()
	converge(t, k, want)
	found := observe(t, k, want)
	if len(found.Index) != len(maps.Collect(want.Links())) || found.Index[link(ns1, "lo")] != loopbackIndex {
		t.Errorf("indexes %v", found.Index)
	}
	if !found.Carrier[link(router, "l1")] {
		t.Error("l1 has no carrier")
	}
	sh(t, shorthand+"ip -n $a link set l1 down")
	found = observe(t, k, want)
	carrier, isUp := found.Carrier[link(router, "l1")]
	if _, down := found.Carrier[link(ns1, "l1")]; carrier || !isUp || down {
		t.Errorf("carriers %v", found.Carrier)
	}
}

func TestAnotherOwnersLabIsNotSeen(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	theirs := tutorial
	theirs.Owner = state.AgentOwner("42")
	found, err := k.Observe(t.Context(), theirs, state.State{})
	if err != nil || !found.State.Equal(state.State{}) || len(found.Conflicts) > 0 {
		t.Errorf("got %v, %v", found, err)
	}
	found, err = k.Observe(t.Context(), theirs, tutorialLab())
	if err != nil || !found.State.Equal(state.State{}) || len(found.Conflicts) != 3 {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestLabsAreListedByTheirMarks(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	write(t, NamespaceDir+"/a.b.c", "netlab.dev/agent/42/c\n")
	write(t, NamespaceDir+"/a.b.d", "netlab.dev/agent/42/other\n")
	write(t, NamespaceDir+"/a.c.c", "hello\n")
	sh(t, "mkdir "+NamespaceDir+"/a.d.c; mkfifo "+NamespaceDir+"/a.e.c; touch "+NamespaceDir+"/strange")
	labs, err := k.Labs(t.Context())
	want := []state.Identity{{Namespace: "a", Name: "b", Owner: "agent/42"}, tutorial}
	if err != nil || len(labs) != 2 || labs[0] != want[0] || labs[1] != want[1] {
		t.Errorf("got %v, %v, want %v", labs, err, want)
	}
}

// TestObservingWritesNothing: the kernel announces every change of a link, address, route or
// setting. It also announces, a while later, that new links got their carrier: until that is over
// the silence has to be waited for.
func TestObservingWritesNothing(t *testing.T) {
	k := newKernel(t, Options{})
	want := everythingLab()
	converge(t, k, want)
	var heard string
	for range 20 {
		stop := listen(t, ns1, router, ns2)
		for range 3 {
			if plan := state.Diff(observe(t, k, want).State, want); len(plan) > 0 {
				t.Fatalf("the plan is not empty:\n%s", texts(plan))
			}
		}
		if heard = stop(); heard == "" {
			return
		}
	}
	t.Errorf("the kernel announced:\n%s", heard)
}

// listen runs ip monitor in namespaces; the function it returns ends that and tells what was said.
func listen(t *testing.T, namespaces ...string) (heard func() string) {
	t.Helper()
	var script, stop strings.Builder
	for _, ns := range namespaces {
		script.WriteString("ip netns exec " + ns + " timeout 20 ip monitor all-nsid all >/run/heard." + ns + " 2>&1 & echo $! >/run/pid." + ns + "\n")
		stop.WriteString("kill $(cat /run/pid." + ns + "); cat /run/heard." + ns + "\n")
	}
	sh(t, script.String()+"sleep 0.2")
	return func() string { return sh(t, stop.String()) }
}

// TestPeersWithEqualIndexes: an index means nothing outside its namespace.
func TestPeersWithEqualIndexes(t *testing.T) {
	k := newKernel(t, Options{})
	const ns4 = "default.routed-pair.ns4"
	want := play(
		create(ns1), create(ns2), create(ns3), create(ns4),
		pair(end(ns1, "a", 1), end(ns2, "a", 2)), pair(end(ns3, "a", 3), end(ns4, "a", 4)),
	)
	converge(t, k, want)
	index := observe(t, k, want).Index
	if index[link(ns1, "a")] != index[link(ns3, "a")] || index[link(ns2, "a")] != index[link(ns4, "a")] {
		t.Fatalf("the indexes do not coincide: %v", index)
	}
}

// TestADeletedRouteIsTheOneMeant: to the kernel an IPv4 metric of 0 means any.
func TestADeletedRouteIsTheOneMeant(t *testing.T) {
	k := newKernel(t, Options{})
	want := playOn(tutorialLab(), routeOf(ns1, "10.1.0.0/16", state.Blackhole))
	routes := want[ns1].Routes
	routes[routeID(ns1, "10.1.0.0/16", 7).RouteKey] = routes[routeID(ns1, "10.1.0.0/16", 0).RouteKey]
	delete(routes, routeID(ns1, "10.1.0.0/16", 0).RouteKey)
	converge(t, k, want)
	gone := state.DeleteRoute{RouteID: routeID(ns1, "10.1.0.0/16", 0), Protocol: state.RouteProtocol}
	if _, err := k.Apply(t.Context(), []state.Op{gone}); err != nil {
		t.Error(err)
	}
	mustHold(t, k, want)
}

// TestAnAddressInUseElsewhereIsTold: duplicate address detection is off for ours, but somebody
// may add the same by hand, with it.
func TestAnAddressInUseElsewhereIsTold(t *testing.T) {
	k := newKernel(t, Options{})
	want := playOn(everythingLab(), addr(ns1, "l1", "fd00:1::77/64"), addr(router, "l1", "fd00:1::77/64"))
	converge(t, k, want)
	sh(t, shorthand+`ip -n $a address delete fd00:1::77/64 dev l1 && ip -n $a address add fd00:1::77/64 dev l1
		for i in $(seq 100); do ip -n $a address show dev l1 | grep -q dadfailed && exit; sleep 0.1; done; exit 1`)
	found := observe(t, k, want)
	if told := strings.Join(found.Unmanaged, "\n"); !strings.Contains(told, "fd00:1::77/64 on l1 is a duplicate") {
		t.Errorf("told %q", told)
	}
}

func TestSettingsOfALinkWithADotInItsName(t *testing.T) {
	k := newKernel(t, Options{})
	want := playOn(play(create(ns1), create(ns2)), pair(end(ns1, "a.5", 1), end(ns2, "b", 2)))
	converge(t, k, want)
	if _, err := k.Apply(t.Context(), []state.Op{set(ns1, "net.ipv4.conf.a.5.rp_filter", "2")}); err != nil {
		t.Error(err)
	}
	if got := observe(t, k, want).State[ns1].Links["a.5"].Settings[state.RPFilter]; got != state.ValueOf(2) {
		t.Errorf("it is %s", got)
	}
}

// TestEverySettingOfALinkIsRead: the kernel gives them as two arrays of numbers.
func TestEverySettingOfALinkIsRead(t *testing.T) {
	k := newKernel(t, Options{})
	want := everythingLab()
	converge(t, k, want)
	values := map[string]string{
		"addr_gen_mode": "3", "hop_limit": "33", "accept_ra": "2", "rp_filter": "2", "ip_default_ttl": "33", "tcp_ecn": "1",
	}
	check := func(key state.SettingKey) {
		name := key.String()
		value, ok := values[name[strings.LastIndexByte(name, '.')+1:]]
		if !ok {
			before := want[ns2]
			value = map[state.Value]string{state.Off: "1", state.On: "0"}[before.Setting(key)]
		}
		before := observe(t, k, want).State
		sh(t, "ip netns exec "+ns2+" sysctl -qw "+name+"="+value)
		expected := before.With(set(ns2, name, value))
		if after := observe(t, k, want).State; !after.Equal(expected) {
			t.Errorf("%s=%s:\n%s", name, value, lineDiff(after.String(), expected.String()))
		}
	}
	for _, key := range state.LinkSettingKeys("l2") {
		check(key)
	}
	for _, key := range state.NamespaceSettingKeys() {
		if name := key.String(); !strings.Contains(name, ".default.") && !strings.Contains(name, ".all.") && !strings.Contains(name, ".lo.") {
			check(key)
		}
	}
	repair(t, k, want)
}

func TestIPv6IsUsableAtOnce(t *testing.T) {
	k := newKernel(t, Options{})
	want := everythingLab()
	if _, err := k.Apply(t.Context(), state.Diff(state.State{}, want)); err != nil {
		t.Fatal(err)
	}
	if waiting := sh(t, shorthand+"for n in $a $r; do ip -n $n -6 -o address show tentative; done"); waiting != "" {
		t.Errorf("these wait for duplicates to answer:\n%s", waiting)
	}
}

// TestAnInterruptedReadIsNoAnswer: with many links a list takes the kernel more than one message,
// and what is added or deleted between two of them makes it worthless.
func TestAnInterruptedReadIsNoAnswer(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	sh(t, shorthand+"for i in $(seq 80); do echo link add many$i type bridge; done | ip -n $a -batch -")
	ctx, stop := context.WithCancel(t.Context())
	var churning sync.WaitGroup
	churning.Go(func() { churn(t, ctx, k, ns1, "churn") })
	interrupted := errors.New("")
	waitUntil(t, "a read is interrupted", func() bool {
		err := k.withSession(func(s *session) error {
			h, err := s.enter(ns1)
			if err == nil {
				_, err = h.conn.links()
			}
			return err
		})
		if err != nil {
			interrupted = err
		}
		return err != nil
	})
	stop()
	churning.Wait()
	if !errors.Is(interrupted, rtnl.ErrInterrupted) {
		t.Errorf("got %v", interrupted)
	}
}

// TestListsThatDoNotFitTogether were read before and after somebody added a link.
func TestListsThatDoNotFitTogether(t *testing.T) {
	names := map[int]string{1: "lo", 2: "l1"}
	for what, snap := range map[string]*snapshot{
		"an address on an unknown link":   {names: names, addresses: []rawAddress{{index: 2}, {index: 3}}},
		"a route over an unknown link":    {names: names, routes: []rawRoute{{nextHops: []rawNextHop{{index: 3}}}}},
		"a next hop over an unknown link": {names: names, routes: []rawRoute{{nextHops: []rawNextHop{{index: 2}, {index: 3}}}}},
	} {
		if err := snap.check(); !errors.Is(err, rtnl.ErrInterrupted) {
			t.Errorf("%s: %v", what, err)
		}
	}
	fits := &snapshot{names: names, addresses: []rawAddress{{index: 1}}, routes: []rawRoute{{nextHops: []rawNextHop{{index: 2}}}, {}}}
	if err := fits.check(); err != nil {
		t.Error(err)
	}
}

// In a lab of many pairs that look alike, every end could be every other's peer by its indexes.
// Finding the real one takes one question a pair, not one for each that it could be.
func TestPeersAreFoundWithFewQuestions(t *testing.T) {
	const pairs = 20
	k, want := newKernel(t, Options{}), state.State{}
	for i := range pairs {
		ends := [2]state.LinkEnd{}
		for j, side := range []string{"a", "b"} {
			name := tutorial.NetworkNamespace(fmt.Sprint(side, i))
			want = want.With(state.CreateNamespace{Name: name, Label: tutorial.Owner.Label(fmt.Sprint(side, i))})
			ends[j] = state.LinkEnd{LinkID: state.LinkID{Namespace: name, Name: "eth0"}, MAC: state.MAC{2, 0, 0, 0, byte(i), byte(j)}, MTU: 1500}
		}
		want = want.With(state.AddLink{Ends: ends})
	}
	converge(t, k, want)
	for hint, wanted := range map[string]state.State{"with the wanted state": want, "with nothing wanted": {}} {
		o, err := k.read(t.Context(), tutorial, wanted)
		if err != nil {
			t.Fatal(err)
		}
		most := pairs * (pairs + 1) / 2 // interfaces of one name do not tell which pair they are of
		if hint == "with the wanted state" {
			most = pairs
		}
		if asked := len(o.nsids); asked > most {
			t.Errorf("%s: %d questions for %d pairs, at most %d would do", hint, asked, pairs, most)
		}
	}
}
