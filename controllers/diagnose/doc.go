// SPDX-License-Identifier: Apache-2.0

// Package diagnose explains why a ping gets no reply: it follows the packet from node to node, in
// both directions, and names the first thing that stops it, with the fix.
//
//	Question ──▶ at each node: what does its kernel do with the packet? ──▶ Hop
//	             at each link: is it up, is its MTU large enough, does the next hop exist there?
//	             arrived: does the node reply? then the same for the reply ──▶ Walk with Cause
//
// # Sources of truth
//
// But for one comparison this package does not compute what a node does with a packet. It looks the route up in the node's
// kernel (see Kernel), with incoming interface and source address, so that the answer includes
// routes, metrics, forwarding, rp_filter and policy rules. No lookup tells what lies between two
// nodes: which interfaces share a segment, what is down, which node has the next hop's address. That
// comes from the Observation. The wanted lab never determines the cause, since something differs
// from it when a probe fails. It only selects the fix.
//
// A lookup that fails makes the cause ProbeError. Nothing is guessed.
//
// # Across switches
//
// A frame is followed like one to an unknown destination: out of every port that is up and in the
// frame's VLAN (see flood). The next hop is the interface that answers for its address among those
// the flood reaches. If none does, the flood is repeated with one kind of obstacle ignored at a
// time, then with all: an obstacle on that path is the cause. Only if this also finds no interface
// does no node have the address.
//
// A flood visits each (interface, VLAN tag) once, so it ends in loops, and a walk costs as much as
// its segments are large. What MAC tables have learnt tells only who sent last: it is read when nothing else explains a
// missing reply, and is the cause if it leads to another port. A node behind that port may have sent frames back.
//
// # Several legs
//
// Of the next hops of a multipath route, its legs, the kernel takes one by a hash, and a lookup for ICMP
// names it (but see namesLeg). Packets are followed over the others as well (see explore), each (node,
// incoming link) once: a fault there is a warning, or the cause if nothing else explains a missing reply.
// Where no lookup names the leg, the path is one that agrees with the outcome of the ping.
//
// # One errno, several causes
//
// The kernel returns EHOSTUNREACH if it does not forward, and also if an unreachable route matches.
// The same lookup without interface and source tells the two apart: it covers the route alone. A
// source address is refused by rp_filter, or because it is the node's own.
//
// A link that is down takes its routes along, so the kernel reports "no route". If a link on the
// shortest path is down and no equally short path is up, the cause is the link. The same holds for a
// routing loop if no other path leads on: the routes that are left send the packet back.
//
// # What a node does other than by its main table
//
// A policy rule or a redirect that the node has learnt can lead packets elsewhere. It is the cause if the walk
// without it does not meet the same obstacle (see detour). A lookup without a rule does not exist, so this one
// comparison follows the rules and tables as listed (state.Policy), by the kernel's order.
//
// A proxy answers for an address of others only if its own route to it leads over another interface; its kernel
// is asked that, with the asker's address. A permanent neighbour entry decides where frames go, whether the next
// hop answers or not. Dynamic entries and MAC addresses are compared only when nothing else explains a missing
// reply. Neither is it asked before then whether a node answers ARP: it looks up a route with the asker as the source,
// and is silent where that source is filtered.
//
// Behind NAT a packet may have other addresses. Connection tracking tells which, unless a node dropped it: then
// nothing that depends on them is stated as fact (see translated). NAT is the cause if packets arrive without it.
//
// # Fixes
//
// A fix removes the named obstacle: it says what to write in the spec, and the command with the
// same effect now. If the kernel would refuse a route (the gateway is outside every prefix of the
// node, has no address of the family, or is on no link), the fix is what the route needs. Package
// broken runs the commands of more than 220 labs in a shell.
//
// A change of routes is a fix only if packets get farther after it: its next hop is followed through the
// kernels of the other nodes (see progressOf). So fixes never take each other back, and the one that brings
// packets to their destination comes first.
//
// If the kernel state has drifted from the spec, the spec needs no change: the fix is the operation
// of the plan (Question.Left) that concerns the obstacle, or the one that has to come before it. Unmanaged
// objects are in neither the lab nor its State (policy rules, neighbour entries, routes of others, settings
// that no lab has). The message names them with the command that removes them, since they may be intended.
//
// # Texts
//
// Messages and fixes are one line of at most 300 characters and depend on nothing but the
// lookups and the observation: no times, no counters, a fixed order. Messages name nodes, commands
// name network namespaces.
package diagnose
