// SPDX-License-Identifier: Apache-2.0

package statetest_test

import (
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
	"github.com/netlab-dev/netlab/controllers/state/statetest"
)

func TestALoopIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		// cables join the bridges of two namespaces; stp has those where STP is on.
		cables [][2]string
		stp    string
		loops  bool
	}{
		{"a chain", [][2]string{{"a", "b"}, {"b", "c"}}, "", false},
		{"a triangle", [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}}, "", true},
		{"a triangle with STP", [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}}, "abc", false},
		{"a triangle with STP at two of its bridges", [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}}, "ab", true},
		{"two cables between two bridges", [][2]string{{"a", "b"}, {"a", "b"}}, "a", true},
		{"a cable from a bridge to itself", [][2]string{{"a", "a"}}, "", true},
		{"a loop with STP, and a bridge without it elsewhere", [][2]string{{"a", "b"}, {"a", "b"}, {"c", "d"}}, "ab", false},
		{"two loops that a cable joins", [][2]string{{"a", "b"}, {"a", "b"}, {"c", "d"}, {"c", "d"}, {"d", "a"}}, "abd", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := statetest.HasLoop(bridges(c.cables, c.stp)); got != c.loops {
				t.Errorf("HasLoop says %t", got)
			}
		})
	}
}

func bridges(cables [][2]string, stp string) state.State {
	s := state.State{}
	for i, cable := range cables {
		ends := [2]state.LinkID{{Namespace: cable[0], Name: "l" + string(rune('0'+2*i))}, {Namespace: cable[1], Name: "l" + string(rune('1'+2*i))}}
		for j, end := range ends {
			if _, ok := s[end.Namespace]; !ok {
				s[end.Namespace] = state.NewNamespace()
			}
			rows := s[end.Namespace]
			rows.Links[end.Name] = state.Link{Kind: state.VethLink, Peer: ends[1-j], Master: "br0"}
			rows.Bridges["br0"] = state.Bridge{}
		}
	}
	for _, name := range stp {
		s[string(name)].Bridges["br0"] = state.Bridge{STP: true}
	}
	return s
}

func TestWantedStatesHaveNoLoop(t *testing.T) {
	bridged := 0
	for seed := range uint64(2000) {
		s := statetest.New(seed).Wanted()
		if statetest.HasLoop(s) {
			t.Errorf("seed %d has a loop:\n%s", seed, s)
		}
		for _, link := range s.Links() {
			if link.Master != "" {
				bridged++
			}
		}
	}
	if bridged < 1000 {
		t.Errorf("only %d links are ports", bridged)
	}
}
