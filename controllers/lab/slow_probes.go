// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Lengths of the headers of an echo request, and of its smallest payload.
const (
	ethernetHeader, ipv4Header, ipv6Header, icmpHeader = 14, 20, 40, 8
	minEcho                                            = 24
)

// warnImpaired warns of a probe that can get no reply in time, whichever way packets take: every way loses all of
// them, or the shortest delays there and back add up to the timeout.
func (n *network) warnImpaired(field string, from *node, p Probe) {
	to := n.nodeByName[p.Target]
	if p.Expect == v1alpha1.ExpectUnreachable || to == nil || to == from || len(n.cables) == 0 {
		return
	}
	length := p.frameLength()
	least := func(e *end) (time.Duration, bool) { return e.qdisc.Least(length) }
	there, back := n.quickest(from, to, least), n.quickest(to, from, least)
	if there == nil || back == nil {
		n.warnStopped(field, from, to, length)
		return
	}
	all := slices.Concat(there, back)
	total, enough := time.Duration(0), time.Duration(0)
	for _, e := range all {
		delay, _ := least(e)
		total, enough = total+delay, enough+2*e.qdisc.Most(length) // addresses have to be resolved first
	}
	if total < p.Timeout {
		return
	}
	slowest := slices.MaxFunc(all, func(a, b *end) int { return int(a.qdisc.Most(length) - b.qdisc.Most(length)) })
	fix := fmt.Sprintf("change the impairment of link %s", slowest.link.name)
	if seconds := int(enough/time.Second) + 1; seconds <= 60 {
		fix = fmt.Sprintf("write timeoutSeconds: %d, or %s", seconds, fix)
	}
	n.warn(field, fix, "no reply can arrive in time: packets from %s to %s and back take at least %s, and the timeout is %s; link %s has %s at %s",
		from.name, to.name, total.Round(time.Millisecond), p.Timeout, slowest.link.name, delayWords(slowest.qdisc), slowest.node.name)
}

// warnStopped warns if ends that let nothing through are all that keeps two nodes apart.
func (n *network) warnStopped(field string, from, to *node, length int) {
	free := func(*end) (time.Duration, bool) { return 0, true }
	for _, e := range slices.Concat(n.quickest(from, to, free), n.quickest(to, from, free)) {
		if _, passes := e.qdisc.Least(length); !passes {
			n.warn(field, fmt.Sprintf("change the impairment of link %s", e.link.name),
				"no reply can arrive: link %s lets no packet through at %s (loss %s), and no other way leads from %s to %s and back", e.link.name, e.node.name, e.qdisc.Loss, from.name, to.name)
			return
		}
	}
}

func delayWords(q state.Qdisc) string {
	var words []string
	if q.Delay != 0 {
		words = append(words, "delay "+q.Delay.String())
	}
	if q.Rate != 0 {
		words = append(words, "rate "+q.RateText())
	}
	return strings.Join(words, " and ")
}

// frameLength is the length of the probe's frames.
func (p Probe) frameLength() int {
	header := ipv4Header
	if p.To.Is6() {
		header = ipv6Header
	}
	return max(p.SizeBytes, minEcho) + icmpHeader + header + ethernetHeader
}

// addCables indexes the links that are up in a lab that has impairments.
func (n *network) addCables() {
	n.cables = map[*node][]*end{}
	impaired := slices.ContainsFunc(n.links, func(l *link) bool {
		return l.ends[0].qdisc != state.Qdisc{} || l.ends[1].qdisc != state.Qdisc{}
	})
	for _, l := range n.links {
		for _, e := range l.ends {
			if impaired && l.up {
				n.cables[e.node] = append(n.cables[e.node], e)
			}
		}
	}
}

// quickest are the ends through which packets leave on the way that costs least, whatever routes and VLANs say: no real
// way is quicker. It is nil if there is none.
func (n *network) quickest(from, to *node, cost func(*end) (time.Duration, bool)) []*end {
	best, last := map[*node]time.Duration{from: 0}, map[*node]*end{}
	for queue := []*node{from}; len(queue) > 0; queue = queue[1:] {
		for _, e := range n.cables[queue[0]] {
			next := e.peer().node
			price, passes := cost(e)
			total := best[queue[0]] + price
			if old, been := best[next]; !passes || been && old <= total {
				continue
			}
			best[next], last[next] = total, e
			queue = append(queue, next)
		}
	}
	if last[to] == nil {
		return nil
	}
	path := []*end{}
	for x := to; x != from; x = last[x].node {
		path = append(path, last[x])
	}
	return path
}
