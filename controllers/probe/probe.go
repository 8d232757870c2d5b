// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
	"time"
)

// Defaults for the fields of a Spec that are zero or negative.
const (
	DefaultPeriod           = 10 * time.Second
	DefaultTimeout          = time.Second
	DefaultFailureThreshold = 3
)

// MinSizeBytes is the smallest payload of an echo request: a mark that identifies the sender in a capture (8
// bytes), and the nonce (16 bytes).
const MinSizeBytes = markSize + nonceSize

// Spec is one probe: From, To and the expected result. Specs are compared with ==. A Spec that changes in any
// field is a new probe.
type Spec struct {
	// Name identifies the probe in results and spreads probes over the period. It need not be unique: one probe
	// of a lab may be two Specs, one per address family.
	Name string
	// From is where the probe starts, as the Dialer names it.
	From string
	// Source is the source address. The kernel chooses it if it is not valid.
	Source netip.Addr
	// To is the destination address.
	To     netip.Addr
	Expect Expectation

	Period           time.Duration // between attempts, once there is a verdict
	Timeout          time.Duration // of one attempt
	FailureThreshold int           // attempts without a reply that count as unreachable

	// SizeBytes is the size of the ICMP payload, sent with "don't fragment". Zero means MinSizeBytes and allows
	// fragments; smaller sizes are raised to MinSizeBytes.
	SizeBytes int
}

// Family is the address family of the destination.
func (s Spec) Family() Family { return FamilyOf(s.To) }

func (s Spec) withDefaults() Spec {
	if s.Period <= 0 {
		s.Period = DefaultPeriod
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.FailureThreshold <= 0 {
		s.FailureThreshold = DefaultFailureThreshold
	}
	return s
}

// Expectation is the expected reachability of To from From.
type Expectation uint8

// Expectations.
const (
	Reachable Expectation = iota
	Unreachable
)

func (e Expectation) String() string {
	if e == Unreachable {
		return "Unreachable"
	}
	return "Reachable"
}

// Verdict is whether the expectation holds.
type Verdict uint8

// Verdicts. Unknown is not a failure: nothing is proven yet, or sending was impossible.
const (
	Unknown Verdict = iota
	Pass
	Fail
)

var verdictNames = [...]string{Unknown: "Unknown", Pass: "Pass", Fail: "Fail"}

func (v Verdict) String() string { return verdictNames[v] }

// Outcome is the result of one attempt.
type Outcome uint8

// Outcomes, with the kernel's error for each.
const (
	NotAsked         Outcome = iota // no attempt has ended yet
	Reply                           // the reply arrived in time
	NoReply                         // no reply arrived in time, or ENOBUFS: the sender's own interface has dropped the request
	NoRoute                         // ENETUNREACH: no route to the destination
	HostUnreachable                 // EHOSTUNREACH: a route of type unreachable
	Refused                         // EACCES, EPERM: a route of type prohibit, or a packet filter
	Blackhole                       // EINVAL: a route of type blackhole
	TooBig                          // EMSGSIZE: larger than the path allows without fragments
	NoBuffer                        // EINVAL or no reply with a full neighbour table: dropped on the way
	DeliveredLocally                // the request was delivered to its own sender
	SocketError                     // no socket, or an error that is not about the path
)

var outcomeNames = [...]string{
	NotAsked:         "NotAsked",
	Reply:            "Reply",
	NoReply:          "NoReply",
	NoRoute:          "NoRoute",
	HostUnreachable:  "HostUnreachable",
	Refused:          "Refused",
	Blackhole:        "Blackhole",
	TooBig:           "TooBig",
	NoBuffer:         "NoBuffer",
	DeliveredLocally: "DeliveredLocally",
	SocketError:      "SocketError",
}

func (o Outcome) String() string { return outcomeNames[o] }

// Conclusive reports whether the outcome is evidence about the path from A to B.
func (o Outcome) Conclusive() bool {
	return o != NotAsked && o != NoBuffer && o != SocketError
}

// Result is the current result of one Spec.
type Result struct {
	Spec       Spec
	Generation int64 // of the lab, as given to Run; 0 from Once
	Verdict    Verdict
	Outcome    Outcome       // of the latest attempt
	Err        string        // of the latest attempt; empty after a reply
	RTT        time.Duration // of the latest reply; 0 if there was none
	// Overdue says that no reply has come since Wake in the time in which replies come, and that it is too early for
	// the verdict. A verdict and a reply end it.
	Overdue bool
	// Lost of Sent requests had got no reply when the verdict became what it is. Older requests count less. Once
	// leaves them 0.
	Lost, Sent int
}
