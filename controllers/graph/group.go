// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

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

// groups maps a host to the node at which it is grouped.
func (g *Graph) groups() map[int]int {
	degree := make([]int, len(g.Nodes))
	for _, l := range g.Links {
		degree[l.Ends[0].Node]++
		degree[l.Ends[1].Node]++
	}
	at, size := map[int]int{}, map[int]int{}
	for _, l := range g.Links {
		for i, end := range l.Ends {
			n := g.Nodes[end.Node]
			plain := len(l.Labels) == 0 && l.Health <= Good && n.Health <= Good && len(n.Failures) == 0 && len(n.Notes) == 0 && len(l.Failures) == 0
			if n.Kind == Host && degree[end.Node] == 1 && plain && len(l.Ends[1-i].Lines) == 0 {
				at[end.Node] = l.Ends[1-i].Node
				size[l.Ends[1-i].Node]++
			}
		}
	}
	for host, node := range at {
		if size[node] < 2 {
			delete(at, host)
		}
	}
	return at
}

// withoutMembers has a group in the place of its first member. place maps old places to new ones.
func (g *Graph) withoutMembers(groups map[int]int) (out *Graph, place []int) {
	copied := *g
	out, place = &copied, make([]int, len(g.Nodes))
	out.Nodes, out.Links = nil, nil
	groupAt := map[int]int{}
	for i, n := range g.Nodes {
		node, member := groups[i]
		if !member {
			place[i] = len(out.Nodes)
			out.Nodes = append(out.Nodes, n)
			continue
		}
		at, known := groupAt[node]
		if !known {
			at = len(out.Nodes)
			groupAt[node] = at
			out.Nodes = append(out.Nodes, Node{Name: "hosts@" + g.Nodes[node].Name, Kind: Group, Network: NoNetwork, Health: n.Health})
		}
		place[i] = at
		out.Nodes[at].Members = append(out.Nodes[at].Members, Member{Name: n.Name})
	}
	return out, place
}

// regroupLinks makes one link of the links of each group.
func (g *Graph) regroupLinks(from *Graph, groups map[int]int, place []int) {
	linkAt := map[int]int{}
	for _, l := range from.Links {
		member := -1
		for i := range l.Ends {
			if _, grouped := groups[l.Ends[i].Node]; grouped {
				member = i
			}
		}
		host := l.Ends[max(member, 0)]
		for i := range l.Ends {
			l.Ends[i].Node = place[l.Ends[i].Node]
		}
		if member < 0 {
			g.Links = append(g.Links, l)
			continue
		}
		g.addMember(linkAt, l, member, from.Nodes[host.Node].Name)
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
	link.Names = append(link.Names, l.Names...)
	link.Ends[1-member].Port = fmt.Sprintf("%d ports", len(link.Names))
	if link.Network != l.Network {
		link.Network = NoNetwork
	}
}
