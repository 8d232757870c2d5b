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
// A State maps the name of a network namespace to its content: tables keyed by names, and settings. What is
// wanted and what is observed are the same kind of value, so "is the lab there?" is "is the plan empty?". A
// wanted State holds only rows a kernel can hold: no routes over links that are down, no IPv6 on links
// with an MTU below 1280.
//
// What no lab asks for has no row in a wanted State. An attribute of an interface that has drifted has a row in
// AttributeDrift, which can only go; drift of an address or a qdisc is a column that is zero in every wanted row.
//
// The State that With returns shares with the one before it the namespaces that the operation does not write to.
//
// # Operations
//
// An Op changes one thing and reads like the ip command that would do the same. Its apply
// says what the kernel holds afterwards, rows it takes along included. Diff plays every
// operation on its own copy of the namespaces it writes to, so it neither deletes what is already
// gone nor forgets what an operation took along. Namespaces that are as wanted, and that no operation
// wrote to, are skipped:
//
//	operation                      takes along
//	delete a namespace             everything in it; the other ends of its links
//	delete a link                  both ends, their addresses and settings; IPv4 routes with any
//	                               next hop on them, IPv6 routes too (*: only the next hop)
//	delete an address              routes with it as source (*: only the source)
//	delete an IPv4 address         if it was the link's last, IPv4 routes with a next hop there (*);
//	                               a secondary may be promoted and change place
//	set a link down                routes with a next hop there (*), its IPv6 link-local addresses (*);
//	                               lo: IPv6's routes to nowhere (blackhole and its like)
//	set an MTU below 1280          its IPv6 addresses, settings, routes (*: only the next hop);
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
//	set a link down, set its MAC,  its permanent neighbour entries; with its last IPv4 address those of IPv4,
//	  reset ARP or broadcast       with IPv6 those of IPv6
//
// Rows marked (*) may survive, depending on the kernel's version and the order of events.
// Diff assumes they are gone and writes them again; every adding operation has replace
// semantics, so the plan is right either way. What is not wanted is deleted by itself before
// anything may take it along, so that it cannot survive. Tests hold the laws for both outcomes:
// applying Diff(have, want) to have gives want; Diff(s, s) is empty; the order is stable; no
// operation names a namespace outside have and want.
//
// # Order
//
// Packets go through a lab while it is edited. After every operation, every packet arrives that does before and after
// the edit, because what it needs is made first and taken away last:
//
//  1. What carries packets: namespaces, settings that permit something, links, addresses.
//     A permanent neighbour entry is written once its neighbour has the address, and changes right after the
//     operation that makes it wrong.
//  2. Routes, as soon as the kernel takes them and their next hop answers. A node's route changes after those of
//     its next hops for the same destinations: else the two may send a packet to each other.
//  3. What could not be made beside what is there: links whose name another has. Then 1 and 2 for them.
//  4. Addresses that are not wanted, then routes, links, namespaces.
//  5. What takes something from a link or a node: settings that forbid, links set down, small MTUs. Then once more
//     what 4 and 5 took along.
//
// Addresses of an interface are made before they are broken, because a link's last IPv4 address takes the link's
// routes along, and a route's source the route. An address that goes to another node leaves the one before it comes
// to the other. If routes lead to it, it moves in one operation, and so does one that changes its place in its interface's
// list or its IPv6 prefix length. StaleNeighbours says whose neighbour entries are to be updated in place after which
// operation.
//
// Something is lost only where the kernel cannot hold both. What that costs stands in hack/bench/README.md,
// and is a table in a test of package kernel:
//
//	a link takes the name of another         between DeleteLink and the routes over the new one
//	a link loses its last IPv4 address and   between that and the route
//	  keeps routes through IPv6 neighbours
//	gateways' addresses change places in a   between the nodes, while two have an address
//	  circle
//	switches are linked in another way       without a spanning tree, until the old cable has gone; with
//	                                         one, until it has converged
//
// # A new kind of row, step by step
//
// Until a step is done, something is red. In brackets is what:
//
//  1. A file for the noun in this package: the row, its key, its line of the dump [the compiler].
//  2. A table in Namespace and its entry in tables [TestEveryFieldOfANamespaceIsWalked].
//  3. Its operations in the same file: text and effect [the compiler, for a type that is used as an Op].
//  4. everyOp and a row of TestOperationsReadLikeIP, run once with ip [TestEveryOperationIsListed].
//  5. What takes the row along: dropLink, setUp and the others in link.go, and the table above [the laws, once 7
//     makes such rows on links that go].
//  6. Its steps in steps (or in takeAway), in the noun's file with the reason for their place [TestLawsHoldForRandomPairs].
//  7. statetest: wanted rows, and damage to them [TestRandomPairsMeetEveryOperation].
//  8. controllers/lab: the field of the description that asks for it, and the row [testdata/compile].
//  9. controllers/kernel: perform [gochecksumtype], what it needs of a kernel in needs [gochecksumtype], its
//     messages in the noun's file, and reading the row in snapshot.go [the parity test].
//  10. controllers/kernel/fake: refuse [gochecksumtype], what survives, Observe [the parity test].
//  11. An edit of it in controllers/kernel's table of edits, and a drift repaired [TestEveryFieldHasItsEdits].
//  12. diagnose and the plugin's status, if it decides about packets or is to be seen; nothing is red.
package state
