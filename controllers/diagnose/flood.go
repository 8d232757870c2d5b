// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// obstacleKind is what can stop frames. A set of kinds is their bitwise or.
type obstacleKind uint8

const (
	isDown obstacleKind = 1 << iota
	isHeld
	isBlocked
	isNoPort
	isTooSmall
	isOtherVLAN

	nothing obstacleKind = 0
	// repairable is what passes, or what a change of the lab removes.
	repairable = isDown | isHeld | isNoPort | isTooSmall | isOtherVLAN
	all        = repairable | isBlocked
)

// obstacle is an interface that stops frames.
type obstacle struct {
	kind obstacleKind
	at   state.LinkID
}

// position is where a frame is: a link, a direction and a VLAN tag.
type position struct {
	direction direction
	link      state.LinkID
	// tag is the frame's VLAN tag, 0 if it is untagged; in a bridge that filters VLANs, its VLAN.
	tag uint16
}

// direction is the direction of a frame at a link.
type direction uint8

const (
	outward direction = iota // it leaves through the link
	inward                   // it arrives on the link
	inside                   // it is inside the bridge
	taken                    // the node of the link receives it
)

// edge is how a frame reached a position.
type edge struct {
	from     position
	obstacle obstacle
}

// neighbour is an interface of another node on the segment of an interface, and the path of frames to it.
type neighbour struct {
	out, in state.LinkID
	// positions are those of the frame, from out to in.
	positions []position
	// obstacle is the first of the lifted ones on the path; positions[:before] are in front of it.
	obstacle obstacle
	before   int
}

// through lists the switches on the path, up to the obstacle.
func (l neighbour) through() []string {
	var switches []string
	for _, s := range l.positions[:l.before] {
		namespace := s.link.Namespace
		if s.direction == inside && namespace != l.out.Namespace && namespace != l.in.Namespace {
			switches = append(switches, state.NodeOf(namespace))
		}
	}
	return switches
}

// flood follows a broadcast to all interfaces that receive it. It visits each position once, so it ends even
// if the switches form a loop.
type flood struct {
	view
	// length is the packet's length, 0 if it fits everywhere.
	length int
	// lifted are the kinds of obstacle to ignore.
	lifted   obstacleKind
	reached  map[position]edge
	origin   map[position]state.LinkID
	queue    []position
	arrivals []position
}

func newFlood(v view, length int, lifted obstacleKind) *flood {
	return &flood{view: v, length: length, lifted: lifted, reached: map[position]edge{}, origin: map[position]state.LinkID{}}
}

// from floods a frame out of an interface and returns the neighbours that no earlier flood reached, nearest
// first.
func (f *flood) from(out state.LinkID) []neighbour {
	start := position{link: out}
	if link := f.link(out); link.Kind == state.VLANLink {
		start = position{link: state.LinkID{Namespace: out.Namespace, Name: link.Parent}, tag: link.VLAN}
	}
	if f.lifted&isOtherVLAN != 0 {
		start.tag = anyTag
	}
	f.origin[start], f.arrivals = out, nil
	f.move(position{}, start, f.down(out))
	for ; len(f.queue) > 0; f.queue = f.queue[1:] {
		f.spread(f.queue[0])
	}
	var neighbours []neighbour
	for _, s := range f.arrivals {
		if l := f.neighbour(s); l.in.Namespace != out.Namespace && !f.isSwitchPart(l.in) {
			neighbours = append(neighbours, l)
		}
	}
	return neighbours
}

// isSwitchPart reports whether an interface belongs to a switch and has no address of its own.
func (f *flood) isSwitchPart(id state.LinkID) bool {
	_, isSwitch := f.bridges[id.Namespace]
	return isSwitch && len(f.addresses[id]) == 0
}

// move takes a frame from one position to the next unless an obstacle stops it.
func (f *flood) move(from, to position, obstacles ...obstacle) {
	first := obstacle{}
	for _, o := range obstacles {
		if o.kind&^f.lifted != 0 {
			return
		}
		if first.kind == nothing {
			first = o
		}
	}
	if _, been := f.reached[to]; been {
		return
	}
	f.reached[to] = edge{from, first}
	f.queue = append(f.queue, to)
}

