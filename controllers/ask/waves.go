// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// maxWave limits how many probes run at the same time: each needs a socket and, while it opens it, a thread.
const maxWave = 128

// costs computes how many neighbour entries a ping causes.
type costs struct {
	lab        *lab.Lab
	neighbours map[string][]string
	// distances are computed on demand: the number of links from a node to every other one.
	distances map[string]map[string]int
}

func newCosts(lab *lab.Lab) *costs {
	c := &costs{lab: lab, neighbours: map[string][]string{}, distances: map[string]map[string]int{}}
	for id, link := range lab.Want.Links() {
		if link.Peer.Namespace != "" {
			node := state.NodeOf(id.Namespace)
			c.neighbours[node] = append(c.neighbours[node], state.NodeOf(link.Peer.Namespace))
		}
	}
	return c
}

// wave returns the first probes that together cause no more entries than the budget: at least one, all of one
// family.
func (c *costs) wave(probes []lab.Probe, budget int) []lab.Probe {
	n := 0
	for spent := 0; n < len(probes) && n < maxWave && probes[n].Family == probes[0].Family; n++ {
		if spent += c.of(probes[n]); n > 0 && spent > budget {
			break
		}
	}
	return probes[:n]
}

// of is how many entries a ping and its reply may cause: one at both ends of every link on the shortest path,
// and in IPv6 one more for the solicited-node multicast address. Without a path to the target, the packet may
// still follow a default route as far as there are links.
func (c *costs) of(p lab.Probe) int {
	distance, known := c.from(p.From)[p.Target]
	if !known {
		for _, d := range c.from(p.From) {
			distance = max(distance, d)
		}
	}
	entries := 2 * max(distance, 1)
	if p.Family == v1alpha1.IPv6 {
		entries *= 2
	}
	return entries
}

// from are the distances of all nodes with a path of links.
func (c *costs) from(node string) map[string]int {
	if known, ok := c.distances[node]; ok {
		return known
	}
	found := map[string]int{node: 0}
	for queue := []string{node}; len(queue) > 0; queue = queue[1:] {
		for _, next := range c.neighbours[queue[0]] {
			if _, ok := found[next]; !ok {
				found[next] = found[queue[0]] + 1
				queue = append(queue, next)
			}
		}
	}
	c.distances[node] = found
	return found
}
