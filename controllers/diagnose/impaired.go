// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// defaultTimeout is that of a probe.
const defaultTimeout = time.Second

// ethernetHeader is in front of every packet. minEcho is the payload of an echo where its size does not matter.
const (
	ethernetHeader = 14
	minEcho        = 24
)

// impairment is what the root qdisc of an interface does to packets that leave through it.
type impairment struct {
	at state.LinkID
	// stops is what keeps every packet back, in the words of tc; empty if some pass.
	stops string
	// least and most are how long it delays a packet. Share is how many it loses, from 0 to 1.
	least, most time.Duration
	share       float64
	// shares and delays say what does that, in the words of tc.
	shares, delays []string
}

// impaired is the cause if an impairment lets no reply arrive within the timeout: one that stops every packet, or
// the delays of all on the path there and back. With another cause removed, there would still be no reply. One
// that has drifted is also the cause if it only loses some packets.
func (w walker) impaired(q Question, there, back trace) Cause {
	path := w.impairments(q, there, back)
	for _, i := range path {
		if i.stops != "" {
			return w.stopped(i, there)
		}
	}
	least, timeout := time.Duration(0), cmp.Or(q.Timeout, defaultTimeout)
	for _, i := range path {
		least += i.least
	}
	switch {
	case len(path) > 0 && slices.ContainsFunc(path, w.hasDrifted) && least < timeout:
		return w.sometimes(q, there, back)
	case len(path) == 0 || least < timeout:
		return Cause{}
	}
	return w.late(path, there, fmt.Sprintf("take at least %s, and the timeout is %s", roundUp(least), timeout))
}

// sometimes is the cause if impairments lose some packets, or can delay them for too long, and nothing else explains
// a missing reply. Resolving an address takes the same way once more.
func (w walker) sometimes(q Question, there, back trace) Cause {
	path, most, passes := w.impairments(q, there, back), time.Duration(0), 1.0
	for _, i := range path {
		most, passes = most+i.most, passes*(1-i.share)
	}
	switch {
	case passes < 1:
		return w.lossy(q, path, there, 1-passes)
	case len(path) > 0 && 2*most >= cmp.Or(q.Timeout, defaultTimeout):
		return w.late(path, there, fmt.Sprintf("take up to %s, twice that with address resolution, and the timeout is %s",
			roundUp(most), cmp.Or(q.Timeout, defaultTimeout)))
	}
	return Cause{}
}

// impairedLeg is impaired for a packet over a leg that it does not take. The other one is its reply, or its request.
func (w walker) impairedLeg(q Question, over, other trace) Cause {
	if over.isReply {
		return w.impaired(q, other, over)
	}
	return w.impaired(q, over, other)
}

// sometimesOnLegs is sometimes for the path, then for the legs that packets may take though it shows others.
func (w walker) sometimesOnLegs(q Question, there, back paths) Cause {
	is := func(request, reply trace) Cause { return w.sometimes(q, request, reply) }
	if cause := legsOf(there, back, is); cause.Found() {
		return cause
	}
	for _, other := range there.others() {
		if cause := legsOf(other, back, is); cause.Found() {
			return cause
		}
	}
	for _, other := range back.others() {
		if cause := legsOf(there, other, is); cause.Found() {
			return cause
		}
	}
	return Cause{}
}

// others are the paths over the legs that the packet does not take, if it arrives over them.
func (p paths) others() (all []paths) {
	for _, f := range p.forks {
		for i, over := range f.traces {
			if i != legOf(p.hopAt(f)) && !over.cause.Found() {
				all = append(all, paths{trace: over, walker: p.walker, forks: p.forks})
			}
		}
	}
	return all
}

// legsOf is the cause of a request and its reply. It names the legs where packets over the others do not meet it.
func legsOf(there, back paths, is func(request, reply trace) Cause) Cause {
	cause := is(there.trace, back.trace)
	if !cause.Found() {
		return cause
	}
	if named := there.sharingCause(cause, func(over trace) Cause { return is(over, back.trace) }); named != cause {
		return named
	}
	return back.sharingCause(cause, func(over trace) Cause { return is(there.trace, over) })
}

