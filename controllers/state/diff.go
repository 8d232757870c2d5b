// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"slices"
)

// Diff returns the operations that make have into want, in the order they must be applied:
// what must go, then namespaces, settings, links, addresses, routes. It is empty exactly when
// nothing differs. Rows of want win; rows of have that want lacks are deleted, so have must
// hold only what is the lab's (see kernel.Observe).
func Diff(have, want State) []Op {
	d := newDiffer(have, want)
	if !d.differs() {
		return nil
	}
	d.deleteRoutes()
	d.deleteLinks()
	d.deleteNamespaces()
	d.deleteExposedAddresses()
	d.cutLinks()
	d.createNamespaces()
	d.setNamespaceSettings()
	d.addLinks()
	d.setBridges(unfiltered)
	d.setMasters()
	d.setPortVLANs()
	d.setBridges(guarded)
	d.resetAttributes()
	d.setQdiscs()
	d.setLinks()
	d.setBridges(complete)
	d.setLinkSettings()
	d.unalterAddresses()
	d.setAddresses()
	d.addPrefixRoutes()
	d.addRoutes()
	return d.ops
}

// differ plays each operation on its machine the moment it is decided.
type differ struct {
	machine
	want State
	// spaces are the namespaces of have and want in order of name.
	spaces []*played
	ops    []Op
}

// newDiffer finds the namespaces that differ. One that does not can hold an end of a pair that is not
// plugged in as wanted, if the namespace of the other end differs.
func newDiffer(have, want State) *differ {
	d := &differ{machine: newMachine(have), want: want}
	for _, name := range namesOf(have, want) {
		p, n := d.of(name), want[name]
		p.want, p.differs = &n, !p.now.equal(&n)
		d.spaces = append(d.spaces, p)
	}
	for _, p := range d.spaces {
		if !p.differs {
			continue
		}
		for name, link := range p.want.Links {
			if peer := d.played[link.Peer.Namespace]; peer != nil && !d.plugged(LinkID{p.name, name}, link.Peer) {
				peer.differs = true
			}
		}
	}
	return d
}

func (d *differ) differs() bool {
	return slices.ContainsFunc(d.spaces, func(p *played) bool { return p.differs })
}

func (d *differ) do(op Op) {
	op.apply(d.machine)
	d.ops = append(d.ops, op)
}

// each calls phase with every namespace that differs, in order. What an operation takes along
// elsewhere makes another namespace one of them.
func (d *differ) each(phase func(p *played)) {
	for _, p := range d.spaces {
		if p.differs {
			phase(p)
		}
	}
}

// wanted is a link as it should be, in whichever namespace it is.
func (d *differ) wanted(id LinkID) Link { return d.want[id.Namespace].Links[id.Name] }

// deleteRoutes deletes before anything can take a route along: one that survives where it
// was expected to go must not be one that nobody wants. A namespace that goes takes its
// routes along for certain.
func (d *differ) deleteRoutes() {
	d.each(func(p *played) {
		if !p.want.exists() {
			return
		}
		for _, key := range unwanted(p.now.Routes, p.want.Routes, RouteKey.compare) {
			d.do(DeleteRoute{RouteID{p.name, key}, p.now.Routes[key].Protocol})
		}
	})
}

// deleteLinks deletes what want lacks, and pairs that are not plugged in as wanted.
func (d *differ) deleteLinks() {
	d.each(func(p *played) {
		for _, name := range sortedKeys(p.now.Links, cmp.Compare) {
			if link, still := p.now.Links[name]; still && name != Loopback && !d.fits(p, name, link) {
				d.do(DeleteLink{LinkID{p.name, name}})
			}
		}
	})
}

// fits reports whether a link that is there is what it should be and goes where it should.
func (d *differ) fits(p *played, name string, have Link) bool {
	link, wanted := p.want.Links[name]
	return wanted && have.attach() == link.attach() && (link.Kind != VethLink || d.plugged(LinkID{p.name, name}, link.Peer))
}

func (d *differ) deleteNamespaces() {
	d.each(func(p *played) {
		if !p.now.exists() || p.want.exists() {
			return
		}
		if p.now.Symlink {
			d.do(DeleteSymlink{p.name})
		}
		if p.now.exists() {
			d.do(DeleteNamespace{p.name})
		}
	})
}

func (d *differ) createNamespaces() {
	d.each(func(p *played) {
		if !p.want.exists() {
			return
		}
		if !p.now.Mounted || p.now.Mark != p.want.Mark {
			d.do(CreateNamespace{p.name, p.want.Mark})
		}
		switch {
		case p.want.Symlink && !p.now.Symlink:
			d.do(AddSymlink{p.name})
		case p.now.Symlink && !p.want.Symlink:
			d.do(DeleteSymlink{p.name})
		}
	})
}

// addLinks adds bridges and pairs before what is on them.
func (d *differ) addLinks() {
	for _, onOthers := range []bool{false, true} {
		d.each(func(p *played) {
			for _, name := range unwanted(p.want.Links, p.now.Links, cmp.Compare) {
				_, there := p.now.Links[name] // the other end of one just added
				if link := p.want.Links[name]; !there && (link.Kind == VLANLink) == onOthers {
					d.do(d.adding(p, name, link))
				}
			}
		})
	}
}

