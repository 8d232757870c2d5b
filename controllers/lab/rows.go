// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// MaxRows is the largest number of rows of a lab's State. What a node spends on a lab grows with them: memory, the
// time to build it and to compare it. Lists of a spec do not bound them: with routing: Auto, every router has a route
// to each prefix.
const MaxRows = 120_000

// checkRows refuses a lab that is too large. Its derived routes are counted and not kept.
func (n *network) checkRows() {
	if n.rows > MaxRows {
		n.refuse("spec", n.fewerRows(), "the lab compiles to %s rows, more than the limit of %s", thousands(n.rows), thousands(MaxRows))
	}
}

func (n *network) fewerRows() string {
	if 2*n.derivedRows < n.rows {
		return "split the lab"
	}
	return fmt.Sprintf("remove prefixes, loopbacks or routers, write routing: Manual, or split the lab: %s rows are derived routes, one for each router and prefix", thousands(n.derivedRows))
}

// countRows counts the rows that the lab has without derived routes.
func (n *network) countRows() int {
	rows := 0
	for _, x := range n.nodes {
		rows += 2 + len(x.loopbacks) + x.countRoutes() // the namespace and lo
		if x.sw != nil {
			rows += 1 + x.countSwitchRows()
		}
	}
	for _, l := range n.links {
		for _, e := range l.ends {
			rows += e.countRows() + n.countVLANs(e)
			for _, sub := range e.subinterfaces {
				rows += sub.countRows()
			}
		}
	}
	return rows
}

func (x *node) countRoutes() int {
	rows := 0
	for _, r := range x.routes {
		if r != (state.Route{}) {
			rows++
		}
	}
	return rows
}

// countSwitchRows counts the interfaces of the switch itself, and the VLANs that they are in.
func (x *node) countSwitchRows() int {
	rows := 0
	for _, e := range x.ends {
		rows += e.countRows()
		if e.parent != nil {
			rows++
		}
	}
	return rows
}

// countRows counts the interface, its addresses and its queueing discipline.
func (e *end) countRows() int {
	rows := 1 + len(e.addresses)
	if e.linkLocal.IsValid() && !slices.Contains(e.addresses, e.linkLocal) {
		rows++
	}
	if e.qdisc != (state.Qdisc{}) {
		rows++
	}
	return rows
}

// countVLANs counts the VLANs of a bridge port.
func (n *network) countVLANs(e *end) int {
	if e.port == nil {
		return 0
	}
	rows := 0
	for range n.portVLANs(e) {
		rows++
	}
	return rows
}

// thousands writes a number with separators.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// EstimateRows is about the number of rows of a lab, by the lengths of the spec's lists alone.
func EstimateRows(spec *v1alpha1.NetLabSpec) int {
	e := estimate{ends: map[string]int{}, prefixes: len(spec.Links) + len(spec.Subnets)}
	for i := range spec.Links {
		e.addLink(&spec.Links[i])
	}
	for i := range spec.Namespaces {
		n := &spec.Namespaces[i]
		e.addNode(&n.NodeConfig, e.ends[n.Name] > 1)
	}
	for i := range spec.Routers {
		e.addNode(&spec.Routers[i].NodeConfig, true)
	}
	for i := range spec.Switches {
		e.addNode(&spec.Switches[i].NodeConfig, spec.Switches[i].Forwarding == v1alpha1.Enabled)
	}
	if spec.Routing == v1alpha1.RoutingManual {
		return e.rows
	}
	return e.rows + e.routing*e.prefixes
}

// estimate counts rows and prefixes, and the nodes with a route to each prefix.
type estimate struct {
	rows, prefixes, routing int
	// ends is the number of interfaces of each node.
	ends map[string]int
}

func (s *estimate) addLink(l *v1alpha1.Link) {
	s.rows += 2
	for i := range l.Endpoints {
		e := &l.Endpoints[i]
		s.ends[e.Name] += 1 + len(e.Subinterfaces)
		s.rows += 2 + len(e.Addresses) + 2*len(e.Subinterfaces) + len(e.VLANs)
	}
}

func (s *estimate) addNode(c *v1alpha1.NodeConfig, routes bool) {
	s.rows += 2 + len(c.Routes)
	s.prefixes += len(c.Loopbacks)
	if routes {
		s.routing++
	}
}
