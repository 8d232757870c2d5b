// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// patience is far more than any event takes; a test that waits longer has failed.
const patience = 20 * time.Second

// watchedLab has two namespaces that are followed and events about them. Changes in ns2 are for the
// tests themselves: since events of one socket come in order, one about ns2 says that everything
// before it has been told.
func watchedLab(t *testing.T) (*Kernel, <-chan Event) {
	t.Helper()
	k := newKernel(t, Options{})
	perform(t, k, create(ns1), symlink(ns1), loUp(ns1), create(ns2), symlink(ns2), loUp(ns2),
		set(ns1, "net.ipv6.conf.all.disable_ipv6", "0"))
	mustFollow(t, k, ns1)
	mustFollow(t, k, ns2)
	events, err := k.Watch(t.Context())
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	return k, events
}

func perform(t testing.TB, k *Kernel, ops ...state.Op) {
	t.Helper()
	if _, err := k.Apply(t.Context(), ops); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

func mustFollow(t *testing.T, k *Kernel, namespace string) {
	t.Helper()
	if err := k.Follow(namespace); err != nil {
		t.Fatalf("Follow: %v", err)
	}
}

func next(t *testing.T, events <-chan Event) string {
	t.Helper()
	select {
	case event, open := <-events:
		if !open {
			t.Fatal("the channel of events was closed")
		}
		return event.Namespace
	case <-time.After(patience):
		t.Fatal("no event came")
	}
	return ""
}

// barriers makes every change of toldBeforeNow another one.
var barriers int

// toldBeforeNow lists the namespaces of the events so far. A blackhole route is a change with
// exactly one message.
func toldBeforeNow(t *testing.T, events <-chan Event) []string {
	t.Helper()
	barriers++
	sh(t, fmt.Sprintf("ip -n %s route add blackhole 10.66.0.0/16 metric %d", ns2, barriers))
	told := map[string]bool{}
	for {
		name := next(t, events)
		if name == ns2 {
			return slices.Sorted(maps.Keys(told))
		}
		told[name] = true
	}
}

func TestAChangeIsToldWithItsNamespace(t *testing.T) {
	for name, change := range map[string]string{
		"a link":          "ip -n NS link set lo mtu 65000",
		"an IPv4 address": "ip -n NS address add 10.0.0.1/24 dev lo",
		"an IPv6 address": "ip -n NS address add fd00::1/64 dev lo nodad",
		"an IPv4 route":   "ip -n NS route add blackhole 10.66.0.0/16",
		"an IPv6 route":   "ip -n NS route add blackhole fd00:66::/64",
		"ip_forward":      "ip netns exec NS sysctl -qw net.ipv4.ip_forward=1",
		"rp_filter":       "ip netns exec NS sysctl -qw net.ipv4.conf.lo.rp_filter=1",
		"IPv6 forwarding": "ip netns exec NS sysctl -qw net.ipv6.conf.all.forwarding=1",
		"IPv6 default":    "ip netns exec NS sysctl -qw net.ipv6.conf.default.forwarding=1",
		"a new link":      "ip -n NS link add v0 type veth peer name v1",
		"an IPv4 rule":    "ip -n NS rule add to 192.0.2.1 prohibit pref 100",
		"an IPv6 rule":    "ip -n NS -6 rule add to fd00::1 prohibit pref 100",
		"a neighbour":     "ip -n NS neighbour add 192.0.2.1 lladdr 02:00:00:00:00:99 dev lo",
		"an IPv6 one":     "ip -n NS neighbour add fd00::1 lladdr 02:00:00:00:00:99 dev lo nud permanent",
	} {
		t.Run(name, func(t *testing.T) {
			_, events := watchedLab(t)
			toldBeforeNow(t, events)
			sh(t, strings.ReplaceAll(change, "NS", ns1))
			if told := toldBeforeNow(t, events); !slices.Equal(told, []string{ns1}) {
				t.Errorf("after %q the events are about %q, want %q", change, told, ns1)
			}
		})
	}
}

// nftables has a socket of its own, so its events come in no order with the others.
func TestAPacketFilterIsToldWithItsNamespace(t *testing.T) {
	_, events := watchedLab(t)
	toldBeforeNow(t, events)
	for _, change := range []string{
		"add table inet t", "add chain inet t c { type filter hook forward priority 0; policy accept; }",
		"add rule inet t c drop", "flush chain inet t c", "delete table inet t",
	} {
		sh(t, fmt.Sprintf("ip netns exec %s nft '%s'", ns1, change))
		if name := next(t, events); name != ns1 {
			t.Errorf("after %q the event is about %q, want %q", change, name, ns1)
		}
	}
}

// Neighbours that the kernel learns, and forgets, are noise.
func TestALearnedNeighbourIsNotTold(t *testing.T) {
	_, events := watchedLab(t)
	toldBeforeNow(t, events)
	for _, state := range []string{"reachable", "delay", "probe", "failed", "stale"} {
		sh(t, fmt.Sprintf("ip -n %s neighbour replace 192.0.2.1 lladdr 02:00:00:00:00:99 dev lo nud %s", ns1, state))
	}
	sh(t, fmt.Sprintf("ip -n %s neighbour flush dev lo nud all", ns1))
	if told := toldBeforeNow(t, events); len(told) > 0 {
		t.Errorf("there are events about %q", told)
	}
}

func TestALostMountIsToldWithItsNamespace(t *testing.T) {
	_, events := watchedLab(t)
	toldBeforeNow(t, events)
	sh(t, "umount -l "+NamespaceDir+"/"+ns1)
	if name := next(t, events); name != ns1 {
		t.Errorf("the event is about %q, want %q", name, ns1)
	}
}

func TestANewMountIsToldWithItsNamespace(t *testing.T) {
	k, events := watchedLab(t)
	toldBeforeNow(t, events)
	perform(t, k, create(ns3))
	if name := next(t, events); name != ns3 {
		t.Errorf("the event is about %q, want %q", name, ns3)
	}
}

func TestAMountOverTheDirectoryMayHaveChangedEverything(t *testing.T) {
	_, events := watchedLab(t)
	toldBeforeNow(t, events)
	sh(t, "mount -t tmpfs hidden "+NamespaceDir)
	t.Cleanup(func() { sh(t, "umount -l "+NamespaceDir) })
	if name := next(t, events); name != anyNamespace {
		t.Errorf("the event is about %q, want all", name)
	}
}

func TestWhatIsNotTheLabsIsNotTold(t *testing.T) {
	k, events := watchedLab(t)
	perform(t, k, create(ns3), symlink(ns3))
	sh(t, "ip netns add foreign; ip netns set foreign auto")
	if name := next(t, events); name != ns3 {
		t.Fatalf("the event is about %q, want the mount of %q", name, ns3)
	}
	toldBeforeNow(t, events)
	for name, change := range map[string]string{
		"the own namespace":       "ip link add v0 type veth peer name v1; ip link del v0; sysctl -qw net.ipv4.ip_forward=1",
		"nobody follows it":       "ip -n " + ns3 + " link set lo up",
		"somebody else's":         "ip -n foreign link set lo up",
		"a mount somewhere else":  "mount -t tmpfs other /mnt; umount /mnt",
		"a new foreign namespace": "ip netns add another; ip netns set another auto; ip -n another link set lo up",
	} {
		t.Run(name, func(t *testing.T) {
			sh(t, change)
			if told := toldBeforeNow(t, events); len(told) > 0 {
				t.Errorf("after %q there are events about %q", change, told)
			}
		})
	}
}

func TestAForeignNamespaceThatBecomesALabsIsTold(t *testing.T) {
	_, events := watchedLab(t)
	sh(t, "ip netns add foreign; ip netns set foreign auto; ip -n foreign link set lo up")
	if told := toldBeforeNow(t, events); len(told) > 0 {
		t.Fatalf("there are events about %q", told)
	}
	sh(t, fmt.Sprintf("touch %s/%s; mount --bind %s/foreign %s/%s", NamespaceDir, ns3, SymlinkDir, NamespaceDir, ns3))
	if name := next(t, events); name != ns3 {
		t.Fatalf("the event is about %q, want the mount of %q", name, ns3)
	}
	sh(t, "ip -n foreign link set lo down")
	if told := toldBeforeNow(t, events); !slices.Equal(told, []string{ns3}) {
		t.Errorf("the events are about %q, want %q", told, ns3)
	}
}

func TestANamespaceThatCannotBeFoundMayBeAny(t *testing.T) {
	w := newWatcher(newKernel(t, Options{}).log)
	socket, err := subscribe(eventBuffer)
	if err != nil {
		t.Fatal(err)
	}
	sh(t, fmt.Sprintf("umount -l %s; rmdir %s; ip netns add foreign; ip netns set foreign auto; ip -n foreign link set lo up", NamespaceDir, NamespaceDir))
	events := make(chan Event)
	go w.readEvents(t.Context(), socket, func() (*rtnl.Subscription, error) { return subscribe(eventBuffer) })
	go w.pending.deliver(t.Context(), events)
	if name := next(t, events); name != anyNamespace {
		t.Errorf("the event is about %q, want all", name)
	}
}

func TestFollowingTwiceIsFollowingOnce(t *testing.T) {
	k, _ := watchedLab(t)
	before := nsidNow(t, ns1)
	mustFollow(t, k, ns1)
	if after := nsidNow(t, ns1); after != before || after == rtnl.NoNSID {
		t.Errorf("the nsid is %d, was %d", after, before)
	}
}

func TestFollowingNothingIsAnError(t *testing.T) {
	k, _ := watchedLab(t)
	for _, name := range []string{ns3, "../../etc", ""} {
		if err := k.Follow(name); err == nil || !strings.Contains(err.Error(), "follow "+name) {
			t.Errorf("Follow(%q) = %v", name, err)
		}
	}
}

// An event about a number that belongs to somebody else by now must not name the old namespace for ever.
func TestANumberThatIsUsedAgainIsSomebodyElses(t *testing.T) {
	k, events := watchedLab(t)
	toldBeforeNow(t, events)
	old := nsidNow(t, ns1)
	perform(t, k, state.DeleteNamespace{Name: ns1})
	if held, err := k.Reap(t.Context()); err != nil || len(held) > 0 {
		t.Fatalf("Reap: %v, %v", held, err)
	}
	perform(t, k, create(ns3), symlink(ns3))
	eventually(t, "the kernel gives nsid "+fmt.Sprint(old)+" away again", func() bool {
		return exec.Command("ip", "netns", "set", ns3, fmt.Sprint(old)).Run() == nil
	})
	for name := ""; name != ns3; {
		name = next(t, events)
	}
	toldBeforeNow(t, events)
	sh(t, "ip -n "+ns3+" link set lo up")
	if told := toldBeforeNow(t, events); !slices.Equal(told, []string{ns3}) {
		t.Errorf("the events are about %q, want %q", told, ns3)
	}
}

func nsidNow(t *testing.T, name string) int32 {
	t.Helper()
	home, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	nsid, err := home.nsidOfName(name)
	if err != nil {
		t.Fatal(err)
	}
	return nsid
}

func TestANumberIsLookedUpAgainWhenItChanges(t *testing.T) {
	const changes, stays = 1007, 1008
	w := newWatcher(newKernel(t, Options{}).log)
	w.names.names = map[int32]string{changes: ns1, stays: ns2}
	home, err := subscribe(eventBuffer)
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	sh(t, fmt.Sprintf("ip netns add foreign; ip netns set foreign %d", changes))
	eventually(t, "the number is dropped", func() bool {
		m, err := home.Receive()
		if err != nil || !m.Own {
			t.Fatalf("receive: %+v, %v", m, err)
		}
		if err := w.handleOwn(m); err != nil {
			t.Fatal(err)
		}
		return maps.Equal(w.names.names, map[int32]string{stays: ns2})
	})
}

func TestALostEventMeansThatAnythingMayHaveChanged(t *testing.T) {
	k, _ := watchedLab(t)
	small, err := subscribe(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		sh(t, fmt.Sprintf("ip -n %s link set lo mtu %d", ns1, 65000+i))
	}
	mounts, err := netns.WatchMounts(NamespaceDir)
	if err != nil {
		t.Fatal(err)
	}
	events := newWatcher(k.log).run(t.Context(), small, nil, mounts)
	for name := ns1; name != anyNamespace; { // what was received before the loss comes first
		name = next(t, events)
	}
	sh(t, "ip -n "+ns1+" link set lo mtu 65536")
	if told := toldBeforeNow(t, events); !slices.Equal(told, []string{ns1}) {
		t.Errorf("after the loss the events are about %q, want %q", told, ns1)
	}
}

func TestEventsThatNobodyTakesAreKeptOnce(t *testing.T) {
	p := newPending()
	for range 1000 {
		p.add(ns1)
		p.add(ns2)
	}
	if want := []string{ns1, ns2}; !slices.Equal(p.queue, want) {
		t.Errorf("pending are %q, want %q", p.queue, want)
	}
	p.add(anyNamespace)
	p.add(ns1)
	if want := []string{anyNamespace}; !slices.Equal(p.queue, want) {
		t.Errorf("pending are %q, want %q", p.queue, want)
	}
	p.take()
	p.add(ns1)
	if name, ok := p.take(); !ok || name != ns1 {
		t.Errorf("taken %q, want %q", name, ns1)
	}
}

func TestNothingIsLeftOfAWatch(t *testing.T) {
	k := newKernel(t, Options{})
	watchOnce(t, k) // the runtime's poller stays
	before := inUse(t)
	for range 20 {
		watchOnce(t, k)
	}
	eventually(t, fmt.Sprintf("no more is in use than %+v", before), func() bool {
		now := inUse(t) // less, where earlier tests were not quite over
		return now.files <= before.files && now.goroutines <= before.goroutines
	})
}

// eventually asks again and again until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !yes(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func watchOnce(t *testing.T, k *Kernel) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events, err := k.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range events {
		t.Log("an event came after the end")
	}
}

