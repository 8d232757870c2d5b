// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// paths are the path of a packet, and those over the legs of multipath routes that it does not take.
type paths struct {
	trace
	walker walker
	forks  []*fork
}

// fork is a node with a multipath route on a path. Legs and traces have the same order; a trace is the path
// of a packet that takes the leg, and from there on the legs that the kernels choose.
type fork struct {
	at     ingress
	route  netip.Prefix
	legs   []state.Leg
	traces []trace
	// hop is the index of the node in the traces.
	hop int
	// certain reports that the kernel names the leg that the packet takes.
	certain bool
}

// At most maxLegs legs are followed in a direction: several per node multiply from node to node.
const maxLegs = 64

// explore follows a packet also over the legs that it does not take. Each (node, incoming link) is examined
// once, so the cost grows with the number of links, not of paths.
func (w walker) explore(ctx context.Context, t trace) paths {
	p := paths{trace: t, walker: w}
	room := maxLegs
	for queue := []trace{t}; len(queue) > 0; queue = queue[1:] {
		for i := range queue[0].hops {
			legs := queue[0].hops[i].Decision.Legs
			if len(legs) < 2 || len(legs)-1 > room || legOf(queue[0].hops[i]) < 0 || p.fork(queue[0], i) != nil {
				continue
			}
			room -= len(legs) - 1
			f := w.forkAt(ctx, queue[0], i)
			p.forks = append(p.forks, f)
			for leg := range f.traces {
				if leg != legOf(queue[0].hops[i]) {
					queue = append(queue, f.traces[leg])
				}
			}
		}
	}
	return p
}

// forkAt follows a packet over every leg of a node on a path.
func (w walker) forkAt(ctx context.Context, t trace, hop int) *fork {
	decision := t.hops[hop].Decision
	f := &fork{
		at: ingress{t.passed[hop], t.hops[hop].Incoming}, route: decision.Route, legs: decision.Legs,
		hop: hop, certain: w.namesLeg(t, hop),
	}
	for leg := range f.legs {
		over := t
		if leg != legOf(t.hops[hop]) {
			over = w.overLeg(ctx, t, hop, f.legs[leg])
			over.detour = w.detouredOver(ctx, over, hop)
		}
		f.traces = append(f.traces, over)
	}
	return f
}

// legOf is the index of the leg that a hop takes, -1 if it takes none: a redirect that the node has learnt comes first.
func legOf(hop Hop) int {
	return slices.IndexFunc(hop.Decision.Legs, func(l state.Leg) bool { return l.Link == hop.Outgoing && l.Via == hop.Via })
}

// overLeg follows a packet that takes a certain leg at a node on its path.
func (w walker) overLeg(ctx context.Context, t trace, hop int, leg state.Leg) trace {
	d := trace{
		packet: t.packet, chosen: t.chosen,
		hops: slices.Clone(t.hops[:hop]), passed: slices.Clone(t.passed[:hop+1]), crossed: slices.Clone(t.crossed[:hop]),
	}
	at, decision := ingress{t.passed[hop], t.hops[hop].Incoming}, t.hops[hop].Decision
	decision.Link, decision.Via = leg.Link, leg.Via
	if at.incoming == "" && t.chosen {
		d.source = w.sourceOver(ctx, t, leg)
	}
	next := w.leave(ctx, &d, at, Hop{Node: t.hops[hop].Node, Incoming: at.incoming, Decision: decision})
	w.proceed(ctx, &d, next)
	if !d.cause.Found() && !d.isReply && d.source != t.source {
		reply := w.travel(ctx, d.reply())
		d.cause = cmp.Or(w.detouredTravel(ctx, reply), reply.cause)
	}
	return d
}

