// SPDX-License-Identifier: Apache-2.0

package graph

import "strings"

// Graph is what a picture of a lab shows.
type Graph struct {
	// Name is the lab's: "default/routed-pair".
	Name string
	// Nodes and Links are in stored order. A group takes the place of its first member.
	Nodes []Node
	Links []Link
	// Networks are the address ranges of the links, in order of first use.
	Networks []Network
	// Verdict is the state of the lab, in a few words; Health is the same for colours.
	Verdict string
	Health  Health
	// Failures are the failing probes, in stored order.
	Failures []Failure

	plan *Graph
}

// Plan is the graph without the state of the lab: what the spec alone determines.
func (g *Graph) Plan() *Graph {
	if g.plan != nil {
		return g.plan
	}
	return g
}

// Kind is the kind of a node.
type Kind uint8

// The kinds of nodes.
const (
	Host Kind = iota
	Router
	Switch
	// Group stands for several hosts at one node.
	Group
)

var kindNames = [...]string{"host", "router", "switch", "hosts"}

// String is the kind's name for people.
func (k Kind) String() string { return kindNames[k] }

// Health is the state of a node, a link or a lab on a machine.
type Health uint8

// The states, as far as they are known. Planned is what a file describes.
const (
	Planned Health = iota
	Good
	Drifted
	Bad
)

var healthNames = [...]string{"planned", "good", "drifted", "bad"}

// String is the name of the state for style sheets.
func (h Health) String() string { return healthNames[h] }

// NoNetwork is the network of a link without addresses, or with several.
const NoNetwork = -1

// Node is a node, or a group of hosts.
type Node struct {
	Name string
	Kind Kind
	// Notes are loopbacks, settings and routes that matter to a reader, one line each.
	Notes []string
	// Network is the one network of all ports of a switch, or NoNetwork.
	Network int
	// Members are the hosts of a Group.
	Members []Member
	Health  Health
	// Failures are the numbers of the failures whose packets end here.
	Failures []int
}

// Member is a host in a group.
type Member struct {
	Name      string
	Addresses []string
}

// Network is an address range.
type Network struct {
	// Name is the subnet's; empty for a range that only addresses have.
	Name  string
	CIDRs []string
}

// End is one end of a link: an interface of a node.
type End struct {
	// Node is the place of the node in Graph.Nodes.
	Node int
	// Port is the name of the interface.
	Port string
	// Lines are its addresses and VLANs, one line each.
	Lines []string
	// Subinterfaces are the names of the VLAN interfaces on top of it.
	Subinterfaces []string
}

// Link is a cable, or the cables of a group.
type Link struct {
	// Names are the names of the cables, one but for a group.
	Names   []string
	Ends    [2]End
	Network int
	// Labels say what differs from a plain cable, one line each.
	Labels []Label
	// Trunk carries several VLANs; Down is a cable that is cut; Impaired has an impairment.
	Trunk, Down, Impaired bool
	Health                Health
	// Failures are the numbers of the failures whose packets pass the link or end on it. Stops are those that end on it.
	Failures []int
	Stops    []Stop
}

// Stop is where packets end on a link: behind one of its ends.
type Stop struct{ Failure, End int }

// Label is a line beside a link.
type Label struct {
	Text string
	Kind LabelKind
}

// LabelKind is what a label is about.
type LabelKind uint8

// The kinds of labels.
const (
	// NetworkLabel is the name of the link's network.
	NetworkLabel LabelKind = iota
	// QualityLabel is an impairment or an MTU.
	QualityLabel
	// FaultLabel is a state in which nothing passes, or a failure.
	FaultLabel
)

// Failure is a failing probe, or the way of packets that arrive. Its number is its place in Graph.Failures plus 1.
type Failure struct {
	Probe string
	// Passed says that nothing stops the packets.
	Passed  bool
	Reason  string
	Message string
	Fix     string
}

// Node returns the place of a node, or of the group that it is in, and -1 without one.
func (g *Graph) Node(name string) int {
	for i, n := range g.Nodes {
		if n.Name == name {
			return i
		}
		for _, m := range n.Members {
			if m.Name == name {
				return i
			}
		}
	}
	return -1
}

// String is the network's name and ranges.
func (n Network) String() string {
	ranges := strings.Join(n.CIDRs, ", ")
	if n.Name == "" {
		return ranges
	}
	return n.Name + " " + ranges
}
