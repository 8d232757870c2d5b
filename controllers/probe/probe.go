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

// MinSizeBytes is the smallest payload of an echo request: a mark that names the sender to whoever reads a
// capture (8 bytes), and the nonce (16 bytes).
const MinSizeBytes = markSize + nonceSize

// Spec is one question: does From reach To, as expected? Specs are compared with ==, and one that changes
// in any field is a new question.
type Spec struct {
	// Name is for the reader of a result, and spreads the probes over the period. It need not be unique:
	// one probe of a lab may be two Specs, one per address family.
	Name string
	// From is the place the probe starts from, in the words of the Dialer.
	From string
	// Source is the address to ask from. The kernel chooses if it is not valid.
	Source netip.Addr
	// To is the address to ask.
	To     netip.Addr
	Expect Expectation

	Period           time.Duration // between attempts, once there is a verdict
	Timeout          time.Duration // of one attempt
	FailureThreshold int           // attempts without a reply that count as unreachable

	// SizeBytes is the size of the ICMP payload, sent with "don't fragment". Zero asks with MinSizeBytes
	// and allows fragments; sizes in between are raised to MinSizeBytes.
	SizeBytes int
}

// Family is the address family in which the question is asked.
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

// Expectation is what should be true of From and To.
type Expectation uint8

// What a probe may expect.
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

// Verdict says whether the expectation holds.
type Verdict uint8

// The verdicts. Unknown is not a failure: nothing is proven yet, or it could not be asked.
const (
	Unknown Verdict = iota
	Pass
	Fail
)

var verdictNames = [...]string{Unknown: "Unknown", Pass: "Pass", Fail: "Fail"}

func (v Verdict) String() string { return verdictNames[v] }

// Outcome is what happened to one attempt.
type Outcome uint8

// The outcomes, with the error of the kernel that each stands for.
const (
	NotAsked        Outcome = iota // no attempt has ended yet
	Reply                          // the one reply that counts arrived in time
	NoReply                        // it did not
	NoRoute                        // ENETUNREACH: no route to the destination
	HostUnreachable                // EHOSTUNREACH: a route of type unreachable
	Refused                        // EACCES, EPERM: a route of type prohibit, or a packet filter
	Blackhole                      // EINVAL: a route of type blackhole
	TooBig                         // EMSGSIZE: larger than the path allows without fragments
	NoBuffer                       // ENOBUFS, or EINVAL or no reply with a full neighbour table: dropped on the way
	SocketError                    // no socket, or an error that says nothing about the way
)

var outcomeNames = [...]string{
	NotAsked:        "NotAsked",
	Reply:           "Reply",
	NoReply:         "NoReply",
	NoRoute:         "NoRoute",
	HostUnreachable: "HostUnreachable",
	Refused:         "Refused",
	Blackhole:       "Blackhole",
	TooBig:          "TooBig",
	NoBuffer:        "NoBuffer",
	SocketError:     "SocketError",
}

func (o Outcome) String() string { return outcomeNames[o] }

// Conclusive reports whether the outcome says anything about the way from A to B. The others are never
// evidence of "unreachable", nor of anything else.
func (o Outcome) Conclusive() bool {
	return o != NotAsked && o != NoBuffer && o != SocketError
}

// Result is what is known of one Spec.
type Result struct {
	Spec       Spec
	Generation int64 // of the lab, as given to Run; 0 from Once
	Verdict    Verdict
	Outcome    Outcome       // of the latest attempt
	Err        string        // of the latest attempt; empty after a reply
	RTT        time.Duration // of the latest reply; 0 if there was none
}
