// Package probe asks again and again whether A reaches B, and says so only when the answer changes.
//
// It knows ICMP echo, time and thresholds. It knows nothing of namespaces, netlink or labs: a [Dialer]
// opens a raw socket wherever a probe starts from, and a [Spec] says whom to ask and what to expect.
//
//	Run ──▶ one goroutine per Spec ──▶ attempt ──▶ judge ──▶ Result ──▶ report, once per change
//	                                  dial, ask, close      verdict
//
// # An attempt
//
// An attempt is one echo request on a socket of its own, closed before the attempt ends: an open socket
// keeps a deleted namespace alive, so none is kept while a probe waits for its next turn.
//
// A raw ICMP socket sees every ICMP message that arrives in its namespace: replies meant for other
// programs, late and duplicated ones, and on loopback the request itself. Only one message counts as the
// reply: a valid echo reply from the address that was asked, which repeats the request's identifier,
// sequence number and payload, of which 16 bytes are random and new in every attempt. Everything else is
// ignored, errors that routers report included: on a raw socket they may be about anybody's packet. A raw
// socket is told nothing of a lost packet, so every attempt has its own deadline.
//
// An error of the kernel on sending ends the attempt at once, and the [Outcome] keeps what it meant.
//
// # A verdict
//
// One reply is proof that B is reachable. [Spec.FailureThreshold] attempts without a reply are taken as
// proof that it is not. Whether that is a Pass or a Fail is for [Spec.Expect] to say:
//
//	              one reply    FailureThreshold × no reply    FailureThreshold × not asked
//	Reachable     Pass         Fail                           Unknown
//	Unreachable   Fail         Pass                           Unknown
//
// The rule is the same for the first verdict and for every change. "No reply" is an expired deadline or an
// error that says the packet has no way ("no route"). "Not asked" is an error that says nothing about the
// way (no socket, no buffer, a full neighbour table, see [Outcome.Conclusive]): such an attempt neither
// proves nor disproves anything, and a verdict that could not be checked for as long as it takes to
// overturn it becomes Unknown.
//
// # Pace
//
// Until a probe is settled (it has a verdict, or has been unable to ask FailureThreshold times in a row)
// attempts follow each other at once, except that an attempt that could not ask is followed by a pause of
// [Spec.Timeout]. So FailureThreshold × Timeout is the longest anybody waits for the first verdict, and no
// error makes a probe spin. From then on there is one attempt per [Spec.Period], at a phase that depends
// only on the lab, the probe's name and its target, so that the probes of a node spread over the period.
//
// # Generations
//
// A verdict belongs to a generation of a lab. A new one starts every probe anew from Unknown, because even
// an unchanged probe asks about a lab that has changed. Within a generation only probes whose Spec changed
// start anew. Results carry their generation, since a report may be under way while [Prober.Run] replaces
// the set.
package probe
