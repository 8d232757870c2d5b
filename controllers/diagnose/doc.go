// SPDX-License-Identifier: Apache-2.0

// Package diagnose says why a ping gets no reply: it follows the packet from node to node,
// there and back, and names the first thing that stops it, with the fix.
//
//	Question ──▶ at each node: what does its kernel do with the packet? ──▶ Hop
//	             at each link: is it up, large enough, and does the next hop live there?
//	             arrived: does the node answer? then the same for the reply ──▶ Walk with Cause
//
// # Who is cachedKernel
//
// What a node does with a packet is never worked out here: the node's kernel is cachedKernel (see
// Kernel), with the interface the packet came in by and its source, so that routes, metrics,
// forwarding, rp_filter and rules are the kernel's own word. What lies between two nodes, a
// kernel does not say: which interfaces are on the same segment, what is down, whose address
// the next hop is. That is read from the Observation. The lab as it should be is never why: it says
// what should be, and the reader is here because something is not. It only chooses among fixes.
//
// A kernel that gives no answer makes the cause ProbeError. Nothing is guessed.
//
// # Across switches
//
// A frame is followed as a switch treats one whose receiver it does not know: by every port that
// is up and in the frame's VLAN (see flood). The next hop is the interface that answers for its
// address among those the flood comes to. Where none does, the same is tried with one kind of
// obstacle lifted at a time, then with all: what is in the way then is the cause. Only when that
// finds noHolder either is it noHolder's address.
//
// Each (interface, VLAN tag) is come to once, so loops end, and a walk costs as much as its
// segments are large. What a bridge has learnt is not cachedKernel: it would only say who spoke last.
//
// # One errno, several causes
//
// The kernel says EHOSTUNREACH both where it does not forward and where an unreachable route
// matches. The same look-up without interface and source tells them apart: it asks for the
// route alone. A source is refused by rp_filter, or because it is the node's own.
//
// A link that is down takes its routes along, so the kernel reports "no route". Where a
// link on the shortest way is down, and no way as short leads around it, the cause is the link;
// it also is where what is left of the routes sends packets round in circles and no other way leads on.
//
// # Fixes
//
// A fix, followed to the letter, takes the named obstacle away: what to write in the spec, and
// the command that does the same now. Where a route would be refused (the gateway is outside
// every prefix of the node, has no address of the family, or is behind no link at all) the fix
// is what the route lacks. Package broken pastes the commands of 91 labs into a shell.
//
// Nothing has to be written where the spec is right and somebody changed the kernel: a row that
// Question.Lab has and the State has not, or the other way round, is brought back. What is neither
// in the lab nor in its State (policy rules, neighbour entries, routes of others, settings no lab
// has) is named with the command that takes it away, since it may be meant.
//
// # Texts
//
// Messages and fixes are one line of at most 300 characters and depend on nothing but the
// answers: no times, no counters, a fixed order. Prose names nodes, commands name network
// namespaces.
package diagnose
