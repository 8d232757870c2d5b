// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// QdiscKind is how an interface's outgoing packets are queued.
type QdiscKind uint8

// The queueing disciplines that a lab can hold. An interface without a row has the kernel's own.
const (
	// Netem impairs packets, see tc-netem(8).
	Netem QdiscKind = iota + 1
	// TBF only limits their rate, see tc-tbf(8): for kernels without netem.
	TBF
	// OtherQdisc is any that a lab never asks for.
	OtherQdisc
)

// Qdisc is the root queueing discipline of an interface, in the values the kernel keeps.
type Qdisc struct {
	Kind QdiscKind
	// Delay and Jitter are netem's; the kernel keeps nanoseconds.
	Delay, Jitter                     time.Duration
	Loss, Duplicate, Corrupt, Reorder Probability
	// Rate is in bytes per second; 0 for no limit.
	Rate uint64
	// Limit is how much is queued: packets for netem, bytes for TBF.
	Limit uint32
	// Burst is how long TBF lets packets through at any rate, in its ticks of 64 ns.
	Burst uint32
	// Child is the class of this qdisc that has drifted to have a qdisc of its own; 0 for none.
	Child Handle
}

// below is for the dump.
func (q Qdisc) below() string {
	if q.Child == 0 {
		return ""
	}
	return " child=" + q.Child.String()
}

func dumpQdisc(namespace, name string, q Qdisc) string {
	return fmt.Sprintf("qdisc %s %s %s%s\n", namespace, name, q, q.below())
}

// Handle names a place in a tree of queueing disciplines, as tc writes it: major:minor.
type Handle uint32

func (h Handle) String() string { return fmt.Sprintf("%x:%x", uint32(h>>16), uint32(h&0xffff)) }

// Probability is a share of packets as the kernel keeps it: math.MaxUint32 means all.
type Probability uint32

// ShareOf rounds a share from 0 to 1 to what the kernel keeps.
func ShareOf(share float64) Probability { return Probability(math.Round(share * math.MaxUint32)) }

// String is the share in percent, in as few digits as tell it from its neighbours.
func (p Probability) String() string {
	percent := float64(p) / math.MaxUint32 * 100
	for digits := range 12 {
		text := strconv.FormatFloat(percent, 'f', digits, 64)
		if back, _ := strconv.ParseFloat(text, 64); ShareOf(back/100) == p {
			return text + "%"
		}
	}
	return strconv.FormatFloat(percent, 'f', -1, 64) + "%"
}

// String is how tc qdisc writes it.
func (q Qdisc) String() string {
	switch q.Kind {
	case Netem:
		return q.netem()
	case TBF:
		return fmt.Sprintf("tbf rate %dbit burst %d limit %d", q.Rate*8, q.BurstBytes(), q.Limit)
	case OtherQdisc:
	}
	return "other"
}

// netem has reorder behind delay, as tc wants it.
func (q Qdisc) netem() string {
	words := []string{fmt.Sprintf("netem limit %d", q.Limit)}
	if q.Delay != 0 || q.Jitter != 0 {
		words = append(words, "delay "+tcTime(q.Delay))
	}
	if q.Jitter != 0 {
		words[len(words)-1] += " " + tcTime(q.Jitter)
	}
	for _, p := range []struct {
		name  string
		value Probability
	}{{"loss", q.Loss}, {"duplicate", q.Duplicate}, {"corrupt", q.Corrupt}, {"reorder", q.Reorder}} {
		if p.value != 0 {
			words = append(words, p.name+" "+p.value.String())
		}
	}
	if q.Rate != 0 {
		words = append(words, fmt.Sprintf("rate %dbit", q.Rate*8))
	}
	return strings.Join(words, " ")
}

// tcTime writes a duration as tc reads it.
func tcTime(d time.Duration) string {
	if d%time.Millisecond == 0 {
		return fmt.Sprintf("%dms", d/time.Millisecond)
	}
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', -1, 64) + "us"
}

// RateText is the rate as a spec has it.
func (q Qdisc) RateText() string {
	bits := q.Rate * 8
	for _, unit := range []struct {
		name string
		bits uint64
	}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}} {
		if bits >= unit.bits && bits%unit.bits == 0 {
			return fmt.Sprintf("%d%s", bits/unit.bits, unit.name)
		}
	}
	return fmt.Sprintf("%dbit", bits)
}

