// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"testing"
	"time"

	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// A port has its carrier before its bridge knows of it, and loses what it is to forward until then: whoever
// asks whether the lab is ready is to wait. A bridge that is down holds its ports in that state.
func TestAPortThatDoesNotForwardYetIsSettling(t *testing.T) {
	k := newKernel(t, Options{})
	want := switchedLab()
	converge(t, k, want)
	sh(t, "ip -n "+sw+" link set br0 down")
	settling := observe(t, k, want).Settling
	for _, port := range []string{"p1", "p2"} {
		if !slices.Contains(settling, state.LinkID{Namespace: sw, Name: port}) {
			t.Errorf("%s is not settling; these are: %v", port, settling)
		}
	}
	sh(t, "ip -n "+sw+" link set p1 down")
	if settling := observe(t, k, want).Settling; slices.Contains(settling, link(sw, "p1")) {
		t.Error("a port that is down is settling, and will never have")
	}
	converge(t, k, want)
	for end := time.Now().Add(10 * time.Second); len(observe(t, k, want).Settling) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the ports do not settle")
		}
	}
}

const (
	sw2 = "default.routed-pair.sw2"
	sw3 = "default.routed-pair.sw3"
)

// treeLab is three switches in a triangle that speak the spanning tree protocol, sw is the root, and one host
// each at sw and sw2. The port of sw3 to sw2 is blocked.
func treeLab() state.State {
	s := play(create(sw), create(sw2), create(sw3), create(ns1), symlink(ns1), create(ns2), loUp(sw), loUp(sw2), loUp(sw3), loUp(ns1), loUp(ns2))
	for i, bridge := range []string{sw, sw2, sw3} {
		s = s.With(state.AddBridge{LinkEnd: end(bridge, "br0", byte(i+1)), Bridge: state.Bridge{STP: true, ForwardDelay: lab.STPForwardDelay, MaxAge: lab.STPMaxAge}})
		for _, setting := range state.BridgeSettings {
			s = s.With(set(bridge, state.SettingKey{Setting: setting}.String(), "0"))
		}
		s = s.With(up(bridge, "br0"))
	}
	for _, cable := range [][2]state.LinkEnd{
		{end(sw, "to2", 4), end(sw2, "to1", 5)}, {end(sw2, "to3", 6), end(sw3, "to2", 7)}, {end(sw3, "to1", 8), end(sw, "to3", 9)},
		{end(sw, "to-host", 10), end(ns1, "eth0", 11)}, {end(sw2, "to-host", 12), end(ns2, "eth0", 13)},
	} {
		s = s.With(pair(cable[0], cable[1]))
		for _, e := range cable {
			if e.Name != "eth0" {
				s = s.With(state.SetMaster{LinkID: e.LinkID, Master: "br0"})
			}
			s = s.With(state.SetAdmin{LinkID: e.LinkID, Up: true})
		}
	}
	return playOn(s, addr(ns1, "eth0", "192.0.2.1/24"), addr(ns2, "eth0", "192.0.2.2/24"))
}

// withoutTree is treeLab without a spanning tree, and with a cable less.
func withoutTree() state.State {
	s := treeLab()
	for _, bridge := range []string{sw, sw2, sw3} {
		s = s.With(state.SetBridge{LinkID: link(bridge, "br0"), Bridge: state.Bridge{ForwardDelay: lab.STPForwardDelay, MaxAge: lab.STPMaxAge}})
	}
	for _, cut := range []state.LinkID{link(sw, "to2"), link(sw2, "to1")} {
		s = s.With(state.SetAdmin{LinkID: cut})
	}
	return s
}

// Ports that still listen when their spanning tree is turned off would go on by timers that the kernel shows
// as 0 before they have run out, and nothing then tells them from ports that somebody made listen. So none
// is left to its timer: at no moment afterwards does a look find anything to write.
func TestATreeThatIsTurnedOffLeavesNoPortOnItsWay(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, treeLab())
	want := withoutTree()
	begin := time.Now()
	if plan := converge(t, k, want); texts(plan) != texts(state.Diff(treeLab(), want)) {
		t.Errorf("the plan was not enough; applied was\n%s", texts(plan))
	}
	looks, end := 0, begin.Add(2*lab.STPForwardDelay*10*time.Millisecond+500*time.Millisecond)
	for ; time.Now().Before(end); looks++ {
		found := observe(t, k, want)
		if plan := state.Diff(found.State, want); len(plan) > 0 {
			t.Fatalf("%v after the tree was turned off, this was to be written:\n%s", time.Since(begin), texts(plan))
		}
	}
	t.Logf("%d looks", looks)
}

// A port that is blocked when its tree is turned off would stay so until its neighbour's word is too old,
// 20 s later.
func TestABlockedPortForwardsWhenItsTreeIsTurnedOff(t *testing.T) {
	k := newKernel(t, Options{})
	tree := treeLab()
	converge(t, k, tree)
	waitUntil(t, "the tree has decided", func() bool { return len(observe(t, k, tree).Settling) == 0 })
	if blocked := observe(t, k, tree).Blocked; !slices.Equal(blocked, []state.LinkID{link(sw3, "to2")}) {
		t.Fatalf("blocked are %v", blocked)
	}
	want := withoutTree()
	if plan := converge(t, k, want); texts(plan) != texts(state.Diff(tree, want)) {
		t.Errorf("the plan was not enough; applied was\n%s", texts(plan))
	}
	sh(t, "ip netns exec "+ns1+" ping -c1 -W5 192.0.2.2")
}

// Ports forward when their time to listen and to learn is over, whether or not they have heard of each other. What the
// ends of a cable hold tells them from ports on which the tree has decided: with a first message after 10 s, both ends
// are designated until then.
func TestPortsThatForwardBeforeTheyHaveHeardOfTheRootConverge(t *testing.T) {
	k := newKernel(t, Options{})
	want := treeLab().With(symlink(sw)).With(symlink(sw2))
	for _, cut := range []state.LinkID{link(sw2, "to3"), link(sw3, "to2"), link(sw3, "to1"), link(sw, "to3")} {
		want = want.With(state.SetAdmin{LinkID: cut})
	}
	converge(t, k, want)
	restart := func(hello string) {
		for _, bridge := range []string{sw, sw2} {
			sh(t, "ip -n "+bridge+" link set br0 type bridge hello_time "+hello+"; ip -n "+bridge+" link set br0 down")
		}
		for _, bridge := range []string{sw, sw2} {
			sh(t, "ip -n "+bridge+" link set br0 up")
		}
	}
	restart("1000")
	waitUntil(t, "the ports forward", func() bool { return len(observe(t, k, want).Settling) == 0 })
	if got, wanted := observe(t, k, want).Converging(), []state.LinkID{link(sw, "to2"), link(sw2, "to1")}; !slices.Equal(got, wanted) {
		t.Errorf("%v converge, want %v", got, wanted)
	}
	restart("100")
	waitUntil(t, "the tree has decided", func() bool { return len(observe(t, k, want).Converging()) == 0 })
	if see := observe(t, k, want); see.Designated[link(sw, "to2")] != see.Designated[link(sw2, "to1")] || len(see.Designated) == 0 {
		t.Errorf("the ports hold %v", see.Designated)
	}
}
