// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Lab is a NetLab with everything derived: what the kernel should hold and what should
// be asked of it.
type Lab struct {
	Identity state.Identity
	// Want is what the kernel should hold.
	Want state.State
	// Routing is the lab's, Auto unless it says otherwise.
	Routing v1alpha1.Routing
	// Probes are in stored order, one per probe and family.
	Probes []Probe
	// Nodes are the names of the lab's nodes: see NodeNames.
	Nodes []string
	// Addresses are where each node is asked when it is asked by name: one per family it has,
	// IPv4 first.
	Addresses map[string][]netip.Addr
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

// Options are what a machine adds to a lab's description.
type Options struct {
	// Symlinks says whether ip netns should find the lab's namespaces by name.
	Symlinks bool
	// HasNetem says whether the kernel can impair packets; nil means that it can. It is asked only for
	// a link that limits its rate and nothing else: TBF can do that, too.
	HasNetem func() bool
}
