// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"fmt"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// addSubnets gives every segment a subnet in the API's field for it, or addresses at its ends, or nothing
// where routers need none.
func (d *draft) addSubnets() {
	w := newWiring(d.spec)
	all := w.segmentsOf(false)
	members := map[portAtVLAN][]end{}
	var order []portAtVLAN
	for _, e := range w.ends() {
		at := all.of(e.portAtVLAN)
		if members[at] == nil {
			order = append(order, at)
		}
		members[at] = append(members[at], e)
	}
	for _, at := range order {
		if port, switched := d.switchOn(w, all, at); switched {
			d.nameSwitched(port)
		} else if l := &d.spec.Links[members[at][0].link]; w.switches[l.Endpoints[0].Name] == nil && w.switches[l.Endpoints[1].Name] == nil {
			d.nameCable(l)
		} // else it is an end whose frames no port takes
	}
}

// switchOn is a switch on a segment.
func (d *draft) switchOn(w *wiring, all segmentsOf, at portAtVLAN) (portAtVLAN, bool) {
	var on []portAtVLAN
	for _, s := range d.spec.Switches {
		for _, tag := range w.tags {
			if p := (portAtVLAN{node: s.Name, vlan: tag}); all.of(p) == at && (tag != 0) == w.filters(s.Name) {
				on = append(on, p)
			}
		}
	}
	if len(on) == 0 {
		return portAtVLAN{}, false
	}
	return pick(d.Generator, on...), true
}

// nameSwitched writes a subnet at a switch, and sometimes an address of the switch itself.
func (d *draft) nameSwitched(at portAtVLAN) {
	s := newWiring(d.spec).switches[at.node]
	name, f := d.newSubnet(24, 64)
	addresses := d.switchAddresses(f)
	if len(addresses) > 0 && d.chance(50) {
		s.Forwarding = v1alpha1.Enabled
	} else if s.Forwarding == "" {
		s.Forwarding = v1alpha1.Disabled
	}
	if at.vlan == 0 {
		s.Subnet, s.Addresses = name, addresses
		return
	}
	s.VLANs = append(s.VLANs, v1alpha1.SwitchVLAN{ID: at.vlan, Subnet: name, Addresses: addresses})
}

// switchAddresses are in the middle of the latest subnet, where no derived address is.
func (d *draft) switchAddresses(f families) []string {
	if !d.chance(20) {
		return nil
	}
	var list []string
	if f.four {
		list = append(list, fmt.Sprintf("10.%d.%d.128/24", d.subnets/200, d.subnets%200))
	}
	if f.six {
		list = append(list, fmt.Sprintf("fd00:%x::80/64", d.subnets))
	}
	return list
}

// nameCable gives the two ends of a link addresses: derived or written, or none between routers.
func (d *draft) nameCable(l *v1alpha1.Link) {
	switch {
	case d.unnumberable(l) && d.chance(25):
	case d.chance(15):
		d.subnets++
		d.writeEnds(l, d.family())
	default:
		l.Subnet, _ = d.newSubnet(pick(d.Generator, 24, 30, 31), pick(d.Generator, 64, 127))
	}
}

// unnumberable reports whether both ends are routers with another IPv4 address, and neither must be a next
// hop by name.
func (d *draft) unnumberable(l *v1alpha1.Link) bool {
	good := 0
	for _, r := range d.spec.Routers {
		for _, e := range l.Endpoints {
			if e.Name == r.Name && hasIPv4(r.Loopbacks) {
				good++
			}
		}
	}
	return good == 2 && !d.style.manual
}

func hasIPv4(prefixes []string) bool {
	for _, p := range prefixes {
		if p[0] == '1' {
			return true
		}
	}
	return false
}

func (d *draft) writeEnds(l *v1alpha1.Link, f families) {
	for i := range l.Endpoints {
		e := &l.Endpoints[i]
		for n := range pick(d.Generator, 1, 1, 2) {
			if f.four {
				e.Addresses = append(e.Addresses, fmt.Sprintf("10.%d.%d.%d/24", d.subnets/200, d.subnets%200, 10*(i+1)+n))
			}
			if f.six {
				e.Addresses = append(e.Addresses, fmt.Sprintf("fd00:%x::%d/64", d.subnets, 10*(i+1)+n))
			}
		}
	}
}

func (d *draft) newSubnet(bits4, bits6 int) (name string, f families) {
	d.subnets++
	f = d.family()
	s := v1alpha1.Subnet{Name: fmt.Sprintf("net%d", d.subnets)}
	if f.four {
		s.CIDRs = append(s.CIDRs, fmt.Sprintf("10.%d.%d.0/%d", d.subnets/200, d.subnets%200, bits4))
	}
	if f.six {
		s.CIDRs = append(s.CIDRs, fmt.Sprintf("fd00:%x::/%d", d.subnets, bits6))
	}
	d.spec.Subnets = append(d.spec.Subnets, s)
	return s.Name, f
}

// writeRoutes makes a lab with routing: Manual: most hosts have a default route, some routers one to a
// subnet, and some routes are blackholes.
func (d *draft) writeRoutes() {
	d.spec.Routing = v1alpha1.RoutingManual
	w := newWiring(d.spec)
	all := w.segmentsOf(false)
	for i := range d.spec.Namespaces {
		h := &d.spec.Namespaces[i]
		if via, link, ok := d.neighbour(w, all, h.Name); ok && d.chance(85) {
			h.Routes = append(h.Routes, v1alpha1.Route{To: "default", Via: via, Link: link})
		}
	}
	for i := range d.spec.Routers {
		r := &d.spec.Routers[i]
		if via, link, ok := d.neighbour(w, all, r.Name); ok && d.chance(60) {
			r.Routes = append(r.Routes, v1alpha1.Route{To: "default", Via: via, Link: link})
		} else if d.chance(30) {
			r.Routes = append(r.Routes, v1alpha1.Route{To: "10.0.0.0/8", Type: v1alpha1.RouteBlackhole})
		}
	}
}

// neighbour is a router on a numbered segment of a node, and the link to it.
func (d *draft) neighbour(w *wiring, all segmentsOf, node string) (via, link string, ok bool) {
	routers := map[string]bool{}
	for _, r := range d.spec.Routers {
		routers[r.Name] = true
	}
	ends := w.ends()
	d.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	for _, e := range ends {
		if e.node != node || e.link < 0 {
			continue
		}
		for _, o := range ends {
			if o.node != node && routers[o.node] && all.of(o.portAtVLAN) == all.of(e.portAtVLAN) {
				return o.node, e.ifaceName(), true
			}
		}
	}
	return "", "", false
}
