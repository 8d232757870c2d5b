// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// ringOf is an observation of a ring of switches that run STP. Cable i connects switch i and switch i+1 by ports of
// its name; the last one closes the ring, and its port at the first switch is blocked.
func ringOf(switches int) state.Observation {
	see := state.Observation{State: state.State{}, Carrier: map[state.LinkID]bool{}}
	at := func(i int) string { return "s" + strconv.Itoa(i%switches) }
	for i := range switches {
		see.State[at(i)] = state.Namespace{Links: map[string]state.Link{}, Bridges: map[string]state.Bridge{"br0": {STP: true}}, Qdiscs: map[string]state.Qdisc{}}
	}
	for i := range switches {
		cable := "c" + strconv.Itoa(i)
		for _, ends := range [][2]string{{at(i), at(i + 1)}, {at(i + 1), at(i)}} {
			see.State[ends[0]].Links[cable] = state.Link{Up: true, Master: "br0", Peer: state.LinkID{Namespace: ends[1], Name: cable}}
			see.Carrier[state.LinkID{Namespace: ends[0], Name: cable}] = true
		}
	}
	see.Blocked = []state.LinkID{{Namespace: "s0", Name: "c" + strconv.Itoa(switches-1)}}
	return see
}

// A port that a tree blocks opens if, and only if, its cable is needed.
func TestBlockedPortsThatWillOpen(t *testing.T) {
	cut := func(cable int) func(state.Observation) {
		return func(see state.Observation) {
			id := state.LinkID{Namespace: "s" + strconv.Itoa(cable), Name: "c" + strconv.Itoa(cable)}
			link := see.State[id.Namespace].Links[id.Name]
			link.Up = false
			see.State[id.Namespace].Links[id.Name] = link
			see.Carrier[link.Peer] = false
		}
	}
	impair := func(loss state.Probability, ends ...string) func(state.Observation) {
		return func(see state.Observation) {
			for _, end := range ends {
				see.State[end].Qdiscs["c1"] = state.Qdisc{Kind: state.Netem, Loss: loss}
			}
		}
	}
	without := func(see state.Observation) { see.State["s0"].Bridges["br0"] = state.Bridge{} }
	const everything = 1<<32 - 1
	for _, c := range []struct {
		name     string
		switches int
		does     []func(state.Observation)
		want     string
	}{
		{"a triangle", 3, nil, ""},
		{"a triangle with a cut cable", 3, []func(state.Observation){cut(1)}, "s0/c2"},
		{"the cable of the blocked port is cut", 3, []func(state.Observation){cut(2)}, ""},
		{"a ring of five with a cut cable at the root", 5, []func(state.Observation){cut(0)}, "s0/c4"},
		{"a ring of five with a cut cable far away", 5, []func(state.Observation){cut(3)}, "s0/c4"},
		{"a ring of five with two cut cables, one of them the blocked port's", 5, []func(state.Observation){cut(2), cut(4)}, ""},
		{"both ends of a cable lose everything", 3, []func(state.Observation){impair(everything, "s1", "s2")}, "s0/c2"},
		{"both ends of a cable lose nearly everything", 3, []func(state.Observation){impair(everything-1, "s1", "s2")}, ""},
		{"a bridge without STP", 3, []func(state.Observation){cut(1), without}, ""},
	} {
		see := ringOf(c.switches)
		for _, do := range c.does {
			do(see)
		}
		if got := portNames(see.Converging()); got != c.want {
			t.Errorf("%s: %q will open, want %q", c.name, got, c.want)
		}
	}
}

