// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/state"
)

// places lists where a capture listens, each once. A node that is captured as a whole has no other place.
func (l *Lab) places(ctx context.Context, o CaptureOptions) ([]Place, error) {
	all := slices.Clone(o.At)
	for _, p := range o.At {
		if _, err := l.Node(p.Node); err != nil {
			return nil, err
		}
	}
	if o.All {
		for _, node := range l.Nodes {
			all = append(all, Place{Node: node})
		}
	}
	for _, name := range o.Links {
		ends, err := l.linkEnds(name)
		if err != nil {
			return nil, err
		}
		all = append(all, ends...)
	}
	if o.Path != nil {
		explained, err := l.ExplainPath(ctx, *o.Path)
		if err != nil {
			return nil, err
		}
		all = append(all, l.onWalks(explained)...)
	}
	if len(all) == 0 {
		return nil, errors.New("no node to capture on")
	}
	return distinct(all), nil
}

func distinct(all []Place) []Place {
	var places []Place
	for _, p := range all {
		whole := p.Interface != "" && slices.Contains(all, Place{Node: p.Node})
		if !whole && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}

// linkEnds are both ends of a link.
func (l *Lab) linkEnds(name string) ([]Place, error) {
	var names []string
	for i := range l.spec.Links {
		if link := &l.spec.Links[i]; link.Name == name {
			return []Place{placeOf(link, 0), placeOf(link, 1)}, nil
		}
		names = append(names, l.spec.Links[i].Name)
	}
	return nil, fmt.Errorf("%s has no link %q; its links: %s", l.id, name, strings.Join(names, ", "))
}

// placeOf is an end of a link.
func placeOf(link *v1alpha1.Link, end int) Place {
	e := &link.Endpoints[end]
	return Place{Node: e.Name, Interface: cmp.Or(e.Interface, link.Name)}
}

// ends describes the ends of links, by node and interface.
func (l *Lab) ends() map[string]map[string]string {
	ends := map[string]map[string]string{}
	for i := range l.spec.Links {
		link := &l.spec.Links[i]
		for end := range link.Endpoints {
			here, there := placeOf(link, end), placeOf(link, 1-end)
			if ends[here.Node] == nil {
				ends[here.Node] = map[string]string{}
			}
			ends[here.Node][here.Interface] = fmt.Sprintf("link %s to %s", link.Name, there.Node)
		}
	}
	return ends
}

// onWalks are the places that packets pass there and back, in their order, and the ends that they should
// reach.
func (l *Lab) onWalks(explained []Explanation) (places []Place) {
	for _, e := range explained {
		for _, hop := range slices.Concat(e.Walk.Forward, e.Walk.Back) {
			places = append(places, l.onHop(hop)...)
		}
	}
	return distinct(places)
}

func (l *Lab) onHop(hop diagnose.Hop) (places []Place) {
	if hop.Incoming != "" {
		here := l.wired(Place{Node: hop.Node, Interface: hop.Incoming})
		places = append(l.opposite(here), here)
	}
	outgoing := []string{hop.Outgoing}
	for _, leg := range hop.Legs {
		if hop.LegUnknown {
			outgoing = append(outgoing, leg.Outgoing)
		}
	}
	for _, name := range outgoing {
		if name != "" {
			here := l.wired(Place{Node: hop.Node, Interface: name})
			places = append(append(places, here), l.opposite(here)...)
		}
	}
	return append(places, l.between(hop.Through)...)
}

// wired is the interface whose frames have the VLAN tags of the wire.
func (l *Lab) wired(p Place) Place {
	if parent := l.link(p).Parent; parent != "" {
		p.Interface = parent
	}
	return p
}

// opposite is the other end of a link, if it has one.
func (l *Lab) opposite(p Place) []Place {
	peer := l.link(p).Peer
	for _, node := range l.Nodes {
		if l.id.NetworkNamespace(node) == peer.Namespace {
			return []Place{{Node: node, Interface: peer.Name}}
		}
	}
	return nil
}

func (l *Lab) link(p Place) state.Link {
	link, _ := l.Want.Link(state.LinkID{Namespace: l.id.NetworkNamespace(p.Node), Name: p.Interface})
	return link
}

// between are the ends of the links between switches that a packet passes one after the other.
func (l *Lab) between(switches []string) (places []Place) {
	for i := range l.spec.Links {
		link := &l.spec.Links[i]
		for n := 1; n < len(switches); n++ {
			a, b := placeOf(link, 0), placeOf(link, 1)
			if a.Node == switches[n] {
				a, b = b, a
			}
			if a.Node == switches[n-1] && b.Node == switches[n] {
				places = append(places, a, b)
			}
		}
	}
	return places
}