type usage struct{ files, goroutines int }

func inUse(t *testing.T) usage {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return usage{len(files), runtime.NumGoroutine()}
}

func TestWatchingDoesNotKeepADeletedNamespace(t *testing.T) {
	k, events := watchedLab(t)
	sh(t, "ip -n "+ns1+" link set lo mtu 65000")
	toldBeforeNow(t, events)
	perform(t, k, state.DeleteNamespace{Name: ns1})
	if held, err := k.Reap(t.Context()); err != nil || len(held) > 0 {
		t.Errorf("Reap: %v, %v", held, err)
	}
}

func TestAWatchSurvivesItsSocket(t *testing.T) {
	k, _ := watchedLab(t)
	socket, err := subscribe(eventBuffer)
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := netns.WatchMounts(NamespaceDir)
	if err != nil {
		t.Fatal(err)
	}
	events := newWatcher(k.log).run(t.Context(), socket, nil, mounts)
	socket.Close()
	if name := next(t, events); name != anyNamespace {
		t.Errorf("the event is about %q, want all", name)
	}
	sh(t, "ip -n "+ns1+" link set lo mtu 65000")
	if told := toldBeforeNow(t, events); !slices.Equal(told, []string{ns1}) {
		t.Errorf("the events are about %q, want %q", told, ns1)
	}
}
