// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// portAtVLAN is a vertex of a broadcast domain: an interface of a host or router, or a VLAN of a switch. VLAN 0
// stands for untagged frames at a switch that does not filter.
type portAtVLAN struct {
	node, iface string
	vlan        v1alpha1.VLANID
}

// end is an interface with addresses.
type end struct {
	portAtVLAN
	// up is false where its link is down.
	up bool
	// link is the index of its link, -1 for a switch's own interface.
	link int
}

// wiring is a lab's layer 2.
type wiring struct {
	spec     *v1alpha1.NetLabSpec
	switches map[string]*v1alpha1.Switch
	tags     []v1alpha1.VLANID
}

func newWiring(spec *v1alpha1.NetLabSpec) *wiring {
	w := &wiring{spec: spec, switches: map[string]*v1alpha1.Switch{}, tags: []v1alpha1.VLANID{0}}
	for i := range spec.Switches {
		w.switches[spec.Switches[i].Name] = &spec.Switches[i]
		for _, v := range spec.Switches[i].VLANs {
			w.tags = append(w.tags, v.ID)
		}
	}
	for _, l := range spec.Links {
		for _, e := range l.Endpoints {
			w.tags = append(append(w.tags, e.VLAN, e.NativeVLAN, 1), e.VLANs...)
			for _, s := range e.Subinterfaces {
				w.tags = append(w.tags, s.VLAN)
			}
		}
	}
	slices.Sort(w.tags)
	w.tags = slices.Compact(w.tags)
	return w
}

func interfaceName(l *v1alpha1.Link, e *v1alpha1.Endpoint) string { return cmp.Or(e.Interface, l.Name) }

func subinterfaceName(l *v1alpha1.Link, e *v1alpha1.Endpoint, s *v1alpha1.Subinterface) string {
	return cmp.Or(s.Name, fmt.Sprintf("%s.%d", interfaceName(l, e), s.VLAN))
}

// filters reports whether a node is a switch that filters VLANs.
func (w *wiring) filters(node string) bool {
	s := w.switches[node]
	return s != nil && s.VLANFiltering == v1alpha1.Enabled
}

// at is the vertex at which a frame with a tag (0: untagged) arrives at one end of a link; ok is false where
// it is dropped.
func (w *wiring) at(l *v1alpha1.Link, i int, tag v1alpha1.VLANID) (p portAtVLAN, ok bool) {
	e := &l.Endpoints[i]
	switch {
	case w.filters(e.Name):
		vlan, ok := w.vlan(e, w.switches[l.Endpoints[1-i].Name] != nil, tag)
		return portAtVLAN{node: e.Name, vlan: vlan}, ok
	case w.switches[e.Name] != nil:
		return portAtVLAN{node: e.Name, vlan: tag}, true
	case tag == 0:
		return portAtVLAN{node: e.Name, iface: interfaceName(l, e)}, true
	}
	for j := range e.Subinterfaces {
		if s := &e.Subinterfaces[j]; s.VLAN == tag {
			return portAtVLAN{node: e.Name, iface: subinterfaceName(l, e, s)}, true
		}
	}
	return portAtVLAN{}, false
}

// vlan is the VLAN of a frame with a tag at a port of a switch that filters.
func (w *wiring) vlan(e *v1alpha1.Endpoint, toSwitch bool, tag v1alpha1.VLANID) (vlan v1alpha1.VLANID, ok bool) {
	silent := e.VLAN == 0 && len(e.VLANs) == 0
	untagged := e.VLAN + e.NativeVLAN
	if silent && !toSwitch && untagged == 0 {
		untagged = 1
	}
	switch {
	case tag == 0:
		return untagged, untagged != 0
	case tag == untagged:
		return 0, false
	}
	return tag, slices.Contains(e.VLANs, tag) || silent && toSwitch
}

// segmentsOf maps each vertex to the representative of its segment.
type segmentsOf map[portAtVLAN]portAtVLAN

func (s segmentsOf) of(p portAtVLAN) portAtVLAN {
	for {
		parent, ok := s[p]
		if !ok {
			return p
		}
		p = parent
	}
}

// segmentsOf connects what the links connect, or only the links that are up.
func (w *wiring) segmentsOf(onlyUp bool) segmentsOf {
	s := segmentsOf{}
	for i := range w.spec.Links {
		l := &w.spec.Links[i]
		if onlyUp && l.State == v1alpha1.LinkDown {
			continue
		}
		for _, tag := range w.tags {
			a, okA := w.at(l, 0, tag)
			b, okB := w.at(l, 1, tag)
			if okA && okB && s.of(a) != s.of(b) {
				s[s.of(a)] = s.of(b)
			}
		}
	}
	return s
}

// ends are all interfaces of hosts and routers and the switches' own, in stored order.
func (w *wiring) ends() []end {
	var ends []end
	for i := range w.spec.Links {
		l := &w.spec.Links[i]
		for j := range l.Endpoints {
			e := &l.Endpoints[j]
			if w.switches[e.Name] != nil {
				continue
			}
			up := l.State != v1alpha1.LinkDown
			ends = append(ends, end{portAtVLAN{node: e.Name, iface: interfaceName(l, e)}, up, i})
			for k := range e.Subinterfaces {
				ends = append(ends, end{portAtVLAN{node: e.Name, iface: subinterfaceName(l, e, &e.Subinterfaces[k])}, up, i})
			}
		}
	}
	for i := range w.spec.Switches {
		ends = append(ends, ownEnds(&w.spec.Switches[i])...)
	}
	return ends
}

func ownEnds(s *v1alpha1.Switch) []end {
	var ends []end
	if len(s.Addresses) > 0 {
		ends = append(ends, end{portAtVLAN{node: s.Name}, true, -1})
	}
	for _, v := range s.VLANs {
		if len(v.Addresses) > 0 {
			ends = append(ends, end{portAtVLAN{node: s.Name, vlan: v.ID}, true, -1})
		}
	}
	return ends
}

// iface is the kernel's name of an end.
func (e end) ifaceName() string {
	switch {
	case e.iface != "":
		return e.iface
	case e.vlan == 0:
		return "br0"
	}
	return fmt.Sprintf("br0.%d", e.vlan)
}