// sharingCause names the legs of the last fork on the path where packets over another leg do not meet a cause.
func (p paths) sharingCause(cause Cause, is func(trace) Cause) Cause {
	for _, f := range slices.Backward(p.onPath()) {
		var legs []int
		for i, over := range f.traces {
			if i == legOf(p.hopAt(f)) || sameObstacle(is(over), cause) {
				legs = append(legs, i)
			}
		}
		if len(legs) < len(f.legs) {
			return p.onLegs(f, legs, cause)
		}
	}
	return cause
}

// stopped is the cause if an impairment lets nothing through.
func (w walker) stopped(i impairment, there trace) Cause {
	node := state.NodeOf(i.at.Namespace)
	return Cause{
		Reason:  v1alpha1.ReasonImpaired,
		Node:    node,
		Message: fmt.Sprintf("interface %s of %s lets no packet through, on the path from %s to %s and back: %s", i.at.Name, node, state.NodeOf(there.start), there.destination, i.stops),
		Fix:     w.withoutImpairment(i, fmt.Sprintf("in the spec, change the impairment of its link at %s", node)),
	}
}

// late is the cause if delays exceed the timeout. It names the largest of them. A sufficient timeout has room for
// address resolution.
func (w walker) late(path []impairment, there trace, how string) Cause {
	needed := time.Duration(0)
	for _, i := range path {
		needed += 2 * i.most
	}
	most := slices.MaxFunc(path, func(a, b impairment) int { return cmp.Compare(a.most, b.most) })
	node, spec := state.NodeOf(most.at.Namespace), "in the spec, change the impairment of its link"
	if seconds := int(needed/time.Second) + 1; seconds <= 60 {
		spec = fmt.Sprintf("in the spec, set timeoutSeconds: %d, or change the impairment of its link", seconds)
	}
	return Cause{
		Reason: v1alpha1.ReasonImpaired,
		Node:   node,
		Message: fmt.Sprintf("packets from %s to %s and back %s: interface %s of %s has %s", state.NodeOf(there.start), there.destination, how,
			most.at.Name, node, strings.Join(most.delays, ", ")),
		Fix: w.withoutImpairment(most, spec),
	}
}

// lossy is the cause if some packets are lost. It names the interface that loses most.
func (w walker) lossy(q Question, path []impairment, there trace, share float64) Cause {
	most := slices.MaxFunc(path, func(a, b impairment) int { return cmp.Compare(a.share, b.share) })
	node, measured := state.NodeOf(most.at.Namespace), ""
	if q.Measure != nil {
		if lost, sent := q.Measure(); sent > 0 {
			measured = fmt.Sprintf("; %d of %d requests got no reply", lost, sent)
		}
	}
	return Cause{
		Reason: v1alpha1.ReasonImpaired,
		Node:   node,
		Message: fmt.Sprintf("%s of the packets from %s to %s and back are lost: interface %s of %s has %s%s", percent(share),
			state.NodeOf(there.start), there.destination, most.at.Name, node, strings.Join(most.shares, ", "), measured),
		Fix: w.withoutImpairment(most, "in the spec, raise failureThreshold of the probe, or change the impairment of its link"),
	}
}

// withoutImpairment takes an impairment back: to the wanted one if it has drifted, else away.
func (w walker) withoutImpairment(i impairment, spec string) string {
	if op, ok := w.driftedQdisc(i.at); ok {
		return w.drifted(op)
	}
	return fit(spec, command(state.DeleteQdisc{LinkID: i.at}))
}

func (w walker) hasDrifted(i impairment) bool {
	_, ok := w.driftedQdisc(i.at)
	return ok
}

// driftedQdisc is the first planned operation on the qdisc of an interface.
func (v view) driftedQdisc(at state.LinkID) (found state.Op, ok bool) {
	for _, op := range v.left {
		if changed, is := qdiscOf(op); is && changed == at {
			return op, true
		}
	}
	return nil, false
}

