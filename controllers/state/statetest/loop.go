// SPDX-License-Identifier: Apache-2.0

package statetest

import "github.com/netlab-dev/netlab/controllers/state"

// HasLoop reports whether cables between bridges close a loop with STP off at one of its bridges, or at one that is
// connected to it. In a kernel a multicast frame goes round such a loop for ever, and takes the time of all CPUs.
func HasLoop(s state.State) bool {
	segments := map[state.LinkID]state.LinkID{}
	root := func(bridge state.LinkID) state.LinkID {
		for segments[bridge] != (state.LinkID{}) {
			bridge = segments[bridge]
		}
		return bridge
	}
	loops, withoutSTP := map[state.LinkID]bool{}, map[state.LinkID]bool{}
	for _, port := range sortedLinks(s) {
		a, b, ok := joins(s, port)
		if !ok {
			continue
		}
		a, b = root(a), root(b)
		if a == b {
			loops[a] = true
			continue
		}
		segments[b] = a
		loops[a] = loops[a] || loops[b]
	}
	for _, id := range sortedBridges(s) {
		if !s[id.Namespace].Bridges[id.Name].STP {
			withoutSTP[root(id)] = true
		}
	}
	for bridge := range loops {
		if loops[bridge] && withoutSTP[bridge] {
			return true
		}
	}
	return false
}

// joins returns the bridges that a cable joins, once per cable.
func joins(s state.State, port state.LinkID) (a, b state.LinkID, ok bool) {
	link := s[port.Namespace].Links[port.Name]
	peer := s[link.Peer.Namespace].Links[link.Peer.Name]
	if link.Master == "" || peer.Master == "" || peer.Peer != port || compareLinks(link.Peer, port) < 0 {
		return a, b, false
	}
	return linkID(port.Namespace, link.Master), linkID(link.Peer.Namespace, peer.Master), true
}