// While ports of a segment hold different things of the tree, they converge, whatever they do with frames now. Bridges
// without STP pass messages on; a cable that loses every packet in a direction does not.
func TestPortsThatDisagreeConverge(t *testing.T) {
	root, other := state.DesignatedPort{Port: 1}, state.DesignatedPort{Port: 2}
	hold := func(see state.Observation, held map[string]state.DesignatedPort) {
		for port, of := range held {
			namespace, name, _ := strings.Cut(port, "/")
			see.Designated[state.LinkID{Namespace: namespace, Name: name}] = of
		}
	}
	for _, c := range []struct {
		name string
		held map[string]state.DesignatedPort
		does func(state.Observation)
		want string
	}{
		{"nothing known", nil, nil, ""},
		{"both ends of a cable hold the same", map[string]state.DesignatedPort{"s1/c1": root, "s2/c1": root, "s0/c0": other, "s1/c0": other}, nil, ""},
		{"each end is designated", map[string]state.DesignatedPort{"s1/c1": root, "s2/c1": other}, nil, "s1/c1 s2/c1"},
		{"a lower cost", map[string]state.DesignatedPort{"s1/c1": {Cost: 2}, "s2/c1": {Cost: 4}}, nil, "s1/c1 s2/c1"},
		{"another root", map[string]state.DesignatedPort{"s1/c1": {Root: [8]byte{1}}, "s2/c1": {Root: [8]byte{2}}}, nil, "s1/c1 s2/c1"},
		{"another bridge", map[string]state.DesignatedPort{"s1/c1": {Bridge: [8]byte{1}}, "s2/c1": {Bridge: [8]byte{2}}}, nil, "s1/c1 s2/c1"},
		{"the cable is cut", map[string]state.DesignatedPort{"s1/c1": root, "s2/c1": other}, func(see state.Observation) {
			see.Carrier[state.LinkID{Namespace: "s1", Name: "c1"}] = false
		}, ""},
		{"an end loses everything", map[string]state.DesignatedPort{"s1/c1": root, "s2/c1": other}, func(see state.Observation) {
			see.State["s2"].Qdiscs["c1"] = state.Qdisc{Kind: state.Netem, Loss: 1<<32 - 1}
		}, ""},
		{"through two bridges without STP that are not connected", map[string]state.DesignatedPort{"s0/c0": root, "s2/c1": root, "s2/c2": other, "s4/c3": other}, func(see state.Observation) {
			for _, hub := range []string{"s1", "s3"} {
				see.State[hub].Bridges["br0"] = state.Bridge{}
				see.State[hub].Links["br0"] = state.Link{Up: true}
				see.Carrier[state.LinkID{Namespace: hub, Name: "br0"}] = true
			}
		}, ""},
		{"through a bridge without STP that has VLANs", map[string]state.DesignatedPort{"s1/c1": root, "s3/c2": other}, func(see state.Observation) {
			see.State["s2"].Bridges["br0"] = state.Bridge{VLANFiltering: true}
		}, ""},
		{"through a bridge without STP", map[string]state.DesignatedPort{"s1/c1": root, "s3/c2": other}, func(see state.Observation) {
			see.State["s2"].Bridges["br0"] = state.Bridge{}
		}, "s1/c1 s3/c2"},
	} {
		see := ringOf(5)
		see.Blocked, see.Designated = nil, map[state.LinkID]state.DesignatedPort{}
		hold(see, c.held)
		if c.does != nil {
			c.does(see)
		}
		if got := portNames(see.Converging()); got != c.want {
			t.Errorf("%s: %q converge, want %q", c.name, got, c.want)
		}
	}
}

