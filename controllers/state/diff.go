// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Diff returns the operations that make have into want, in the order they must be applied:
// what must go, then namespaces, settings, links, addresses, routes. It is empty exactly when
// nothing differs. Rows of want win; rows of have that want lacks are deleted, so have must
// hold only what is the lab's (see kernel.Observe).
func Diff(have, want State) []Op {
	if have.Equal(want) {
		return nil
	}
	d := newDiffer(have, want)
	d.deleteRoutes()
	d.deleteLinks()
	d.deleteNamespaces()
	d.deleteExposedAddresses()
	d.cutLinks()
	d.createNamespaces()
	d.setNamespaceSysctls()
	d.addLinks()
	d.setBridges(unfiltered)
	d.setMasters()
	d.setPortVLANs()
	d.setBridges(guarded)
	d.resetOverrides()
	d.setQdiscs()
	d.setLinks()
	d.setBridges(complete)
	d.setLinkSysctls()
	d.unalterAddresses()
	d.setAddresses()
	d.addPrefixRoutes()
	d.addRoutes()
	return d.ops
}

// differ plays each operation on its copy of the observed State the moment it is decided.
type differ struct {
	now, want machine
	// names are the namespaces of both, sorted.
	names []string
	ops   []Op
}

func newDiffer(have, want State) *differ {
	d := &differ{now: split(have), want: split(want)}
	d.names = slices.Sorted(maps.Keys(d.now))
	for name := range d.want {
		if _, there := d.now[name]; !there {
			d.names = append(d.names, name)
		}
	}
	slices.Sort(d.names)
	return d
}

func (d *differ) do(op Op) {
	op.apply(d.now)
	d.ops = append(d.ops, op)
}

// each yields every namespace with what it holds now and what it should hold, in order.
func (d *differ) each(yield func(now, want *State)) {
	for _, name := range d.names {
		yield(d.now.at(name), d.want.at(name))
	}
}

