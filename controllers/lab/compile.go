// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Compile derives everything that a lab's spec leaves out. The error, if any, is Problems: all of them,
// and then there is no Lab. The result depends on the arguments alone.
func Compile(id state.Identity, spec *v1alpha1.NetLabSpec, options Options) (*Lab, error) {
	n := walk(id, spec)
	if len(n.problems) > 0 {
		return nil, n.problems
	}
	return n.lab(options), nil
}

// Validate returns every problem of a lab's spec; nil for one that can be built. The lab's names count: MAC
// addresses are derived from them, link-local addresses from those, and a route may have one as next hop.
func Validate(netlab *v1alpha1.NetLab) Problems {
	return walkLab(netlab).problems
}

// Lint is Validate and a check of the NetLab's name. Its warnings are legal and probably not intended.
func Lint(netlab *v1alpha1.NetLab) (problems, warnings Problems) {
	n := walkLab(netlab)
	n.warnEmpty()
	n.warnUnusedSubnets()
	n.warnUnlinkedNodes()
	n.warnSharedPrefixes()
	n.warnNeighbours()
	n.checkLabName(netlab.Name)
	return n.problems, n.warnings
}

func walkLab(netlab *v1alpha1.NetLab) *network {
	return walk(state.Identity{Namespace: netlab.Namespace, Name: netlab.Name}, &netlab.Spec)
}

// network is a lab with its names resolved: the graph on which addresses, routes and probes are derived.
// Everything in it is in stored order.
type network struct {
	report
	id      state.Identity
	spec    *v1alpha1.NetLabSpec
	nodes   []*node
	links   []*link
	subnets []*subnet
	probes  []Probe

	// ends, segments and vlans are set by addSegments.
	ends     []*end
	segments []*segment // those with ends, in stored order
	vlans    []uint16

	nodeByName   map[string]*node
	subnetByName map[string]*subnet
	segmentOf    map[portAtVLAN]*segment

	// cables are the ends of links at each node, set by addCables.
	cables map[*node][]*end

	// rows is the number of rows of the lab, derivedRows that of its derived routes; set by addRoutes.
	rows, derivedRows int

	// neighbours are what the nodes resolve; set by addNeighbours in a lab without problems.
	neighbours neighbours

	// refusedPairs are the ends between which a derived route was refused.
	refusedPairs map[[2]*end]bool
}

// walk is the list of passes. A part with a problem is left out of the graph and the walk goes on, so that
// one walk reports every problem.
func walk(id state.Identity, spec *v1alpha1.NetLabSpec) *network {
	n := &network{id: id, spec: spec, nodeByName: map[string]*node{}, subnetByName: map[string]*subnet{}, refusedPairs: map[[2]*end]bool{}}
	// Resolve names and check each object.
	n.checkModes()
	n.checkPlacement()
	n.addSubnets()
	n.addNodes()
	n.addSwitches()
	n.addLinks()
	// Derive segments and addresses.
	n.setBridgeMTUs()
	n.checkLoops()
	n.addSegments()
	n.addLoopbacks()
	n.addAddresses()
	n.deriveAddresses()
	n.checkAddresses()
	n.enableIPv6()
	n.checkLinkLocals()
	// Derive routes and probes, which need every address.
	n.addRoutes()
	n.checkIPv6Gateways()
	n.addCables()
	n.addProbes()
	n.addNeighbours()
	return n
}

// lab writes the rows. A node's come first: its interfaces inherit settings from them.
func (n *network) lab(options Options) *Lab {
	lab := &Lab{
		Identity: n.id, Routing: cmp.Or(n.spec.Routing, v1alpha1.RoutingAuto), Want: make(state.State, len(n.nodes)),
		Probes: n.probes, Nodes: NodeNames(n.spec), Addresses: make(map[string][]netip.Addr, len(n.nodes)),
	}
	for _, x := range n.nodes {
		for _, f := range families {
			lab.Addresses[x.name] = slices.AppendSeq(lab.Addresses[x.name], x.addresses(f))
		}
		n.addNodeRows(lab.Want, x, options)
	}
	for _, x := range n.nodes {
		if x.sw != nil {
			n.addSwitchRows(lab.Want, x)
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			n.addEndRows(lab.Want, e, options)
			for _, sub := range e.subinterfaces {
				n.addInterfaceRows(lab.Want, sub, state.Link{Kind: state.VLANLink, Parent: e.iface, VLAN: sub.vlan})
			}
		}
	}
	n.addNeighbourRows(lab)
	return lab
}