// detouredTravel is the cause if a packet takes a detour and does not meet the same obstacle without it.
func (w walker) detouredTravel(ctx context.Context, t trace) (first Cause) {
	for i := 0; i < len(t.hops) && t.cause.Found(); i++ {
		at := ingress{t.passed[i], t.hops[i].Incoming}
		for _, d := range w.detours(ctx, visit{t.query(at), t.hops[i].Decision}) {
			straight := w
			straight.kernel, straight.crossings = d.without, map[departing]crossed{}
			switch other := straight.travel(ctx, t.packet); {
			case !other.cause.Found():
				return w.detourCause(d, t.cause, t.isReply)
			case !sameObstacle(other.cause, t.cause) && !first.Found():
				first = w.detourCause(d, t.cause, t.isReply)
			}
		}
	}
	return first
}

// reply is the reply to a request that has arrived.
func (t trace) reply() packet {
	return packet{
		start: t.end, source: t.destination, destination: t.source, size: t.size, isReply: true,
		answers: t.hops[len(t.hops)-1].Incoming,
	}
}

// detouredOver is the cause if a packet takes a detour behind a fork and does not meet the same obstacle
// without it.
func (w walker) detouredOver(ctx context.Context, t trace, fork int) (first Cause) {
	for i := fork + 1; i < len(t.hops) && t.cause.Found(); i++ {
		at := ingress{t.passed[i], t.hops[i].Incoming}
		for _, d := range w.detours(ctx, visit{t.query(at), t.hops[i].Decision}) {
			straight := w
			straight.kernel, straight.crossings = d.without, map[departing]crossed{}
			leg := state.Leg{Link: t.hops[fork].Outgoing, Via: t.hops[fork].Via}
			switch other := straight.overLeg(ctx, t, fork, leg); {
			case !other.cause.Found():
				return w.detourCause(d, t.cause, t.isReply)
			case !sameObstacle(other.cause, t.cause) && !first.Found():
				first = w.detourCause(d, t.cause, t.isReply)
			}
		}
	}
	return first
}

// sourceOver is the source address that the sender's kernel chooses for packets over a leg.
func (w walker) sourceOver(ctx context.Context, t trace, leg state.Leg) netip.Addr {
	q := state.ForwardingQuery{Namespace: t.start, Destination: t.destination, Outgoing: leg.Link, IsReply: t.isReply}
	decision, err := w.kernel.LookupRoute(ctx, q)
	if err != nil || !decision.Source.IsValid() {
		return t.source
	}
	return decision.Source
}

// namesLeg reports whether a route lookup selects the leg that the packet takes. A kernel hashes a packet
// which it forwards, and the flow of one which it sends; a lookup hashes a packet for IPv4 and a flow for
// IPv6. Both agree unless ports count: the flow of an IPv4 echo request has its ICMP type as a port.
// Policy 3 combines hashes for packets only.
func (w walker) namesLeg(t trace, hop int) bool {
	settings := w.State[t.passed[hop]].Settings
	sends := t.hops[hop].Incoming == ""
	if t.destination.Is4() {
		switch settings[state.FIBMultipathHashPolicy].Number() {
		case 1:
			return !sends || t.isReply
		case 3:
			return !sends
		}
		return true
	}
	labelled := w.State[t.start].Settings[state.AutoFlowLabels].Number() != 0
	return sends || !labelled && settings[state.FIBMultipathHashPolicy6].Number() != 3
}

// fork is the fork at a hop of a path, nil if there is none.
func (p paths) fork(t trace, hop int) *fork {
	at := ingress{t.passed[hop], t.hops[hop].Incoming}
	if i := slices.IndexFunc(p.forks, func(f *fork) bool { return f.at == at }); i >= 0 {
		return p.forks[i]
	}
	return nil
}

// onPath lists the forks on the path of the packet.
func (p paths) onPath() (forks []*fork) {
	for i := range p.hops {
		if f := p.fork(p.trace, i); f != nil {
			forks = append(forks, f)
		}
	}
	return forks
}

// certain reports whether the lookups name every leg on the path of the packet.
func (p paths) certain() bool {
	return !slices.ContainsFunc(p.onPath(), func(f *fork) bool { return !f.certain })
}