func (d *differ) adding(p *played, name string, link Link) Op {
	end := LinkEnd{LinkID{p.name, name}, link.MAC, link.MTU}
	switch link.Kind {
	case BridgeLink:
		return AddBridge{end, p.want.Bridges[name]}
	case VLANLink:
		return AddVLANLink{end, link.Parent, link.VLAN}
	case VethLink, OtherLink:
	}
	peer := d.wanted(link.Peer)
	return AddLink{[2]LinkEnd{end, {link.Peer, peer.MAC, peer.MTU}}}
}

// setBridges makes of every bridge what step makes of what it is and what it should be.
func (d *differ) setBridges(step func(have, want Bridge) Bridge) {
	d.each(func(p *played) {
		for _, name := range missing(p.now.Bridges, p.want.Bridges, cmp.Compare) {
			if next := step(p.now.Bridges[name], p.want.Bridges[name]); next != p.now.Bridges[name] {
				d.do(SetBridge{LinkID{p.name, name}, next})
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
	d.each(func(p *played) {
		for _, name := range sortedKeys(p.want.Links, cmp.Compare) {
			switch master := p.want.Links[name].Master; {
			case master == p.now.Links[name].Master:
			case master == "":
				d.do(ReleaseLink{LinkID{p.name, name}})
			default:
				d.do(SetMaster{LinkID{p.name, name}, master})
			}
		}
	})
}

func (d *differ) setPortVLANs() {
	d.each(func(p *played) {
		self := func(k PortVLANKey) bool { return p.want.Links[k.Link].Kind == BridgeLink }
		for _, key := range unwanted(p.now.PortVLANs, p.want.PortVLANs, PortVLANKey.compare) {
			d.do(DeletePortVLAN{PortVLANID{p.name, key}, self(key)})
		}
		for _, key := range missing(p.now.PortVLANs, p.want.PortVLANs, PortVLANKey.compare) {
			d.do(SetPortVLAN{PortVLANID{p.name, key}, p.want.PortVLANs[key], self(key)})
		}
	})
}

// setQdiscs comes before interfaces are set up, so that no packet goes through unimpaired.
func (d *differ) setQdiscs() {
	d.each(func(p *played) {
		for _, name := range unwanted(p.now.Qdiscs, p.want.Qdiscs, cmp.Compare) {
			d.do(DeleteQdisc{LinkID{p.name, name}})
		}
		for _, name := range missing(p.now.Qdiscs, p.want.Qdiscs, cmp.Compare) {
			d.setQdisc(p, name)
		}
	})
}

// setQdisc frees one that may stay of what hangs below it.
func (d *differ) setQdisc(p *played, name string) {
	have, want := p.now.Qdiscs[name], p.want.Qdiscs[name]
	if have.Child != 0 && have.Kind == want.Kind {
		d.do(DeleteChildQdisc{LinkID{p.name, name}, have.Child})
	}
	if p.now.Qdiscs[name] != want {
		d.do(ReplaceQdisc{LinkID{p.name, name}, want})
	}
}

// cutLinks sets links between switches down before anything that could make a loop without a spanning
// tree of them: one that is turned off, or another link that comes up.
func (d *differ) cutLinks() {
	d.each(func(p *played) {
		for _, name := range sortedKeys(p.now.Links, cmp.Compare) {
			next := p.want.Links[name]
			if next.Master != "" && d.wanted(next.Peer).Master != "" && !next.Up && p.now.Links[name].Up {
				d.do(SetAdmin{LinkID{p.name, name}, false})
			}
		}
	})
}

// setLinks sets what is below others first: an interface on another can be up only when that is,
// and have no larger MTU.
func (d *differ) setLinks() {
	for _, onOthers := range []bool{false, true} {
		d.each(func(p *played) {
			for _, name := range sortedKeys(p.want.Links, cmp.Compare) {
				if want := p.want.Links[name]; (want.Kind == VLANLink) == onOthers {
					d.setLink(LinkID{p.name, name}, p.now.Links[name], want)
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
	d.each(func(p *played) {
		for _, key := range missing(p.now.Addresses, p.want.Addresses, AddressKey.compare) {
			if p.now.Addresses[key].Unrouted {
				d.do(AddPrefixRoute{AddressID{p.name, key}})
			}
		}
	})
}

// resetAttributes comes after what makes a link a port and before what sets it up or down, which can
// take one along.
func (d *differ) resetAttributes() {
	d.each(func(p *played) {
		for _, key := range unwanted(p.now.AttributeDrift, p.want.AttributeDrift, AttributeKey.compare) {
			d.do(ResetAttribute{AttributeID{p.name, key}})
		}
	})
}

// addRoutes is the last step: nothing asks any more what the routes are then.
func (d *differ) addRoutes() {
	d.each(func(p *played) {
		for _, key := range missing(p.now.Routes, p.want.Routes, RouteKey.compare) {
			d.ops = append(d.ops, ReplaceRoute{RouteID{p.name, key}, p.want.Routes[key]})
		}
	})
}
