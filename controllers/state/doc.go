// SPDX-License-Identifier: Apache-2.0

// Package state holds what a kernel holds, or should hold, of a lab, and turns the difference
// between two States into operations. It is pure and needs the standard library only.
//
//	State (want) ─┐
//	              ├─Diff──▶ []Op
//	State (have) ─┘
//
// # State
//
// A State is a few flat tables keyed by names. What is wanted and what is observed are
// the same kind of value, so "is the lab there?" is "is the plan empty?". A wanted State
// holds only rows a kernel can hold: no routes over links that are down, no IPv6 on links
// with an MTU below 1280.
//
// What no lab asks for has no row in a wanted State. An attribute of an interface that somebody
// changed is an Override, whose only right value is to be gone; what somebody gave an address or a queue
// is a column that is zero in every wanted row.
//
// # Operations
//
// An Op changes one thing and reads like the ip command that would do the same. Op.apply
// says what the kernel looks like afterwards, rows it takes along included. Diff plays every
// operation on its own copy of the observed State, so it neither deletes what is already
// gone nor forgets what an operation took along:
//
//	operation                      takes along
//	delete a namespace             everything in it; the other ends of its links
//	delete a link                  both ends, their addresses and link sysctls; IPv4 routes with any
//	                               leg on them, IPv6 routes with any leg on them (*: only the leg)
//	delete an address              routes with it as source (*: only the source)
//	delete an IPv4 address         if it was the link's last, IPv4 routes with a leg on the link (*);
//	                               a secondary may be promoted and change place
//	set a link down                routes with a leg on it (*), its IPv6 link-local addresses (*);
//	                               lo: IPv6's routes to nowhere (blackhole and its like)
//	set an MTU below 1280          the link's IPv6 addresses, sysctls and routes (*: only the leg);
//	                               IPv4 routes through an IPv6 neighbour on it (*)
//	delete, set down, shrink       the same of every interface that is on the link for a VLAN
//	  a link
//	delete a bridge                its ports are free, and out of their VLANs
//	set or clear a master          the port's VLANs, and what was changed of the port
//	set a link up or down          the state of a port; routes to its addresses' networks are made again
//	turn a spanning tree on, off   the states of the ports
//	delete a queue below tbf's     tbf's limit
//	change the default VLAN        ports that are in the old one untagged
//	set ip_forward                 every link's forwarding, conf.all.accept_redirects
//	set ipv6 all.disable_ipv6=1    every IPv6 address and route of the namespace (*)
//	set ipv6 conf.L.disable_ipv6=1 the link's IPv6 addresses and routes (*); lo: as above
//	set ipv6 all.forwarding        every link's IPv6 forwarding
//
// Rows marked (*) may survive, depending on the kernel's version and the order of events.
// Diff assumes they are gone and writes them again; every adding operation has replace
// semantics, so the plan is right either way. What nobody wants is deleted by itself before
// anything may take it along, so that it cannot survive. Tests hold the laws for both outcomes:
// applying Diff(have, want) to have gives want; Diff(s, s) is empty; the order is stable; no
// operation names a namespace outside have and want.
//
// Addresses are made before they are broken, because a link's last IPv4 address takes the link's
// routes along, and packets of others are lost until they are written again: a link that has one
// before and after has one all the time, and a route whose source changes has the new one before the old
// one goes. An address that goes from one link to another is never on
// both, so neighbours cannot learn the wrong one; only where addresses change places in a circle
// has a link to do without for a moment.
package state
