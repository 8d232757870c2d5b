// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// defaultMTU is a link's without one in the spec. It is not worth a label.
const defaultMTU = 1500

func (b *builder) addLinks() {
	for i := range b.spec.Links {
		l := &b.spec.Links[i]
		link := Link{Names: []string{l.Name}, Network: NoNetwork, Down: l.State == v1alpha1.LinkDown}
		for j := range l.Endpoints {
			link.Ends[j] = b.end(l, &l.Endpoints[j])
			link.Impaired = link.Impaired || l.Impairment != nil || l.Endpoints[j].Impairment != nil
		}
		link.Network, link.Trunk = b.networkOf(l), b.trunk(l)
		b.graph.Links = append(b.graph.Links, link)
	}
}

func portName(l *v1alpha1.Link, e *v1alpha1.Endpoint) string { return cmp.Or(e.Interface, l.Name) }

func (b *builder) end(l *v1alpha1.Link, e *v1alpha1.Endpoint) End {
	row, port := b.row(e.Name), portName(l, e)
	end := End{Node: b.nodes[e.Name], Port: port}
	for _, p := range addresses(row, port) {
		end.Lines = append(end.Lines, p.String())
	}
	for i := range e.Subinterfaces {
		sub := &e.Subinterfaces[i]
		end.Lines = append(end.Lines, subinterfaceLines(row, port, sub)...)
		end.Subinterfaces = append(end.Subinterfaces, subinterfaceName(port, sub))
	}
	if s := b.switches[e.Name]; s != nil && s.VLANFiltering == v1alpha1.Enabled {
		end.Lines = append(end.Lines, vlanLines(row, port)...)
	}
	return end
}

func subinterfaceName(port string, sub *v1alpha1.Subinterface) string {
	return cmp.Or(sub.Name, fmt.Sprintf("%s.%d", port, sub.VLAN))
}

func subinterfaceLines(row state.Namespace, port string, sub *v1alpha1.Subinterface) (lines []string) {
	name, shown := subinterfaceName(port, sub), fmt.Sprintf("%s (vlan %d)", sub.Name, sub.VLAN)
	if sub.Name == "" {
		shown = fmt.Sprintf(".%d", sub.VLAN)
	}
	for _, p := range addresses(row, name) {
		lines = append(lines, shown+" "+p.String())
	}
	if len(lines) == 0 {
		lines = []string{shown}
	}
	return lines
}

// vlanLines are the VLANs of a switch's port.
func vlanLines(row state.Namespace, port string) (lines []string) {
	var tagged, untagged []uint16
	for key, in := range row.PortVLANs {
		switch {
		case key.Link != port:
		case in.Untagged || in.PVID:
			untagged = append(untagged, key.VLAN)
		default:
			tagged = append(tagged, key.VLAN)
		}
	}
	slices.Sort(tagged)
	slices.Sort(untagged)
	switch {
	case len(tagged) > 0 && len(untagged) > 0:
		return []string{"tagged " + ranges(tagged), "native " + ranges(untagged)}
	case len(tagged) > 0:
		return []string{"tagged " + ranges(tagged)}
	case len(untagged) > 0:
		return []string{"vlan " + ranges(untagged)}
	}
	return []string{"no vlan"}
}

