// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"
)

// MaxUngrouped is the largest number of nodes that a picture shows one by one.
const MaxUngrouped = 60

// Grouped replaces the hosts at one switch or router by a group, in a graph of more than MaxUngrouped nodes. A
// host is in a group if its one link is plain: what a reader looks for stays visible.
func (g *Graph) Grouped() *Graph {
	if len(g.Nodes) <= MaxUngrouped {
		return g
	}
	groups := g.groups()
	out, place := g.withoutMembers(groups)
	out.regroupLinks(g, groups, place)
	return out
}

// membership is the group of a host.
type membership struct {
	node int
	// port is what the ports at the node have in common: their VLANs.
	port string
}

// groups has the hosts that are in a group.
func (g *Graph) groups() map[int]membership {
	degree := make([]int, len(g.Nodes))
	for _, l := range g.Links {
		degree[l.Ends[0].Node]++
		degree[l.Ends[1].Node]++
	}
	of, size := map[int]membership{}, map[membership]int{}
	for i := range g.Links {
		for k, end := range g.Links[i].Ends {
			if degree[end.Node] == 1 && g.plain(&g.Links[i], &g.Nodes[end.Node]) {
				other := g.Links[i].Ends[1-k]
				m := membership{other.Node, strings.Join(other.Lines, " ")}
				of[end.Node] = m
				size[m]++
			}
		}
	}
	for host, m := range of {
		if size[m] < 2 {
			delete(of, host)
		}
	}
	return of
}

// plain reports whether there is nothing to look at in a host and its link.
func (g *Graph) plain(l *Link, n *Node) bool {
	linkPlain := len(l.Labels) == 0 && l.Health <= Good && len(l.Failures) == 0 && !l.Trunk
	return n.Kind == Host && linkPlain && n.Health <= Good && len(n.Failures) == 0 && len(n.Notes) == 0
}

// withoutMembers has a group in the place of its first member. place maps old places to new ones.
func (g *Graph) withoutMembers(groups map[int]membership) (out *Graph, place []int) {
	copied := *g
	out, place = &copied, make([]int, len(g.Nodes))
	out.Nodes, out.Links = nil, nil
	groupAt := map[membership]int{}
	for i, n := range g.Nodes {
		m, member := groups[i]
		if !member {
			place[i] = len(out.Nodes)
			out.Nodes = append(out.Nodes, n)
			continue
		}
		at, known := groupAt[m]
		if !known {
			at = len(out.Nodes)
			groupAt[m] = at
			name := strings.TrimSpace("hosts@" + g.Nodes[m.node].Name + " " + m.port)
			out.Nodes = append(out.Nodes, Node{Name: name, Kind: Group, Network: NoNetwork, Health: n.Health})
		}
		place[i] = at
		out.Nodes[at].Members = append(out.Nodes[at].Members, Member{Name: n.Name})
	}
	return out, place
}

// regroupLinks makes one link of the links of each group.
func (g *Graph) regroupLinks(from *Graph, groups map[int]membership, place []int) {
	linkAt := map[int]int{}
	for _, l := range from.Links {
		member := slices.IndexFunc(l.Ends[:], func(e End) bool { _, grouped := groups[e.Node]; return grouped })
		host := from.Nodes[l.Ends[max(member, 0)].Node].Name
		for i := range l.Ends {
			l.Ends[i].Node = place[l.Ends[i].Node]
		}
		if member < 0 {
			g.Links = append(g.Links, l)
			continue
		}
		g.addMember(linkAt, l, member, host)
	}
}

func (g *Graph) addMember(linkAt map[int]int, l Link, member int, host string) {
	group := l.Ends[member].Node
	members := g.Nodes[group].Members
	for i := range members {
		if members[i].Name == host {
			members[i].Addresses = l.Ends[member].Lines
		}
	}
	at, known := linkAt[group]
	if !known {
		linkAt[group] = len(g.Links)
		l.Ends[member].Port, l.Ends[member].Lines = "", nil
		l.Ends[1-member].Port = "1 port"
		g.Links = append(g.Links, l)
		return
	}
	link := &g.Links[at]
	link.Names = append(slices.Clip(link.Names), l.Names...)
	link.Ends[1-member].Port = fmt.Sprintf("%d ports", len(link.Names))
	if link.Network != l.Network {
		link.Network = NoNetwork
	}
}