// matching replaces the path by one that agrees with the outcome of the ping, if lookups do not name the legs.
func (p paths) matching(replied bool) paths {
	if p.cause.Found() != replied {
		return p
	}
	for _, f := range p.onPath() {
		for i, t := range f.traces {
			if !f.certain && t.cause.Found() != replied && !f.legs[i].Dead {
				p.trace = t
				return p
			}
		}
	}
	return p
}

// deepen looks for wrong MAC addresses and impairments on the legs without a cause. What the path itself meets as well
// is no matter of a leg.
func (p paths) deepen(ctx context.Context, q Question, other trace) {
	shared := p.walker.impaired(q, p.trace, other).Found()
	for _, f := range p.forks {
		for i := range f.traces {
			t := &f.traces[i]
			if t.cause.Found() || i == legOf(p.hopAt(f)) {
				continue
			}
			t.cause = p.walker.wrongMAC(ctx, trace{packet: t.packet, crossed: t.crossed[f.hop:]}, trace{})
			if !t.cause.Found() && !shared {
				t.cause = p.walker.impairedLeg(q, *t, other)
			}
		}
	}
}

// hopAt is the packet's hop at a fork; the zero Hop if its path does not lead there.
func (p paths) hopAt(f *fork) Hop {
	for i, hop := range p.hops {
		if p.passed[i] == f.at.namespace && hop.Incoming == f.at.incoming {
			return hop
		}
	}
	return Hop{}
}

// blame is the cause of a path. It names the leg at the last fork where packets over another leg do not meet
// the same cause.
func (p paths) blame(t trace) Cause {
	for i := len(t.hops) - 1; i >= 0 && t.cause.Found(); i-- {
		f := p.fork(t, i)
		if f == nil {
			continue
		}
		if legs := f.sharing(t, i); len(legs) < len(f.legs) {
			return p.onLegs(f, legs, cmp.Or(t.detour, t.cause))
		}
	}
	return cmp.Or(t.detour, t.cause)
}

// sharing lists the legs over which packets meet the same cause as on a path with the fork at a hop.
func (f *fork) sharing(t trace, hop int) (legs []int) {
	taken := legOf(t.hops[hop])
	for i := range f.traces {
		if sameObstacle(f.traces[i].cause, t.cause) || i == taken {
			legs = append(legs, i)
		}
	}
	return legs
}

// onLegs puts the legs in front of a cause.
func (p paths) onLegs(f *fork, legs []int, cause Cause) Cause {
	names := make([]string, len(legs))
	for i, leg := range legs {
		names[i] = p.nameOf(f, leg)
	}
	cause.Message = shorten(fmt.Sprintf("%d of %d legs of %s's route to %s (via %s): %s",
		len(legs), len(f.legs), state.NodeOf(f.at.namespace), prefixName(f.route), strings.Join(names, ", "), cause.Message))
	return cause
}

// nameOf is the node to which a leg leads, else its gateway. The link distinguishes legs to one node.
func (p paths) nameOf(f *fork, leg int) string {
	name := p.nextOf(f, leg)
	for i := range f.legs {
		if i != leg && p.nextOf(f, i) == name {
			return name + ", link " + f.legs[leg].Link
		}
	}
	return name
}

func (p paths) nextOf(f *fork, leg int) string {
	via := f.legs[leg].Via
	if next := f.traces[leg].hops[f.hop].Next; next != "" {
		return next
	}
	if owner := p.walker.owner(via); owner != "" {
		return state.NodeOf(owner)
	}
	if !via.IsValid() {
		return "link " + f.legs[leg].Link
	}
	return via.String()
}

// faults are the causes on the legs that the packet does not take; with dead, also on those that no packet
// takes.
func (p paths) faults(dead bool) (causes []Cause) {
	for _, f := range p.forks {
		for i, t := range f.traces {
			if !t.cause.Found() || sameObstacle(t.cause, p.cause) || f.legs[i].Dead && !dead {
				continue
			}
			if cause := p.blame(t); !slices.Contains(causes, cause) {
				causes = append(causes, cause)
			}
		}
	}
	return causes
}

