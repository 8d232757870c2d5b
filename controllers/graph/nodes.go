// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// builder has what the parts of a graph are made of.
type builder struct {
	spec     *v1alpha1.NetLabSpec
	lab      *lab.Lab
	networks *networks
	nodes    map[string]int
	graph    *Graph
	switches map[string]*v1alpha1.Switch
}

// New describes the picture of a lab as its spec has it. compiled is the spec's.
func New(spec *v1alpha1.NetLabSpec, compiled *lab.Lab) *Graph {
	b := builder{
		spec: spec, lab: compiled, networks: newNetworks(spec.Subnets), nodes: map[string]int{},
		graph: &Graph{Name: compiled.Identity.String()}, switches: map[string]*v1alpha1.Switch{},
	}
	b.addNodes()
	b.addLinks()
	b.spreadNetworks()
	b.graph.Networks = b.networks.list
	b.addLabels()
	return b.graph
}

func (b *builder) row(node string) state.Namespace {
	return b.lab.Want[b.lab.Identity.NetworkNamespace(node)]
}

func (b *builder) addNodes() {
	for i := range b.spec.Namespaces {
		b.addNode(b.spec.Namespaces[i].Name, Host, nil)
	}
	for i := range b.spec.Routers {
		r := &b.spec.Routers[i]
		var notes []string
		if r.Forwarding == v1alpha1.Disabled {
			notes = append(notes, "forwarding off")
		}
		b.addNode(r.Name, Router, notes)
	}
	for i := range b.spec.Switches {
		s := &b.spec.Switches[i]
		b.switches[s.Name] = s
		b.addNode(s.Name, Switch, switchNotes(s))
	}
}

func (b *builder) addNode(name string, kind Kind, notes []string) {
	b.nodes[name] = len(b.graph.Nodes)
	row := b.row(name)
	notes = append(notes, loopbackNotes(row)...)
	if kind == Switch {
		notes = append(notes, bridgeNotes(row)...)
	}
	b.graph.Nodes = append(b.graph.Nodes, Node{Name: name, Kind: kind, Notes: append(notes, routeNotes(row)...), Network: NoNetwork})
}

func switchNotes(s *v1alpha1.Switch) (notes []string) {
	if s.STP == v1alpha1.Enabled {
		notes = append(notes, "spanning tree")
	}
	if s.Forwarding == v1alpha1.Enabled {
		notes = append(notes, "layer 3")
	}
	for _, vlan := range s.VLANs {
		if vlan.Subnet != "" {
			notes = append(notes, fmt.Sprintf("vlan %d: %s", vlan.ID, vlan.Subnet))
		}
	}
	return notes
}

func loopbackNotes(row state.Namespace) (notes []string) {
	for _, p := range addresses(row, state.Loopback) {
		if !p.Addr().IsLoopback() {
			notes = append(notes, "lo "+short(p))
		}
	}
	return notes
}

// short leaves out the length of a host's prefix.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// bridgeNotes are the switch's own addresses.
func bridgeNotes(row state.Namespace) (notes []string) {
	for _, name := range slices.Sorted(maps.Keys(row.Links)) {
		if name != lab.BridgeName && !strings.HasPrefix(name, lab.BridgeName+".") {
			continue
		}
		for _, p := range addresses(row, name) {
			notes = append(notes, name+" "+p.String())
		}
	}
	return notes
}

// routeNotes are the routes that drop packets, and the largest number of next hops that a route has.
func routeNotes(row state.Namespace) (notes []string) {
	most := 0
	var drops []string
	for key, route := range row.Routes {
		most = max(most, len(route.NextHops()))
		if word := map[state.RouteType]string{state.Blackhole: "blackhole ", state.Unreachable: "unreachable ", state.Prohibit: "prohibit "}[route.Type]; word != "" {
			drops = append(drops, word+state.Destination(key.Prefix))
		}
	}
	if most > 1 {
		notes = append(notes, fmt.Sprintf("ECMP over %d next hops", most))
	}
	slices.Sort(drops)
	return append(notes, drops...)
}