// Least is how long a qdisc delays a frame of a length at least; ok is false if it lets none through. Netem does not
// delay what it reorders. TBF lets a burst through at once, and drops what is larger than that or than its queue. What
// another kind does is unknown.
func (q Qdisc) Least(length int) (delay time.Duration, ok bool) {
	switch {
	case q.Kind == Netem && q.Reorder != 0:
		return 0, q.Loss != all && q.Limit > 0
	case q.Kind == Netem:
		return max(0, q.Delay-q.Jitter) + q.serialization(length), q.Loss != all && q.Limit > 0
	case q.Kind == TBF:
		return 0, int(q.BurstBytes()) >= length && int(q.Limit) >= length
	}
	return 0, true
}

// Most is how long a qdisc delays a frame that finds an empty queue, at most. TBF has no tokens left where other packets
// have taken them, like those of neighbour discovery.
func (q Qdisc) Most(length int) time.Duration {
	if q.Kind == OtherQdisc {
		return 0
	}
	return q.Delay + q.Jitter + q.serialization(length)
}

func (q Qdisc) serialization(length int) time.Duration {
	if q.Rate == 0 {
		return 0
	}
	return time.Duration(float64(length) / float64(q.Rate) * float64(time.Second))
}

// all is the probability of what happens to every packet.
const all = Probability(math.MaxUint32)

// BurstTick is the unit in which the kernel keeps a token bucket's depth (PSCHED_SHIFT).
const BurstTick = 64 * time.Nanosecond

// BurstBytes is how many bytes TBF lets through at once.
func (q Qdisc) BurstBytes() uint32 {
	return uint32(math.Round(float64(q.Burst) * float64(BurstTick) * float64(q.Rate) / float64(time.Second)))
}

// ReplaceQdisc gives an interface its root queueing discipline. One of the same kind is changed in
// place, and what is queued stays.
type ReplaceQdisc struct {
	LinkID
	Qdisc Qdisc
}

// DeleteQdisc gives an interface back the kernel's own queueing discipline.
type DeleteQdisc struct{ LinkID }

// DeleteChildQdisc takes away what hangs below a root queueing discipline. Netem goes on with its own
// queue; tbf is left without one and lets nothing through until it is given its limit again.
type DeleteChildQdisc struct {
	LinkID
	Parent Handle
}

func (o ReplaceQdisc) String() string {
	return fmt.Sprintf("tc -n %s qdisc replace dev %s root %s", o.Namespace, o.Name, o.Qdisc)
}

func (o DeleteQdisc) String() string {
	return fmt.Sprintf("tc -n %s qdisc delete dev %s root", o.Namespace, o.Name)
}

func (o DeleteChildQdisc) String() string {
	return fmt.Sprintf("tc -n %s qdisc delete dev %s parent %s", o.Namespace, o.Name, o.Parent)
}

// apply changes one of the same kind in place, and leaves what hangs below it.
func (o ReplaceQdisc) apply(m machine) {
	if _, ok := m.link(o.LinkID); !ok {
		return
	}
	n, q := m.in(o.Namespace), o.Qdisc
	if have := n.Qdiscs[o.Name]; have.Kind == q.Kind {
		q.Child = have.Child
	}
	n.Qdiscs[o.Name] = q
}

func (o DeleteQdisc) apply(m machine) { delete(m.in(o.Namespace).Qdiscs, o.Name) }

// apply leaves tbf with no room for a packet.
func (o DeleteChildQdisc) apply(m machine) {
	q, ok := m.at(o.Namespace).Qdiscs[o.Name]
	if !ok || q.Child != o.Parent || q.Child == 0 {
		return
	}
	q.Child = 0
	if q.Kind == TBF {
		q.Limit = 0
	}
	m.in(o.Namespace).Qdiscs[o.Name] = q
}

// setQdiscs comes before interfaces are set up, so that no packet goes through unimpaired.
func (d *differ) setQdiscs() {
	d.each(func(p *played) {
		for _, name := range unwanted(p.now.Qdiscs, p.want.Qdiscs, cmp.Compare) {
			if d.there(p, name) {
				d.do(DeleteQdisc{LinkID{p.name, name}})
			}
		}
		for _, name := range missing(p.now.Qdiscs, p.want.Qdiscs, cmp.Compare) {
			if d.there(p, name) {
				d.setQdisc(p, name)
			}
		}
	})
}

// setQdisc frees one that may stay of what hangs below it.
func (d *differ) setQdisc(p *played, name string) {
	have, want := p.now.Qdiscs[name], p.want.Qdiscs[name]
	if have.Child != 0 && have.Kind == want.Kind {
		d.do(DeleteChildQdisc{LinkID{p.name, name}, have.Child})
	}
	if p.now.Qdiscs[name] != want {
		d.do(ReplaceQdisc{LinkID{p.name, name}, want})
	}
}
