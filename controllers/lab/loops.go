// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// checkLoops refuses cycles of switches on which one does not speak the spanning tree protocol: a
// broadcast would go round for ever, and in a kernel that takes the whole machine. Links that
// are down close no cycle.
func (n *network) checkLoops() {
	var told []*node
	for _, l := range n.links {
		if !l.up || l.ends[0].port == nil || l.ends[1].port == nil || !n.connectedWithout(l) {
			continue
		}
		var silent []string
		for _, e := range l.ends {
			if e.node.sw.STP != v1alpha1.Enabled && !slices.Contains(told, e.node) {
				told = append(told, e.node)
				silent = append(silent, e.node.name)
			}
		}
		if len(silent) > 0 {
			n.refuseAbsent(AnyAbsent, l.field, "write stp: Enabled at every switch of the cycle, or remove a link", "switches form a loop without a spanning tree at %s", strings.Join(silent, " and "))
		}
	}
}

// connectedWithout reports whether other links lead from one end's switch to the other's.
func (n *network) connectedWithout(without *link) bool {
	seen := map[*node]bool{without.ends[0].node: true}
	queue := []*node{without.ends[0].node}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for _, e := range x.ports {
			next := e.peer()
			if e.link == without || !e.link.up || next.port == nil || seen[next.node] {
				continue
			}
			seen[next.node] = true
			queue = append(queue, next.node)
		}
	}
	return seen[without.ends[1].node]
}
