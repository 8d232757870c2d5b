// SPDX-License-Identifier: Apache-2.0

package probe

import "time"

// replies is what is known of the times in which the replies to a probe come.
type replies struct {
	// slowest is the longest round-trip time of late; each reply takes an eighth off it.
	slowest time.Duration
	// unsure counts the replies until a loss is forgotten.
	unsure int
}

const (
	// lossMemory is the number of replies after which a lost packet is forgotten.
	lossMemory = 100
	// A reply is overdue after so many of the slowest round trips, and after this part of the timeout at least.
	overdueRoundTrips   = 4
	overdueTimeoutShare = 4
)

// note takes the result of an attempt. A reply that ends a doubt shows that the packets before it were lost, or their
// replies late.
func (r *replies) note(got answer, doubtful bool) {
	if got.outcome != Reply {
		return
	}
	r.slowest = max(got.rtt, r.slowest-r.slowest/8, 1)
	r.unsure = max(0, r.unsure-1)
	if doubtful {
		r.unsure = lossMemory
	}
}

// usual is after how long a reply is overdue; 0 where none has come, or packets are lost, or replies take most of the
// timeout.
func (r *replies) usual(timeout time.Duration) time.Duration {
	usual := max(timeout/overdueTimeoutShare, overdueRoundTrips*r.slowest)
	if r.slowest == 0 || r.unsure > 0 || usual >= timeout {
		return 0
	}
	return usual
}
