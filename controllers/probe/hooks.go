// SPDX-License-Identifier: Apache-2.0

package probe

import "time"

// Hook configures a Prober, Once or Ping.
type Hook func(*hooks)

type hooks struct {
	observe   func(Spec, time.Duration, Outcome)
	saturated func(Family) bool
}

func collect(list []Hook) hooks {
	h := hooks{
		observe:   func(Spec, time.Duration, Outcome) {},
		saturated: func(Family) bool { return false },
	}
	for _, hook := range list {
		hook(&h)
	}
	return h
}

// Observe calls f after every attempt, for metrics. The round-trip time is 0 unless the outcome is Reply, and
// the defaults of the Spec are filled in. Many goroutines call f at the same time.
func Observe(f func(spec Spec, rtt time.Duration, outcome Outcome)) Hook {
	return func(h *hooks) { h.observe = f }
}

// Saturated calls f to find out whether the machine's neighbour table of a family is full (95 % or more), if
// that could explain an error of the kernel or a missing reply: a node on the path then drops packets to new
// neighbours without an error. The default is that tables are never full. Many goroutines call f at the same
// time.
func Saturated(f func(Family) bool) Hook {
	return func(h *hooks) { h.saturated = f }
}
