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
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/diagnose"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/probe"
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
		probes, err := l.questions(*o.Path)
		if err != nil {
			return nil, err
		}
		onWalks, err := l.onWalks(ctx, probes)
		if err != nil {
			return nil, err
		}
		all = append(all, onWalks...)
	}
	if o.Probe != "" {
		probes, err := l.named(o.Probe)
		if err != nil {
			return nil, err
		}
		onWalks, err := l.onWalks(ctx, probes)
		if err != nil {
			return nil, err
		}
		all = append(all, onWalks...)
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

// source describes a node's socket.
func (l *Lab) source(node string, tap capture.Tap) capture.Source {
	s := capture.Source{Tap: tap, Node: node, Ends: map[string]string{}, Far: map[string]capture.End{}}
	for i := range l.spec.Links {
		link := &l.spec.Links[i]
		for end := range link.Endpoints {
			if here, there := placeOf(link, end), placeOf(link, 1-end); here.Node == node {
				s.Ends[here.Interface] = fmt.Sprintf("link %s to %s", link.Name, there.Node)
				s.Far[here.Interface] = capture.End(there)
			}
		}
	}
	return s
}

// onWalks are the places that the packets of probes pass there and back, in their order, and the ends that they
// should reach. It sends nothing.
func (l *Lab) onWalks(ctx context.Context, probes []lab.Probe) (places []Place, err error) {
	seen, err := l.observe(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range probes {
		q := Question(l.Lab, p, probe.Result{}, seen.Left, NeighbourTableFull(l.machine.Kernel))
		walk, err := diagnose.Explain(ctx, l.machine.Kernel, seen.Observation, q)
		if err != nil {
			return nil, fmt.Errorf("follow the path of %s: %w", p.Name, err)
		}
		places = append(places, l.onWalk(walk)...)
	}
	return distinct(places), nil
}

func (l *Lab) onWalk(walk diagnose.Walk) (places []Place) {
	for _, hop := range slices.Concat(walk.Forward, walk.Back) {
		places = append(places, l.onHop(hop)...)
	}
	if len(walk.Forward) == 0 {
		return places
	}
	if last := walk.Forward[len(walk.Forward)-1]; last.Outgoing == "" && !l.owns(last.Node, walk.To.WithZone("")) {
		places = append(places, Place{Node: last.Node}) // it stops here: no interface may show it again
	}
	return places
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