// otherLeg is the first cause on a leg that the packet may take though the path shows another.
func otherLeg(there, back paths) Cause {
	if faults := slices.Concat(there.faults(false), back.faults(false)); len(faults) > 0 {
		return faults[0]
	}
	return Cause{}
}

// everywhere is the path with the hops on all legs.
func (p paths) everywhere() trace {
	t := p.trace
	t.hops = slices.Clone(t.hops)
	for _, f := range p.forks {
		for _, over := range f.traces {
			t.hops = append(t.hops, over.hops...)
		}
	}
	return t
}

// shown are the hops of the path with their legs.
func (p paths) shown() []Hop {
	hops := slices.Clone(p.hops)
	for i := range hops {
		hops[i].Decision.Route, hops[i].Decision.Legs = netip.Prefix{}, nil
		f := p.fork(p.trace, i)
		if f == nil {
			continue
		}
		hops[i].Route, hops[i].LegUnknown = prefixName(f.route), !f.certain
		taken := legOf(p.hops[i])
		for leg, l := range f.legs {
			hops[i].Legs = append(hops[i].Legs, Leg{
				Outgoing: l.Link, Via: l.Via, Weight: l.Weight, Next: f.traces[leg].hops[f.hop].Next,
				Taken: leg == taken, Reason: f.traces[leg].cause.Reason,
			})
		}
	}
	return hops
}

// departing is a packet that leaves a node, crossed what becomes of it.
type departing struct {
	packet
	namespace, link string
	via             netip.Addr
}

type crossed struct {
	neighbour
	cause Cause
}

// crossOnce is cross, whose floods are done once in a walk.
func (w walker) crossOnce(ctx context.Context, p packet, at ingress, decision state.ForwardingDecision) (neighbour, Cause) {
	key := departing{p, at.namespace, decision.Link, decision.Via}
	if done, ok := w.crossings[key]; ok {
		return done.neighbour, done.cause
	}
	over, cause := w.cross(ctx, p, at, decision)
	w.crossings[key] = crossed{over, cause}
	return over, cause
}

// maxWarnings is the maximum number of warnings of a walk.
const maxWarnings = 3

// warnings are the obstacles on legs, in addition to the cause of the walk: on those that the packets do not take,
// and on one that they take all the same, because a cached neighbour still gets them.
func warnings(there, back paths, cause Cause) (list []Cause) {
	for _, p := range []paths{there, back} {
		faults := p.faults(true)
		if taken := p.blame(p.trace); taken != p.cause {
			faults = append([]Cause{taken}, faults...)
		}
		for _, fault := range faults {
			named := func(other Cause) bool { return sameObstacle(fault, other) }
			if !named(cause) && !slices.ContainsFunc(list, named) && len(list) < maxWarnings {
				list = append(list, fault)
			}
		}
	}
	return list
}

// unexplained is the cause if every kernel on the path forwards and no reply arrives. Where lookups name the
// legs, an unmanaged object on the path comes before a fault on another leg.
func (w walker) unexplained(ctx context.Context, q Question, there, back paths) Cause {
	onPath := legsOf(there, back, func(request, reply trace) Cause { return w.impaired(q, request, reply) })
	if !onPath.Found() {
		onPath = w.unmanaged(ctx, there.trace, back.trace)
	}
	if there.certain() && back.certain() && onPath.Found() {
		return onPath
	}
	if cause := cmp.Or(otherLeg(there, back), onPath, w.unmanaged(ctx, there.everywhere(), back.everywhere())); cause.Found() {
		return cause
	}
	if cause := w.sometimesOnLegs(q, there, back); cause.Found() {
		return cause
	}
	return cmp.Or(w.changedSetting(ctx, there.trace, back.trace), noReply(q, there.trace))
}
