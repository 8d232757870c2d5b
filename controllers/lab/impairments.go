// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// maxDelay is the longest delay a cable can have, and maxJitter what netem cuts a longer jitter to.
const (
	maxDelay  = time.Minute
	maxJitter = math.MaxInt32 * time.Nanosecond
)

// queuedPackets is netem's own limit. What is under way counts, so a delay needs more of them:
// packetsPerMillisecond is what a fast link carries in that time.
const (
	queuedPackets         = 1000
	packetsPerMillisecond = 100
	maxQueuedPackets      = 1_000_000
)

// endImpairment is what an end's own impairment asks for, or else the link's. The zero Qdisc asks for
// nothing.
func (n *network) endImpairment(field string, own *v1alpha1.Impairment, link state.Qdisc) state.Qdisc {
	if own == nil {
		return link
	}
	return n.netem(field+".impairment", own)
}

func (n *network) netem(field string, i *v1alpha1.Impairment) state.Qdisc {
	if i == nil {
		return state.Qdisc{}
	}
	q := state.Qdisc{
		Kind:      state.Netem,
		Delay:     n.delay(field+".delay", i.Delay),
		Jitter:    n.delay(field+".jitter", i.Jitter),
		Loss:      n.probability(field+".loss", i.Loss),
		Duplicate: n.probability(field+".duplicate", i.Duplicate),
		Corrupt:   n.probability(field+".corrupt", i.Corrupt),
		Reorder:   n.probability(field+".reorder", i.Reorder),
		Rate:      n.rate(field+".rate", i.Rate),
	}
	if q.Delay == 0 && (q.Jitter != 0 || q.Reorder != 0) {
		n.refuse(field+".delay", "write delay: as well", "jitter and reorder change the delay, and there is none")
	}
	if q.Jitter > maxJitter {
		n.refuse(field+".jitter", "write at most 2.147s", "a delay of no kernel varies by %s", i.Jitter)
	}
	if q.Jitter > q.Delay && q.Delay != 0 {
		n.warn(field+".jitter", "write at most the delay", "a jitter of %s around a delay of %s is cut off at 0", i.Jitter, i.Delay)
	}
	if q == (state.Qdisc{Kind: state.Netem}) {
		return state.Qdisc{}
	}
	q.Limit = uint32(min(maxQueuedPackets, max(queuedPackets, packetsPerMillisecond*int64((q.Delay+q.Jitter)/time.Millisecond))))
	return q
}

func (n *network) delay(field, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d < 0 || !decimalTime.MatchString(text):
		n.refuse(field, "write such as 10ms, 250us or 1.5s", "%q is not a time", text)
	case d > maxDelay:
		n.refuse(field, "write at most 60s", "%s is more than a cable can be late", text)
	}
	return min(d, maxDelay)
}

func (n *network) probability(field, text string) state.Probability {
	if text == "" {
		return 0
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !decimalShare.MatchString(text) || percent > 100 {
		n.refuse(field, "write a percentage from 0% to 100%, such as 0.5%", "%q is not a share of packets", text)
		return 0
	}
	return state.ShareOf(percent / 100)
}

// bitUnits are tc's: decimal, and upper case only where it is one.
var bitUnits = map[string]float64{"bit": 1, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}

var (
	decimalTime  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(us|ms|s)$`)
	decimalShare = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?%$`)
	decimalRate  = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(bit|kbit|Mbit|Gbit)$`)
)

// maxRate is 1 Tbit/s, in bytes per second.
const maxRate = 1e12 / 8

// rate is in bytes per second, as the kernel has it.
func (n *network) rate(field, text string) uint64 {
	if text == "" {
		return 0
	}
	parts := decimalRate.FindStringSubmatch(text)
	if parts == nil {
		n.refuse(field, "write such as 10Mbit, 64kbit or 1Gbit", "%q is not a rate", text)
		return 0
	}
	number, _ := strconv.ParseFloat(parts[1], 64)
	bytes := number * bitUnits[parts[2]] / 8
	if bytes < 1 || bytes > maxRate {
		n.refuse(field, "write 8bit to 1000Gbit", "%s is a rate that no link of a lab can have", text)
		return 0
	}
	return uint64(bytes)
}

// onlyRate says that netem is asked for nothing that TBF cannot do.
func onlyRate(q state.Qdisc) bool {
	return q == state.Qdisc{Kind: state.Netem, Rate: q.Rate, Limit: q.Limit}
}

// tokenBucket limits the same rate, with what passes between two ticks of a slow clock at once and
// 50 ms worth of it queued. It drops packets that are larger than what passes at once.
func tokenBucket(q state.Qdisc, mtu int) state.Qdisc {
	const ticks, queued, packets = 250, 20, 2
	burst := max(packets*float64(mtu), float64(q.Rate)/ticks)
	time := burst / float64(q.Rate) * float64(time.Second) / float64(state.BurstTick)
	return state.Qdisc{Kind: state.TBF, Rate: q.Rate, Burst: uint32(min(time, math.MaxUint32)), Limit: uint32(min(burst+float64(q.Rate)/queued, math.MaxUint32))}
}
