// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// NeighbourCount is a number of entries in the neighbour tables of the two families, which all network namespaces
// of a kernel share.
type NeighbourCount struct{ IPv4, IPv6 int }

// warnedNeighbours is the number of learned entries from which on lint suggests static ones: a quarter of the table
// of a kernel with its default limit (gc_thresh3) of 1,024.
const warnedNeighbours = 256

// meshedEnds is the largest number of interfaces on a segment of which each has a static entry for every other. The
// entries grow with the square.
const meshedEnds = 16

// resolution says that a node sends frames to an address over an interface.
type resolution struct {
	end     *end
	address netip.Addr
}

// neighbours are what the nodes of a lab resolve.
type neighbours struct {
	*network
	lookups map[*node]*lookup
	// learned are the entries that a lab at rest has if it has no static ones.
	learned map[resolution]bool
	// static are the entries that can be written.
	static map[resolution]state.MAC
}

// addNeighbours finds the static entries, and those that the kernels learn.
//
// A kernel learns an entry when it sends a packet to a neighbour, and when a neighbour asks for its address. In a lab
// at rest only probes send packets. So what is counted is each hop of their requests and replies, on every leg of a
// multipath route, at both ends. Entries for multicast addresses, which IPv6 makes for each solicitation, are not
// counted: the kernel removes them first, whatever their age, when it needs room (neigh_forced_gc).
func (n *network) addNeighbours() {
	if len(n.problems) > 0 {
		return
	}
	all := neighbours{network: n, lookups: map[*node]*lookup{}, learned: map[resolution]bool{}, static: map[resolution]state.MAC{}}
	if n.spec.Neighbors == v1alpha1.NeighborsStatic {
		all.addMeshes()
		all.addGateways()
	}
	for _, p := range n.probes {
		all.follow(p)
	}
	all.lookups = nil
	n.neighbours = all
	n.rows += len(all.static)
	if n.rows > MaxRows {
		n.refuse("spec.neighbors", "write neighbors: Learned, or split the lab", "the lab compiles to %s rows, more than the limit of %s: %s are static neighbours", thousands(n.rows), thousands(MaxRows), thousands(len(all.static)))
	}
}

func (n *network) addNeighbourRows(lab *Lab) {
	for r, mac := range n.neighbours.static {
		rows := lab.Want[r.end.node.namespace]
		rows.Neighbours = add(rows.Neighbours, state.NeighbourKey{Link: r.end.iface, Address: r.address}, state.StaticNeighbour{MAC: mac, Protocol: state.RouteProtocol})
		lab.Want[r.end.node.namespace] = rows
	}
	lab.Neighbours = n.neighbours.count()
}

func (s *neighbours) count() (count NeighbourCount) {
	for r := range s.learned {
		if r.address.Is4() {
			count.IPv4++
		} else {
			count.IPv6++
		}
	}
	return count
}

// addMeshes writes what the ends of small segments know of each other.
func (s *neighbours) addMeshes() {
	for _, segment := range s.segments {
		if len(segment.ends) > meshedEnds {
			continue
		}
		for _, e := range segment.ends {
			for o := range e.neighbours() {
				for _, p := range o.addresses {
					if e.isConnected(p.Addr()) && !state.IsLinkLocal(p.Addr()) {
						s.addStatic(e, p.Addr())
					}
				}
			}
		}
	}
}

// addGateways writes the next hops of routes, and what these know of the nodes that use them.
func (s *neighbours) addGateways() {
	for _, x := range s.nodes {
		added := map[resolution]bool{}
		for _, route := range x.routes {
			for _, hop := range x.legsOf(route) {
				if r := (resolution{hop.end, hop.next}); hop.next.IsValid() && !added[r] {
					added[r] = true
					s.addGateway(r.end, r.address)
				}
			}
		}
	}
}

func (s *neighbours) addGateway(e *end, via netip.Addr) {
	if !s.addStatic(e, via) {
		return
	}
	holder := e.holder(via)
	for _, p := range e.addresses {
		if holder.isConnected(p.Addr()) && !state.IsLinkLocal(p.Addr()) {
			s.addStatic(holder, p.Addr())
		}
	}
}

// addStatic writes an entry if it is known who has the address.
func (s *neighbours) addStatic(e *end, a netip.Addr) bool {
	holder := e.holder(a)
	if holder == nil || !e.takes(a) {
		return false
	}
	s.static[resolution{e, a}] = holder.mac
	return true
}

// takes reports whether the kernel takes an entry for an address on an end, and sends packets to it there.
func (e *end) takes(a netip.Addr) bool {
	return e.up() && !e.node.hasAddress(a) && (a.Is4() || e.linkLocal.IsValid())
}

// holder is the neighbour that answers for an address on the segment; nil if none does, or if it is not certain
// which. IPv4 answers for all addresses of a node on each of its interfaces, unless arp_ignore forbids it.
func (e *end) holder(a netip.Addr) (holder *end) {
	for o := range e.neighbours() {
		if e.isLive(o) && o.hasAddress(a) {
			return o
		}
	}
	if a.Is6() {
		return nil
	}
	for o := range e.neighbours() {
		if !e.isLive(o) || !o.node.hasAddress(a) || o.node.ignoresARP() {
			continue
		}
		if holder != nil {
			return nil
		}
		holder = o
	}
	return holder
}

func (x *node) ignoresARP() bool {
	settings := x.settings()
	return settings[state.AllARPIgnore] != state.Off || settings[state.ARPIgnore] != state.Off
}

// proxies are the neighbours that answer ARP for addresses that they lead to (proxy_arp).
func (e *end) proxies() (all []*end) {
	for o := range e.neighbours() {
		if settings := o.node.settings(); e.isLive(o) && (settings[state.AllProxyARP] == state.On || settings[state.ProxyARP] == state.On) {
			all = append(all, o)
		}
	}
	return all
}

// endOf is a node's interface on a segment.
func (x *node) endOf(iface string) *end {
	if i := slices.IndexFunc(x.ends, func(e *end) bool { return e.iface == iface }); i >= 0 {
		return x.ends[i]
	}
	return nil
}

// warnNeighbours suggests static entries to a lab that needs much of a node's table.
func (n *network) warnNeighbours() {
	if n.spec.Neighbors == v1alpha1.NeighborsStatic || len(n.problems) > 0 {
		return
	}
	need := n.neighbours.count()
	if most := max(need.IPv4, need.IPv6); most > warnedNeighbours {
		n.warn("spec.neighbors", "write neighbors: Static",
			"the probes need %d entries of the neighbour table, which all labs of a machine share: by default its kernel holds 1024", most)
	}
}