// Bridges hear of a root from each other for a while after it is gone. One that is not the lab's is not gone.
func TestPortsOfBridgesWithoutTheirRootConverge(t *testing.T) {
	identifier := func(bridge byte) [8]byte { return [8]byte{0x80, 0, 2, 0, 0, 0, 0, bridge} }
	down := func(see state.Observation) {
		see.State["s0"].Links["br0"] = state.Link{MAC: state.MAC{2, 0, 0, 0, 0, 0}}
	}
	for _, c := range []struct {
		name string
		// root is what all believe in, heard the bridge from which each port hears of it.
		root  byte
		heard map[string]byte
		does  func(state.Observation)
		want  string
	}{
		{"the root is there", 0, map[string]byte{"s1/c0": 0, "s1/c1": 1, "s2/c1": 1, "s2/c2": 0}, nil, ""},
		{"the root is down", 0, map[string]byte{"s1/c0": 0, "s1/c1": 1, "s2/c1": 1, "s2/c2": 0}, down, "s1/c0 s1/c1 s2/c1 s2/c2"},
		{"another is the root", 1, map[string]byte{"s1/c0": 1, "s1/c1": 1, "s2/c1": 1, "s2/c2": 2}, down, ""},
		{"one hears of it from the other", 0, map[string]byte{"s1/c1": 2, "s2/c1": 1}, down, "s1/c1 s2/c1"},
		{"a root of others behind one of them", 77, map[string]byte{"s1/c0": 1, "s1/c1": 1, "s2/c1": 1, "s2/c2": 2}, nil, ""},
		{"a bridge of others between them", 77, map[string]byte{"s1/c1": 78, "s2/c1": 78}, nil, ""},
		{"a root that was removed", 77, map[string]byte{"s1/c1": 2, "s2/c1": 1}, nil, "s1/c1 s2/c1"},
		{"a cable that loses everything", 0, map[string]byte{"s1/c0": 0, "s1/c1": 1, "s2/c1": 1}, func(see state.Observation) {
			see.State["s1"].Qdiscs["c0"] = state.Qdisc{Kind: state.Netem, Loss: 1<<32 - 1}
		}, ""},
	} {
		see := ringOf(3)
		see.Blocked, see.Designated = nil, map[state.LinkID]state.DesignatedPort{}
		for i := range byte(3) {
			see.State["s"+strconv.Itoa(int(i))].Links["br0"] = state.Link{Up: true, MAC: state.MAC{2, 0, 0, 0, 0, i}}
		}
		for port, bridge := range c.heard {
			namespace, name, _ := strings.Cut(port, "/")
			see.Designated[state.LinkID{Namespace: namespace, Name: name}] = state.DesignatedPort{Root: identifier(c.root), Bridge: identifier(bridge)}
		}
		if c.does != nil {
			c.does(see)
		}
		if got := portNames(see.Converging()); got != c.want {
			t.Errorf("%s: %q converge, want %q", c.name, got, c.want)
		}
	}
}

// Ports that listen or learn converge, and so do links that no bridge has. Nothing moves a port whose state has drifted.
func TestSettlingLinksConverge(t *testing.T) {
	see := ringOf(3)
	see.State["h"] = state.Namespace{Links: map[string]state.Link{"eth0": {Up: true}}}
	see.Settling = []state.LinkID{{Namespace: "s1", Name: "c1"}, {Namespace: "s1", Name: "c0"}, {Namespace: "h", Name: "eth0"}}
	see.Blocked = nil
	if got := portNames(see.Converging()); got != "h/eth0 s1/c0 s1/c1" {
		t.Errorf("%q converge", got)
	}
	see.State["s1"].Bridges["br0"] = state.Bridge{}
	if got := portNames(see.Converging()); got != "h/eth0 s1/c0 s1/c1" {
		t.Errorf("%q converge while their bridge without STP has not seen the carrier", got)
	}
	byHand := map[state.AttributeKey]string{{Link: "c0", Attribute: state.PortState}: "1", {Link: "c1", Attribute: state.PortState}: "1"}
	see.State["s1"] = state.Namespace{Links: see.State["s1"].Links, Bridges: see.State["s1"].Bridges, AttributeDrift: byHand}
	if got := portNames(see.Converging()); got != "h/eth0" {
		t.Errorf("%q converge after their states have drifted", got)
	}
}

func portNames(ports []state.LinkID) string {
	var names []string
	for _, id := range ports {
		names = append(names, id.Namespace+"/"+id.Name)
	}
	if !slices.IsSorted(names) {
		return "not sorted: " + strings.Join(names, " ")
	}
	return strings.Join(names, " ")
}