func (f *flood) spread(s position) {
	bridge, isPort := f.bridgeOf(s.link)
	switch {
	case s.direction == taken:
		f.arrivals = append(f.arrivals, s)
	case s.direction == inside:
		f.forward(s)
	case s.direction == outward && f.isBridge(s.link):
		f.enter(s, s.link)
	case s.direction == outward && f.isCable(s.link):
		f.cross(s)
	case s.direction == inward && isPort:
		f.enter(s, bridge)
	case s.direction == inward:
		f.arrive(s)
	}
}

// cross takes a frame to the other end of a veth pair.
func (f *flood) cross(s position) {
	peer := f.link(s.link).Peer
	f.move(s, position{inward, peer, s.tag}, f.cut(s.link), f.small(peer))
}

// enter takes a frame into a bridge, through a port or from the bridge interface itself.
func (f *flood) enter(s position, bridge state.LinkID) {
	if vlan, ok := f.vlanOf(bridge, s.link, s.tag); ok {
		f.move(s, position{inside, bridge, vlan}, f.down(bridge), f.hold(s.link))
	}
}

// forward takes a frame out of every port of a bridge except the one it arrived on, and to the bridge
// interface itself. An interface that should be a port is in no VLAN, so its VLAN is ignored.
func (f *flood) forward(s position) {
	for _, port := range append([]state.LinkID{s.link}, f.ports[s.link]...) {
		tag, ok := f.tagOf(s.link, port, s.tag)
		switch {
		case !ok || port == f.reached[s].from.link:
		case port == s.link:
			f.move(s, position{inward, port, tag})
		default:
			f.move(s, position{outward, port, tag}, f.hold(port), f.small(port))
		}
	}
	for _, nonPort := range f.nonPorts[s.link] {
		f.move(s, position{outward, nonPort, anyTag}, obstacle{isNoPort, nonPort}, f.small(nonPort))
	}
}

// arrive delivers a frame to the interface that receives it. On an interface that should be a port, the frame
// enters the bridge once isNoPort is lifted.
func (f *flood) arrive(s position) {
	for _, taker := range f.takers(s.link, s.tag) {
		f.move(s, position{direction: taken, link: taker}, f.down(taker))
	}
	if bridge, isSwitch := f.bridges[s.link.Namespace]; isSwitch && bridge != s.link {
		f.move(s, position{inside, bridge, anyTag}, obstacle{isNoPort, s.link}, f.down(bridge))
	}
}

// neighbour is the path that ends at a position.
func (f *flood) neighbour(end position) neighbour {
	l := neighbour{in: end.link}
	for s := end; s != (position{}); s = f.reached[s].from {
		if o := f.reached[s].obstacle; o.kind != nothing {
			l.obstacle, l.before = o, len(l.positions)+1 // still counted from the end
		}
		l.positions = append(l.positions, s)
	}
	slices.Reverse(l.positions)
	l.out, l.before = f.origin[l.positions[0]], len(l.positions)-l.before
	return l
}

// down is the obstacle of an interface that is not up.
func (f *flood) down(id state.LinkID) obstacle {
	if f.link(id).Up {
		return obstacle{}
	}
	return obstacle{isDown, f.downEnd(id)}
}

// cut is the obstacle of a veth pair without carrier.
func (f *flood) cut(end state.LinkID) obstacle {
	if f.carries(end) {
		return obstacle{}
	}
	return obstacle{isDown, f.downEnd(end)}
}

// small is the obstacle of an interface whose MTU is too small for the packet: veths and bridges do not
// fragment, they drop (is_skb_forwardable).
func (f *flood) small(id state.LinkID) obstacle {
	if f.length <= f.link(id).MTU+vlanHeader {
		return obstacle{}
	}
	return obstacle{isTooSmall, id}
}

// hold is the obstacle of a port that does not forward, for a moment or for good.
func (f *flood) hold(port state.LinkID) obstacle {
	switch {
	case f.held[port] != "":
		return obstacle{isHeld, port}
	case f.blocked[port]:
		return obstacle{isBlocked, port}
	}
	return obstacle{}
}
