// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// node is a namespace, a router or a switch.
type node struct {
	name string
	// namespace is its network namespace's name.
	namespace string
	field     string
	// router says that it counts as one for addresses and routes.
	router    bool
	forwards  bool
	config    *v1alpha1.NodeConfig
	loopbacks []netip.Prefix
	// ends are where the node is on a segment, with addresses or without.
	ends []*end
	// ifaces says for each interface's name which field gives it.
	ifaces map[string]string
	// sw, bridge and ports are a switch's: its description, the bridge itself, what is plugged in.
	sw     *v1alpha1.Switch
	bridge *end
	ports  []*end
	// ipv6 says whether the node has IPv6 at all: an address, or a link whose next hops
	// can only be link-local.
	ipv6 bool
}

func (n *network) addNodes() {
	for i := range n.spec.Namespaces {
		ns := &n.spec.Namespaces[i]
		n.addNode(&node{name: ns.Name, field: fmt.Sprintf("spec.namespaces[%d]", i), config: &ns.NodeConfig})
	}
	for i := range n.spec.Routers {
		r := &n.spec.Routers[i]
		n.addNode(&node{
			name: r.Name, field: fmt.Sprintf("spec.routers[%d]", i), config: &r.NodeConfig,
			router: true, forwards: r.Forwarding != v1alpha1.Disabled,
		})
	}
}

func (n *network) addNode(x *node) {
	x.namespace, x.ifaces = n.id.NetworkNamespace(x.name), map[string]string{}
	n.checkName(x.field+".name", x.name)
	if other := n.nodeByName[x.name]; other != nil {
		n.refuse(x.field+".name", "give one of them another name", "%q is already the name of %s", x.name, other.field)
		return
	}
	n.checkSysctls(x)
	n.nodes = append(n.nodes, x)
	n.nodeByName[x.name] = x
}

// has reports whether the node has an address of the family, link-local ones aside.
func (x *node) has(f family) bool { return x.address(f).IsValid() }

// address is where the node is reached: its first loopback, else its first address in
// stored link order.
func (x *node) address(f family) netip.Addr {
	for _, p := range x.loopbacks {
		if familyOf(p.Addr()) == f {
			return p.Addr()
		}
	}
	for _, e := range x.ends {
		for _, p := range e.of(f) {
			if !state.IsLinkLocal(p.Addr()) {
				return p.Addr()
			}
		}
	}
	return netip.Addr{}
}

func (x *node) hasAddress(a netip.Addr) bool {
	for _, p := range x.loopbacks {
		if p.Addr() == a {
			return true
		}
	}
	for _, e := range x.ends {
		for _, p := range e.addresses {
			if p.Addr() == a && !state.IsLinkLocal(a) {
				return true
			}
		}
	}
	return false
}

// owns reports whether a next hop would be one of the node's own interfaces.
func (x *node) owns(a netip.Addr) bool {
	return slices.ContainsFunc(x.ends, func(e *end) bool { return e.hasAddress(a) })
}

// loopback is the node's first loopback of a family, zero without one.
func (x *node) loopback(f family) netip.Addr {
	for _, p := range x.loopbacks {
		if familyOf(p.Addr()) == f {
			return p.Addr()
		}
	}
	return netip.Addr{}
}
