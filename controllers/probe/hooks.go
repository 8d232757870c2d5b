package probe

import "time"

// Hook connects a Prober, Once or Ping to what is around it.
type Hook func(*hooks)

type hooks struct {
	observe   func(Spec, time.Duration, Outcome)
	saturated func() bool
}

func collect(list []Hook) hooks {
	h := hooks{
		observe:   func(Spec, time.Duration, Outcome) {},
		saturated: func() bool { return false },
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

// Saturated is asked whether the machine's IPv6 neighbour table is full (95 % or more), when an error of
// the kernel could mean just that. Without it, the table never is. It is called by many goroutines at the
// same time.
func Saturated(f func() bool) Hook {
	return func(h *hooks) { h.saturated = f }
}
