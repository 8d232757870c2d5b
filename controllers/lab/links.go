// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// link is a veth pair.
type link struct {
	name   string
	field  string
	subnet *subnet
	up     bool
	qdisc  state.Qdisc
	ends   [2]*end
}

// addLinks adds the links whose two ends exist.
func (n *network) addLinks() {
	n.checkLabSize("links", len(n.spec.Links), 512)
	seen := map[string]string{}
	for i := range n.spec.Links {
		l := &n.spec.Links[i]
		field := fieldAt("spec", "links", i)
		n.checkName(field, "name", l.Name)
		oneOf(n, field, "state", l.State, v1alpha1.LinkUp, v1alpha1.LinkDown)
		if other, ok := seen[l.Name]; ok {
			n.refuseName(field, l.Name, other)
			continue
		}
		seen[l.Name] = field
		n.addLink(field, l)
	}
}

func (n *network) addLink(field string, l *v1alpha1.Link) {
	x := &link{
		name: l.Name, field: field, up: l.State != v1alpha1.LinkDown,
		qdisc: n.netem(field, l.Impairment), subnet: n.subnetCalled(field, l.Subnet),
	}
	if len(l.Endpoints) != 2 {
		n.refuse(field+".endpoints", "write exactly 2 endpoints", "the number of endpoints is %d", len(l.Endpoints))
		return
	}
	for i := range l.Endpoints {
		e := n.newEnd(x, fieldAt(field, "endpoints", i), l, &l.Endpoints[i])
		if e.node == nil {
			return
		}
		x.ends[i] = e
	}
	if x.ends[0].node == x.ends[1].node {
		n.refuse(fieldAt(field, "endpoints", 1)+".name", "write two different nodes", "both endpoints name %s", x.ends[0].node.name)
		return
	}
	n.attachLink(x, l)
}

// attachLink adds the link to its nodes.
func (n *network) attachLink(x *link, l *v1alpha1.Link) {
	n.links = append(n.links, x)
	n.setDefaultVLANs(x, l.Endpoints)
	switches := 0
	for _, e := range x.ends {
		if e.port != nil {
			switches++
			e.node.ports = append(e.node.ports, e)
			continue
		}
		e.node.ends = append(append(e.node.ends, e), e.subinterfaces...)
	}
	if switches == 2 && x.subnet != nil {
		n.refuse(x.field+".subnet", "write it at one of the switches", "a link between switches has no subnet of its own")
		x.subnet = nil
	}
}

// defaultMTU is the MTU of Ethernet.
const defaultMTU = 1500

func (n *network) mtu(field string, l *v1alpha1.Link, spec *v1alpha1.Endpoint) int {
	mtu := int(spec.MTU)
	if mtu == 0 {
		mtu = int(l.MTU)
	}
	if mtu == 0 {
		return defaultMTU
	}
	n.checkRange(field+".mtu", "MTU", mtu, 68, 65535)
	return mtu
}