// besidePath reports whether an operation is on the qdisc of an interface through which neither packet leaves.
func besidePath(op state.Op, there, back trace) bool {
	at, ok := qdiscOf(op)
	return ok && !slices.ContainsFunc(slices.Concat(there.crossed, back.crossed), func(c crossing) bool {
		return slices.Contains(c.egresses(), at)
	})
}

// onlyImpairs reports whether an operation adds a qdisc: without one, packets pass.
func (v view) onlyImpairs(op state.Op) bool {
	add, ok := op.(state.ReplaceQdisc)
	_, there := v.State[add.Namespace].Qdiscs[add.Name]
	return ok && !there
}

// qdiscOf is the interface whose qdisc an operation changes.
func qdiscOf(op state.Op) (at state.LinkID, ok bool) {
	switch o := op.(type) {
	case state.ReplaceQdisc:
		return o.LinkID, true
	case state.DeleteQdisc:
		return o.LinkID, true
	case state.DeleteChildQdisc:
		return o.LinkID, true
	default:
		return at, false
	}
}

// impairments are those of the interfaces through which the request and the reply leave.
func (w walker) impairments(q Question, there, back trace) (path []impairment) {
	length := size(q)
	if length == 0 {
		length = minEcho + icmpHeader + ipv6Header
		if q.To.Is4() {
			length = minEcho + icmpHeader + ipv4Header
		}
	}
	for _, c := range slices.Concat(there.crossed, back.crossed) {
		for _, at := range c.egresses() {
			if qdisc, ok := w.State[at.Namespace].Qdiscs[at.Name]; ok {
				path = append(path, impairmentOf(at, qdisc, length+ethernetHeader))
			}
		}
	}
	return path
}

// egresses are the interfaces through which a frame leaves on its path over a segment.
func (l neighbour) egresses() []state.LinkID {
	ids := []state.LinkID{l.out} // a VLAN interface is no position: the frame leaves its parent with a tag
	for _, p := range l.positions {
		if p.direction == outward && p.link != l.out {
			ids = append(ids, p.link)
		}
	}
	return ids
}

// impairmentOf is what a qdisc does to a frame of a length.
func impairmentOf(at state.LinkID, q state.Qdisc, length int) impairment {
	i := impairment{at: at, most: q.Most(length), share: 1 - (1-portion(q.Loss))*(1-portion(q.Corrupt))}
	i.shares, i.delays = netemWords(q)
	least, passes := q.Least(length)
	i.least = least
	if !passes {
		i.stops = stopWords(q, length)
	}
	return i
}

// stopWords are what lets no frame through.
func stopWords(q state.Qdisc, length int) string {
	switch {
	case q.Loss == math.MaxUint32:
		return "loss 100%"
	case q.Kind == state.TBF && int(q.BurstBytes()) < length:
		return fmt.Sprintf("burst %d, and frames of %d bytes", q.BurstBytes(), length)
	case q.Kind == state.TBF:
		return fmt.Sprintf("limit %d, and frames of %d bytes", q.Limit, length)
	}
	return fmt.Sprintf("limit %d", q.Limit)
}

// netemWords are what loses packets, and what delays them.
func netemWords(q state.Qdisc) (shares, delays []string) {
	if q.Loss != 0 {
		shares = append(shares, "loss "+q.Loss.String())
	}
	if q.Corrupt != 0 {
		shares = append(shares, "corrupt "+q.Corrupt.String())
	}
	if q.Delay != 0 {
		delays = append(delays, "delay "+q.Delay.String())
	}
	if q.Jitter != 0 {
		delays = append(delays, "jitter "+q.Jitter.String())
	}
	if q.Rate != 0 {
		delays = append(delays, "rate "+q.RateText())
	}
	return shares, delays
}

func portion(p state.Probability) float64 { return float64(p) / math.MaxUint32 }

func percent(share float64) string { return fmt.Sprintf("%.3g%%", 100*share) }

// roundUp keeps milliseconds.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
