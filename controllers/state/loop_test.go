// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

const triangle = `
switches: [{name: a, stp: Enabled}, {name: b, stp: Enabled}, {name: c, stp: Enabled}]
links:
- {name: ab, endpoints: [{name: a}, {name: b}]}
- {name: bc, endpoints: [{name: b}, {name: c}]}
- {name: ca, endpoints: [{name: c}, {name: a}]}`

const firstCut = `
switches: [{name: a}, {name: b}, {name: c}]
links:
- {name: ab, endpoints: [{name: a}, {name: b}]}
- {name: bc, endpoints: [{name: b}, {name: c}]}
- {name: ca, state: Down, endpoints: [{name: c}, {name: a}]}`

const lastCut = `
switches: [{name: a}, {name: b}, {name: c}]
links:
- {name: ab, endpoints: [{name: a}, {name: b}]}
- {name: bc, state: Down, endpoints: [{name: b}, {name: c}]}
- {name: ca, endpoints: [{name: c}, {name: a}]}`

const moved = `
switches: [{name: a}, {name: b}, {name: c}]
links:
- {name: ab, endpoints: [{name: a}, {name: b}]}
- {name: other, endpoints: [{name: c}, {name: a}]}`

// An edit from one lab without a loop to another has none on its way: a broadcast in it would never end.
func TestNoMomentOfAPlanHasALoop(t *testing.T) {
	specs := map[string]string{"triangle": triangle, "first cut": firstCut, "last cut": lastCut, "moved": moved}
	for from, before := range specs {
		for to, after := range specs {
			now := compiled(t, before)
			for _, op := range state.Diff(now, compiled(t, after)) {
				if now = now.With(op); loops(now) {
					t.Errorf("from %s to %s: a loop after %s", from, to, op)
				}
			}
		}
	}
}

// loops reports whether links that are up at both ends close a circle of bridges, not one of which
// has a spanning tree.
func loops(s state.State) bool {
	group := map[string]string{}
	find := func(bridge string) string {
		for group[bridge] != "" {
			bridge = group[bridge]
		}
		return bridge
	}
	carries := func(id state.LinkID) bool {
		link := s[id.Namespace].Links[id.Name]
		return link.Up && link.Master != "" && !s[id.Namespace].Bridges[link.Master].STP
	}
	for id, link := range s.Links() {
		if link.Kind != state.VethLink || id.Namespace > link.Peer.Namespace || !carries(id) || !carries(link.Peer) {
			continue
		}
		a, b := find(id.Namespace), find(link.Peer.Namespace)
		if a == b {
			return true
		}
		group[a] = b
	}
	return false
}