// ranges writes numbers in ascending order as in 1-3,7; a long list is cut.
func ranges(numbers []uint16) string {
	const most = 3
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := fmt.Sprint(numbers[i])
		if j > i {
			part = fmt.Sprintf("%d-%d", numbers[i], numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	if len(parts) > most {
		return fmt.Sprintf("%s + %d", strings.Join(parts[:most-1], ","), len(parts)-most+1)
	}
	return strings.Join(parts, ",")
}

// trunk reports whether the link carries VLANs with a tag.
func (b *builder) trunk(l *v1alpha1.Link) bool {
	for i := range l.Endpoints {
		e := &l.Endpoints[i]
		if len(e.Subinterfaces) > 0 {
			return true
		}
		for key, in := range b.row(e.Name).PortVLANs {
			if key.Link == portName(l, e) && !in.Untagged && !in.PVID {
				return true
			}
		}
	}
	return false
}

// networkOf is the network of the first address of the link's own interfaces.
func (b *builder) networkOf(l *v1alpha1.Link) int {
	for i := range l.Endpoints {
		if list := addresses(b.row(l.Endpoints[i].Name), portName(l, &l.Endpoints[i])); len(list) > 0 {
			return b.networks.of(list[0])
		}
	}
	for i := range l.Endpoints {
		b.registerSubinterfaces(l, &l.Endpoints[i])
	}
	return NoNetwork
}

// registerSubinterfaces lists the networks of a trunk, which has the colour of none.
func (b *builder) registerSubinterfaces(l *v1alpha1.Link, e *v1alpha1.Endpoint) {
	for i := range e.Subinterfaces {
		name := subinterfaceName(portName(l, e), &e.Subinterfaces[i])
		for _, p := range addresses(b.row(e.Name), name) {
			b.networks.of(p)
		}
	}
}

// spreadNetworks gives links between switches without VLANs, and such switches, the network of their segment.
func (b *builder) spreadNetworks() {
	for changed := true; changed; {
		changed = false
		for i := range b.graph.Links {
			for _, end := range b.graph.Links[i].Ends {
				changed = b.spread(&b.graph.Links[i], &b.graph.Nodes[end.Node]) || changed
			}
		}
	}
}

// spread passes a network between a link and a switch that is one segment.
func (b *builder) spread(link *Link, node *Node) bool {
	if s := b.switches[node.Name]; s == nil || s.VLANFiltering == v1alpha1.Enabled || link.Trunk {
		return false
	}
	switch {
	case node.Network == NoNetwork && link.Network != NoNetwork:
		node.Network = link.Network
	case node.Network != NoNetwork && link.Network == NoNetwork:
		link.Network = node.Network
	default:
		return false
	}
	return true
}

func (b *builder) addLabels() {
	for i := range b.graph.Links {
		b.graph.Links[i].Labels = b.labels(&b.spec.Links[i], &b.graph.Links[i])
	}
}

func (b *builder) labels(l *v1alpha1.Link, link *Link) (labels []Label) {
	if link.Network != NoNetwork && !b.named(link) {
		if name := b.networks.list[link.Network].Name; name != "" && name != link.Ends[0].Port && name != link.Ends[1].Port {
			labels = append(labels, Label{name, NetworkLabel})
		}
	}
	if link.Down {
		labels = append(labels, Label{"down", FaultLabel})
	}
	for _, line := range append(impairmentLines(l), mtuLines(l)...) {
		labels = append(labels, Label{line, QualityLabel})
	}
	return labels
}

// named reports whether a switch at the link shows its network.
func (b *builder) named(link *Link) bool {
	for _, end := range link.Ends {
		if node := b.graph.Nodes[end.Node]; node.Network == link.Network {
			return true
		}
		if b.switches[b.graph.Nodes[end.Node].Name] != nil {
			return true
		}
	}
	return false
}

func impairmentLines(l *v1alpha1.Link) (lines []string) {
	own := false
	for i := range l.Endpoints {
		if e := &l.Endpoints[i]; e.Impairment != nil {
			own = true
			lines = append(lines, "from "+e.Name+":")
			lines = append(lines, impairmentParts(e.Impairment)...)
		}
	}
	if l.Impairment != nil {
		if own {
			lines = append(lines, "else:")
		}
		lines = append(lines, impairmentParts(l.Impairment)...)
	}
	return lines
}

func impairmentParts(i *v1alpha1.Impairment) (parts []string) {
	delay := i.Delay
	if i.Jitter != "" {
		delay += " ±" + i.Jitter
	}
	for _, part := range []struct{ name, value string }{
		{"", delay}, {"loss ", i.Loss}, {"duplicate ", i.Duplicate}, {"corrupt ", i.Corrupt},
		{"reorder ", i.Reorder}, {"", i.Rate},
	} {
		if part.value != "" {
			parts = append(parts, part.name+part.value)
		}
	}
	return parts
}

func mtuLines(l *v1alpha1.Link) []string {
	a, z := mtu(l, 0), mtu(l, 1)
	switch {
	case a == defaultMTU && z == defaultMTU:
		return nil
	case a == z:
		return []string{fmt.Sprintf("mtu %d", a)}
	}
	return []string{fmt.Sprintf("mtu %d / %d", a, z)}
}

func mtu(l *v1alpha1.Link, end int) int {
	return int(cmp.Or(l.Endpoints[end].MTU, l.MTU, defaultMTU))
}
