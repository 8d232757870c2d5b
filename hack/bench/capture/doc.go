// SPDX-License-Identifier: Apache-2.0

// Capture prints how many packets `capture --path` over five links keeps, next to tcpdump on the same ten
// interfaces: `make bench-capture`.
//
//	sandbox: lab h1 - r1 - r2 - r3 - r4 - h2
//	  ── for each contender: start it, send numbered datagrams from h1 to h2 at a rate, end it, read its files
//
// A packet is in order if its ten copies, sorted by their times, are in the order of the hops. Dropped is what
// the kernel counts for the packet sockets (PACKET_STATISTICS).
package main
