// SPDX-License-Identifier: Apache-2.0

// Package probe pings from A to B repeatedly and reports only changes of the result.
//
// It knows ICMP echo, time and thresholds, but no namespaces, netlink or labs: a [Dialer] opens a raw
// socket where a probe starts, and a [Spec] has the destination and the expected result.
//
//	Run ──▶ one goroutine per Spec ──▶ attempt ──▶ judge ──▶ Result ──▶ report, once per change
//	                                  dial, send, close     verdict
//
// # An attempt
//
// An attempt is one echo request on its own socket, which is closed before the attempt ends: an open socket
// keeps a deleted namespace alive, so no socket is open while a probe waits for its next attempt.
//
// A raw ICMP socket receives every ICMP message that arrives in its namespace: replies to other programs,
// late and duplicate replies, requests of other nodes. Only one message counts as the reply: a valid echo
// reply from the destination, with the request's identifier, sequence number and payload, of which 16 bytes
// are random and new in every attempt. It must have arrived before the deadline; when it is read does not
// matter. ICMP errors of routers are ignored: on a raw socket they may concern another program's packet. A
// raw socket receives no error for a lost packet, so every attempt has its own deadline.
//
// If the attempt's own request arrives, its sender would answer itself: the destination is an address of the
// sender, or a local route or NAT sends the packet back. The reply would prove nothing about any other node.
//
// An error of the kernel on sending ends the attempt at once; the [Outcome] keeps its meaning.
//
// # A verdict
//
// One reply proves that B is reachable. [Spec.FailureThreshold] attempts without a reply count as proof that
// it is not. [Spec.Expect] determines whether that is a Pass or a Fail:
//
//	              one reply    FailureThreshold × no reply    × delivered locally    × not asked
//	Reachable     Pass         Fail                           Fail                   Unknown
//	Unreachable   Fail         Pass                           Fail                   Unknown
//
// The rule is the same for the first verdict and for every change. "No reply" is an expired deadline or an
// error about the path ("no route"). "Not asked" is an error that is not about the path (no socket,
// a full neighbour table, see [Outcome.Conclusive]): such an attempt proves nothing, and after
// FailureThreshold of them the verdict becomes Unknown. If the neighbour table was full then, it stays Unknown until
// FailureThreshold replies in a row, a period apart: where a table is contested, a single reply does not last.
//
// # Schedule
//
// Until a probe is settled (it has a verdict, or FailureThreshold attempts in a row could not send), each
// attempt follows the previous one at once, except that an attempt that could not send is followed by a
// pause of [Spec.Timeout]. So the first verdict takes at most FailureThreshold × Timeout, and no error
// causes a busy loop. From then on there is one attempt per [Spec.Period], at a phase that depends only on
// the lab, the probe's name and its destination, so that the probes of a node spread over the period.
//
// When an attempt of a destination that was reachable gets no reply, the attempts that are missing for a
// verdict do not wait for the period: each begins half a timeout after the one before it, and the first
// reply ends them. So a path that breaks is noticed FailureThreshold/2 + 1 timeouts after the next attempt,
// and [Prober.Wake] makes that attempt now. The verdict needs as many losses in a row as before: where
// packets are lost at random, each on its own, it is as likely per period as with attempts a period apart.
// An interruption is another matter: one that is longer than from the first attempt to the last,
// (FailureThreshold-1)/2 timeouts, may lose all of them. Attempts that began together would all be lost in the
// shortest interruption.
//
// After [Prober.Wake], a result is overdue if no reply has come within four of the slowest round trips, and within
// a quarter of the timeout. That proves nothing, so the verdict stays; it is a reason to look for a cause now. Where a
// packet was lost among the last hundred, no result is overdue.
//
// # Generations
//
// A verdict belongs to a generation of a lab. A new generation restarts every probe from Unknown, because
// the lab has changed even if the probe has not. Within a generation only probes whose Spec changed restart.
// Results carry their generation, since a report may be in progress while [Prober.Run] replaces the set.
package probe
