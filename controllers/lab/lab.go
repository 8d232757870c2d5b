// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Lab is a NetLab with everything derived.
type Lab struct {
	Identity state.Identity
	// Want is the wanted state of the kernel.
	Want state.State
	// Routing is Auto or Manual.
	Routing v1alpha1.Routing
	// Probes are in stored order, one per probe and family.
	Probes []Probe
	// Nodes are the names of the lab's nodes, as NodeNames has them.
	Nodes []string
	// Addresses are each node's addresses, IPv4 first, link-local ones excluded. A probe by name goes to the
	// first of a family that the sender does not have as well.
	Addresses map[string][]netip.Addr
	// Neighbours are the entries that the kernels learn while the lab is at rest.
	Neighbours NeighbourCount
}

// NodeNames are the names of a lab's nodes in stored order: namespaces, routers, switches.
func NodeNames(spec *v1alpha1.NetLabSpec) []string {
	names := make([]string, 0, len(spec.Namespaces)+len(spec.Routers)+len(spec.Switches))
	for i := range spec.Namespaces {
		names = append(names, spec.Namespaces[i].Name)
	}
	for i := range spec.Routers {
		names = append(names, spec.Routers[i].Name)
	}
	for i := range spec.Switches {
		names = append(names, spec.Switches[i].Name)
	}
	return names
}

// Options are the machine's part of a lab.
type Options struct {
	// Symlinks makes the lab's namespaces visible to ip netns.
	Symlinks bool
	// HasNetem reports whether the kernel has netem; nil means that it has. It is called only for an impairment
	// with a rate alone, for which TBF serves as well.
	HasNetem func() bool
}
