package probe

import "time"

// Hook connects a Prober, Once or Ping to what is around it.
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

// Observe is told of every attempt, for metrics. The round-trip time is 0 unless the outcome is Reply, and
// defaults of the Spec are filled in. It is called by many goroutines at the same time.
func Observe(f func(spec Spec, rtt time.Duration, outcome Outcome)) Hook {
	return func(h *hooks) { h.observe = f }
}

// Saturated is asked whether the machine's neighbour table of a family is full (95 % or more), when an error
// of the kernel or the lack of a reply could mean just that: then a node on the way drops what it has no
// neighbour for, and says nothing. Without it, the tables never are. It is called by many goroutines at the
// same time.
func Saturated(f func(Family) bool) Hook {
	return func(h *hooks) { h.saturated = f }
}
