// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/controllers/diagnose"
)

// Live is what is known about a lab on a machine, or in a cluster.
type Live struct {
	Health  Health
	Verdict string
	// Nodes has the nodes whose state is known.
	Nodes map[string]Health
	// Down are the interfaces that are down or have no carrier.
	Down map[Interface]bool
	// Failures are the failing probes, in stored order.
	Failures []Failing
}

// Interface names an interface of a node.
type Interface struct{ Node, Name string }

// Failing is a failing probe, and the way of its packets, if it is known.
type Failing struct {
	Failure
	From string
	Walk *diagnose.Walk
}

// Show adds the state of a lab to its picture.
func (g *Graph) Show(l Live) {
	g.plan = g.clone()
	g.Health, g.Verdict = l.Health, l.Verdict
	for i := range g.Nodes {
		if health, known := l.Nodes[g.Nodes[i].Name]; known {
			g.Nodes[i].Health = health
		}
	}
	for i := range g.Links {
		g.showLink(&g.Links[i], l)
	}
	for i, failing := range l.Failures {
		g.Failures = append(g.Failures, failing.Failure)
		g.showFailure(i+1, failing)
	}
}

// clone shares with the graph what Show does not change in place.
func (g *Graph) clone() *Graph {
	c := *g
	c.Nodes, c.Links = slices.Clone(g.Nodes), slices.Clone(g.Links)
	for i := range c.Links {
		c.Links[i].Labels = slices.Clip(c.Links[i].Labels)
	}
	for i := range g.Links {
		g.Links[i].Labels = slices.Clip(g.Links[i].Labels)
	}
	return &c
}

func (g *Graph) showLink(link *Link, l Live) {
	link.Health = min(g.Nodes[link.Ends[0].Node].Health, Good)
	for _, end := range link.Ends {
		if l.Down[Interface{g.Nodes[end.Node].Name, end.Port}] && !link.Down {
			link.Down, link.Health = true, Bad
			link.Labels = append(link.Labels, Label{"down", FaultLabel})
		}
	}
}

// showFailure marks the way of a failing probe's packets, and where they end.
func (g *Graph) showFailure(number int, f Failing) {
	if f.Walk == nil {
		g.markNode(number, f.From)
		return
	}
	for _, hops := range [][]diagnose.Hop{f.Walk.Forward, f.Walk.Back} {
		for i := range hops {
			g.showHop(number, hops, i)
		}
	}
	if !f.Passed {
		g.showCause(number, f)
	}
}

func (g *Graph) markNode(number int, name string) {
	if at := g.Node(name); at >= 0 {
		g.Nodes[at].Failures = append(g.Nodes[at].Failures, number)
	}
}

// showHop marks the links from a node to the next one, over the switches between.
func (g *Graph) showHop(number int, hops []diagnose.Hop, i int) {
	hop, incoming := hops[i], ""
	if hop.Outgoing == "" {
		return
	}
	way := append([]string{hop.Node}, hop.Through...)
	if hop.Next != "" {
		way = append(way, hop.Next)
		if i+1 < len(hops) {
			incoming = hops[i+1].Incoming
		}
	}
	for k := 1; k < len(way); k++ {
		from, to := "", ""
		if k == 1 {
			from = hop.Outgoing
		}
		if k == len(way)-1 {
			to = incoming
		}
		g.mark(number, g.link(way[k-1], from, way[k], to))
	}
	if len(way) == 1 {
		g.mark(number, g.link(hop.Node, hop.Outgoing, "", ""))
	}
}

func (g *Graph) mark(number, link int) {
	if link >= 0 && !slices.Contains(g.Links[link].Failures, number) {
		g.Links[link].Failures = append(g.Links[link].Failures, number)
	}
}

// link finds the link between two nodes; empty names stand for any. It prefers the named interfaces, and then links that
// are up.
func (g *Graph) link(a, from, b, to string) int {
	best, bestScore := -1, -1
	for i, l := range g.Links {
		for k := range l.Ends {
			near, far := l.Ends[k], l.Ends[1-k]
			if g.Nodes[near.Node].Name != a || b != "" && g.Nodes[far.Node].Name != b || b == "" && !near.named(from) {
				continue
			}
			score := 0
			if near.named(from) {
				score += 4
			}
			if far.named(to) {
				score += 2
			}
			if !l.Down {
				score++
			}
			if score > bestScore {
				best, bestScore = i, score
			}
		}
	}
	return best
}

func (e End) named(name string) bool { return e.Port == name || slices.Contains(e.Subinterfaces, name) }

// showCause marks the node or the link at which the packets end.
func (g *Graph) showCause(number int, f Failing) {
	last, found := lastHop(f.Walk)
	switch {
	case !found, f.Walk.OnOtherLeg:
		name := f.From
		if f.Walk.OnOtherLeg && f.Walk.Cause.Node != "" {
			name = f.Walk.Cause.Node
		}
		g.markNode(number, name)
	case last.Next != "":
		g.markNode(number, last.Next)
	case last.Outgoing == "":
		g.markNode(number, last.Node)
	case len(last.Through) > 0:
		g.markNode(number, last.Through[len(last.Through)-1])
	default:
		g.endOnLink(number, g.link(last.Node, last.Outgoing, "", ""), last)
	}
}

func (g *Graph) endOnLink(number, link int, last diagnose.Hop) {
	if link < 0 {
		return
	}
	end := 0
	if far := g.Links[link].Ends[1]; g.Nodes[far.Node].Name == last.Node {
		end = 1
	}
	g.Links[link].Health = Bad
	g.Links[link].Stops = append(g.Links[link].Stops, Stop{number, end})
	g.Links[link].Labels = append(g.Links[link].Labels, Label{fmt.Sprintf("✗%d", number), FaultLabel})
}

// lastHop is where the packets end.
func lastHop(w *diagnose.Walk) (hop diagnose.Hop, found bool) {
	for _, hops := range [][]diagnose.Hop{w.Forward, w.Back} {
		if len(hops) > 0 {
			hop, found = hops[len(hops)-1], true
		}
	}
	return hop, found
}
