// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"
)

// Counts says how many nodes of each kind and how many links there are.
func (g *Graph) Counts() string {
	var parts []string
	for _, kind := range []struct {
		kind      Kind
		one, many string
	}{{Host, "host", "hosts"}, {Router, "router", "routers"}, {Switch, "switch", "switches"}} {
		if count := g.count(kind.kind); count > 0 {
			parts = append(parts, plural(count, kind.one, kind.many))
		}
	}
	links := 0
	for _, l := range g.Links {
		links += len(l.Names)
	}
	return strings.Join(append(parts, plural(links, "link", "links")), ", ")
}

func (g *Graph) count(kind Kind) (count int) {
	for _, n := range g.Nodes {
		switch {
		case n.Kind == kind:
			count++
		case n.Kind == Group && kind == Host:
			count += len(n.Members)
		}
	}
	return count
}

func plural(count int, one, many string) string {
	if count == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", count, many)
}
