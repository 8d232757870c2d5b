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

// maxDelay is the API's limit. netem truncates a longer jitter to maxJitter.
const (
	maxDelay  = time.Minute
	maxJitter = math.MaxInt32 * time.Nanosecond
)

// queuedPackets is netem's default limit. Delayed packets count towards it, so a delay needs a higher one:
// packetsPerMillisecond is the rate of a fast link.
const (
	queuedPackets         = 1000
	packetsPerMillisecond = 100
	maxQueuedPackets      = 1_000_000
)

// endImpairment is the qdisc of an end: its own impairment's, else the link's. The zero Qdisc is none.
func (n *network) endImpairment(field string, own *v1alpha1.Impairment, link state.Qdisc) state.Qdisc {
	if own == nil {
		return link
	}
	return n.netem(field, own)
}

func (n *network) netem(field string, i *v1alpha1.Impairment) state.Qdisc {
	if i == nil {
		return state.Qdisc{}
	}
	field += ".impairment"
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
	if _, err := time.ParseDuration(i.Delay); q.Delay == 0 && (i.Delay == "" || err == nil) && (q.Jitter != 0 || strings.ContainsAny(i.Reorder, "123456789")) {
		n.refuse(field+".delay", "write delay: as well", "jitter and reorder need a delay")
	}
	if q.Jitter > maxJitter {
		n.refuse(field+".jitter", "write at most 2.147s", "jitter %s exceeds netem's maximum of 2.147s", i.Jitter)
	}
	if q.Jitter > q.Delay && q.Delay != 0 {
		n.warn(field+".jitter", "write at most the delay", "jitter %s exceeds the delay of %s, and a negative delay becomes 0", i.Jitter, i.Delay)
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
		n.refuse(field, "write a duration, such as "+suggest(text, decimalTime, "ms", "10ms, 250us or 1.5s"), "%q is not a duration", text)
	case d > maxDelay:
		n.refuse(field, "write at most 60s", "%s exceeds the maximum of 60s", text)
	}
	return min(d, maxDelay)
}

func (n *network) probability(field, text string) state.Probability {
	if text == "" {
		return 0
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !decimalShare.MatchString(text) || percent > 100 {
		n.refuse(field, "write a percentage from 0% to 100%, such as "+suggest(text, share, "%", "0.5%"), "%q is not a percentage of packets", text)
		return 0
	}
	return state.ShareOf(percent / 100)
}

// bitUnits are those of tc that are decimal.
var bitUnits = map[string]float64{"bit": 1, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}

var (
	decimalTime  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(us|ms|s)$`)
	decimalShare = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?%$`)
	// share is at most 100 %.
	share       = regexp.MustCompile(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$`)
	decimalRate = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(bit|kbit|Mbit|Gbit)$`)
)

// suggest adds the unit that a number most likely has, if the result is a value; else it shows examples.
func suggest(text string, value *regexp.Regexp, unit, examples string) string {
	if value.MatchString(text + unit) {
		return text + unit
	}
	return examples
}

// maxRate is 1 Tbit/s, in bytes per second.
const maxRate = 1e12 / 8

// rate is in bytes per second, as in the kernel.
func (n *network) rate(field, text string) uint64 {
	if text == "" {
		return 0
	}
	parts := decimalRate.FindStringSubmatch(text)
	if parts == nil {
		n.refuse(field, "write a rate, such as "+suggest(text, decimalRate, "Mbit", "10Mbit, 64kbit or 1Gbit"), "%q is not a rate", text)
		return 0
	}
	number, _ := strconv.ParseFloat(parts[1], 64)
	bytes := number * bitUnits[parts[2]] / 8
	if bytes < 1 || bytes > maxRate {
		n.refuse(field, "write 8bit to 1000Gbit", "rate %s is out of range", text)
		return 0
	}
	return uint64(bytes)
}

// onlyRate reports whether TBF can do what the netem qdisc does.
func onlyRate(q state.Qdisc) bool {
	return q == state.Qdisc{Kind: state.Netem, Rate: q.Rate, Limit: q.Limit}
}

// tokenBucket limits the same rate. Its burst covers one tick of a 250 Hz clock and at least two packets:
// TBF drops packets larger than its burst. It queues 50 ms of traffic.
func tokenBucket(q state.Qdisc, mtu int) state.Qdisc {
	const ticks, queued, packets = 250, 20, 2
	burst := max(packets*float64(mtu), float64(q.Rate)/ticks)
	time := burst / float64(q.Rate) * float64(time.Second) / float64(state.BurstTick)
	return state.Qdisc{Kind: state.TBF, Rate: q.Rate, Burst: uint32(min(time, math.MaxUint32)), Limit: uint32(min(burst+float64(q.Rate)/queued, math.MaxUint32))}
}