// unwanted lists, sorted, the keys of have that want lacks.
func unwanted[K comparable, V any](have, want map[K]V, compare func(a, b K) int) []K {
	var keys []K
	for k := range have {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

// missing lists, sorted, the keys of want that have lacks or holds with another value.
func missing[K, V comparable](have, want map[K]V, compare func(a, b K) int) []K {
	return missingAmong(have, want, compare, func(K) bool { return true })
}

// missingAmong is missing for those keys that match.
func missingAmong[K, V comparable](have, want map[K]V, compare func(a, b K) int, match func(K) bool) []K {
	var keys []K
	for k, w := range want {
		if h, ok := have[k]; (!ok || h != w) && match(k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

// deleteRoutes deletes before anything can take a route along: one that survives where it
// was expected to go must not be one that nobody wants. A namespace that goes takes its
// routes along for certain.
func (d *differ) deleteRoutes() {
	d.each(func(now, want *State) {
		if len(want.Namespaces) == 0 {
			return
		}
		for _, id := range unwanted(now.Routes, want.Routes, RouteID.compare) {
			d.do(DeleteRoute{id, now.Routes[id].Protocol})
		}
	})
}

// deleteLinks deletes what want lacks, and pairs that are not plugged in as wanted.
func (d *differ) deleteLinks() {
	d.each(func(now, want *State) {
		for _, id := range sortedKeys(now.Links, LinkID.compare) {
			if _, still := now.Links[id]; still && id.Name != Loopback && !d.fits(id, want) {
				d.do(DeleteLink{id})
			}
		}
	})
}

// fits reports whether a link that is there is what it should be and goes where it should.
func (d *differ) fits(id LinkID, want *State) bool {
	link, wanted := want.Links[id]
	have, _ := d.now.link(id)
	return wanted && have.attach() == link.attach() && (link.Kind != VethLink || d.now.plugged(id, link.Peer))
}

func (d *differ) deleteNamespaces() {
	d.each(func(now, want *State) {
		for _, name := range unwanted(now.Namespaces, want.Namespaces, cmp.Compare) {
			if now.Namespaces[name].Symlink {
				d.do(DeleteSymlink{name})
			}
			if _, still := now.Namespaces[name]; still {
				d.do(DeleteNamespace{name})
			}
		}
	})
}

func (d *differ) createNamespaces() {
	for _, name := range d.names {
		want, wanted := d.want.at(name).Namespaces[name]
		if !wanted {
			continue
		}
		if have := d.now.at(name).Namespaces[name]; !have.Mounted || have.Mark != want.Mark {
			d.do(CreateNamespace{name, want.Mark})
		}
		switch have := d.now.at(name).Namespaces[name]; {
		case want.Symlink && !have.Symlink:
			d.do(AddSymlink{name})
		case have.Symlink && !want.Symlink:
			d.do(DeleteSymlink{name})
		}
	}
}

// firstSysctls are written before all others, because writing them writes others too.
var firstSysctls = []string{SysctlForwarding, SysctlForwarding6, SysctlDisableIPv6}

func (d *differ) setNamespaceSysctls() {
	ofNamespace := func(id SysctlID) bool {
		_, ofLink := linkOfSysctl(id.Name)
		return !ofLink && !strings.HasPrefix(id.Name, bridgeSysctlPrefix) // a bridge comes later
	}
	for _, name := range d.names {
		now, want := d.now.at(name), d.want.at(name)
		for _, first := range firstSysctls {
			id := SysctlID{name, first}
			if value, wanted := want.Sysctls[id]; wanted && now.Sysctls[id] != value {
				d.do(SetSysctl{name, first, value})
			}
		}
		d.setSysctls(now, want, ofNamespace)
	}
}

func (d *differ) setLinkSysctls() {
	d.each(func(now, want *State) {
		d.setSysctls(now, want, func(SysctlID) bool { return true })
	})
}

func (d *differ) setSysctls(now, want *State, match func(SysctlID) bool) {
	for _, id := range missingAmong(now.Sysctls, want.Sysctls, SysctlID.compare, match) {
		d.do(SetSysctl{id.Namespace, id.Name, want.Sysctls[id]})
	}
}

// addLinks adds bridges and pairs before what is on them.
func (d *differ) addLinks() {
	for _, onOthers := range []bool{false, true} {
		d.each(func(now, want *State) {
			for _, id := range unwanted(want.Links, now.Links, LinkID.compare) {
				_, there := now.Links[id] // the other end of one just added
				if link := want.Links[id]; !there && (link.Kind == VLANLink) == onOthers {
					d.do(d.adding(id, link, want))
				}
			}
		})
	}
}

func (d *differ) adding(id LinkID, link Link, want *State) Op {
	end := LinkEnd{id, link.MAC, link.MTU}
	switch link.Kind {
	case BridgeLink:
		return AddBridge{end, want.Bridges[id]}
	case VLANLink:
		return AddVLANLink{end, link.Parent, link.VLAN}
	case VethLink, OtherLink:
	}
	peer, _ := d.want.link(link.Peer)
	return AddLink{[2]LinkEnd{end, {link.Peer, peer.MAC, peer.MTU}}}
}

// setBridges makes of every bridge what step makes of what it is and what it should be.
func (d *differ) setBridges(step func(have, want Bridge) Bridge) {
	d.each(func(now, want *State) {
		for _, id := range missing(now.Bridges, want.Bridges, LinkID.compare) {
			if next := step(now.Bridges[id], want.Bridges[id]); next != now.Bridges[id] {
				d.do(SetBridge{id, next})
			}
		}
	})
}

// unfiltered leaves a bridge that does not filter yet as it is in that: while its ports are in no VLAN,
// filtering would drop everything.
func unfiltered(have, want Bridge) Bridge {
	want.VLANFiltering = want.VLANFiltering && have.VLANFiltering
	return guarded(have, want)
}

// guarded leaves a bridge its spanning tree while a link that has to go down may still close a cycle.
func guarded(have, want Bridge) Bridge {
	want.STP = want.STP || have.STP
	return want
}

func complete(_, want Bridge) Bridge { return want }

// setMasters comes before anything that a port has as such.
func (d *differ) setMasters() {
	d.each(func(now, want *State) {
		for _, id := range sortedKeys(want.Links, LinkID.compare) {
			switch master := want.Links[id].Master; {
			case master == now.Links[id].Master:
			case master == "":
				d.do(ReleaseLink{id})
			default:
				d.do(SetMaster{id, master})
			}
		}
	})
}

func (d *differ) setPortVLANs() {
	d.each(func(now, want *State) {
		self := func(id PortVLANID) bool { return want.Links[LinkID{id.Namespace, id.Link}].Kind == BridgeLink }
		for _, id := range unwanted(now.PortVLANs, want.PortVLANs, PortVLANID.compare) {
			d.do(DeletePortVLAN{id, self(id)})
		}
		for _, id := range missing(now.PortVLANs, want.PortVLANs, PortVLANID.compare) {
			d.do(SetPortVLAN{id, want.PortVLANs[id], self(id)})
		}
	})
}

// setQdiscs comes before interfaces are set up, so that no packet goes through unimpaired.
func (d *differ) setQdiscs() {
	d.each(func(now, want *State) {
		for _, id := range unwanted(now.Qdiscs, want.Qdiscs, LinkID.compare) {
			d.do(DeleteQdisc{id})
		}
		for _, id := range missing(now.Qdiscs, want.Qdiscs, LinkID.compare) {
			d.setQdisc(id, now.Qdiscs[id], want.Qdiscs[id])
		}
	})
}

// setQdisc frees one that may stay of what hangs below it.
func (d *differ) setQdisc(id LinkID, have, want Qdisc) {
	if have.Child != 0 && have.Kind == want.Kind {
		d.do(DeleteChildQdisc{id, have.Child})
	}
	if d.now.at(id.Namespace).Qdiscs[id] != want {
		d.do(ReplaceQdisc{id, want})
	}
}

// cutLinks sets links between switches down before anything that could make a loop without a spanning
// tree of them: one that is turned off, or another link that comes up.
func (d *differ) cutLinks() {
	d.each(func(now, want *State) {
		for _, id := range sortedKeys(now.Links, LinkID.compare) {
			next := want.Links[id]
			peer, _ := d.want.link(next.Peer)
			if next.Master != "" && peer.Master != "" && !next.Up && now.Links[id].Up {
				d.do(SetAdmin{id, false})
			}
		}
	})
}

// setLinks sets what is below others first: an interface on another can be up only when that is,
// and have no larger MTU.
func (d *differ) setLinks() {
	for _, onOthers := range []bool{false, true} {
		d.each(func(now, want *State) {
			for _, id := range sortedKeys(want.Links, LinkID.compare) {
				if (want.Links[id].Kind == VLANLink) == onOthers {
					d.setLink(id, now.Links[id], want.Links[id])
				}
			}
		})
	}
}

func (d *differ) setLink(id LinkID, have, want Link) {
	if have.Group != want.Group {
		d.do(SetGroup{id, want.Group})
	}
	if have.MAC != want.MAC {
		d.do(SetMAC{id, want.MAC})
	}
	if have.MTU != want.MTU {
		d.do(SetMTU{id, want.MTU})
	}
	if have.Up != want.Up {
		d.do(SetAdmin{id, want.Up})
	}
}

// addPrefixRoutes comes before routes whose gateways they lead to.
func (d *differ) addPrefixRoutes() {
	d.each(func(now, want *State) {
		for _, id := range missing(now.Addresses, want.Addresses, AddressID.compare) {
			if now.Addresses[id].Unrouted {
				d.do(AddPrefixRoute{id})
			}
		}
	})
}

// resetOverrides comes after what makes a link a port and before what sets it up or down, which can
// take one along.
func (d *differ) resetOverrides() {
	d.each(func(now, want *State) {
		for _, id := range unwanted(now.Overrides, want.Overrides, OverrideID.compare) {
			d.do(ResetAttribute{id})
		}
	})
}

// addRoutes is the last step: nothing asks any more what the routes are then.
func (d *differ) addRoutes() {
	d.each(func(now, want *State) {
		for _, id := range missing(now.Routes, want.Routes, RouteID.compare) {
			d.ops = append(d.ops, ReplaceRoute{id, want.Routes[id]})
		}
	})
}
